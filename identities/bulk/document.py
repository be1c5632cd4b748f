"""The register's file: what stands in it, read from JSON or CSV and written as either. What it says is weighed by the import.

JSON holds one object a program, with its signers and grants inside. CSV holds one line for each signer or grant; the lines of one issuer and
subject are one program. Both hold the same, and neither holds a secret. Spaces around a text are no part of it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from identities.bulk.formulas import disarm, disarm_key, rearm
from proofs.canonical import parse_json
from proofs.errors import Malformed, Refusal
from proofs.fields import Fields
from proofs.moment import rfc3339

SCHEMA = "countersign-identities/v1"
MALFORMED = "import.malformed"
MAX_BYTES = 32 * 1024 * 1024
MAX_PROGRAMS = 20_000
MAX_PARTS = 200
COLUMNS = (
    "kind",
    "name",
    "issuer",
    "subject",
    "purpose",
    "owner",
    "team",
    "standing",
    "certificate_issuer",
    "certificate_identity",
    "any_ref",
    "public_key",
    "signer_valid_until",
    "right",
    "object",
    "project",
    "environment",
    "valid_until",
    "reason",
)
_TEXTS = ("kind", "name", "issuer", "subject", "owner", "team")


@dataclass(frozen=True, slots=True)
class SignerRow:
    """A way of signing: issuer and name of a certificate, or a public key in PEM; until a time."""

    certificate_issuer: str = ""
    certificate_identity: str = ""
    any_ref: bool = False
    public_key: str = ""
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A right, for a project and an environment (slugs; empty for each), until a time."""

    right: str
    object: str
    project: str = ""
    environment: str = ""
    valid_until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProgramRow:
    """One program of the file; `where` names its place in it. `standing` is written for people and never read.

    Where `flaw` is set, it could not be read: then its texts only say which one it is, and what may hide a letter in them is spelled out.
    """

    where: str
    kind: str
    name: str
    issuer: str
    subject: str
    purpose: str
    owner: str
    team: str
    standing: str = ""
    signers: tuple[SignerRow, ...] = ()
    grants: tuple[GrantRow, ...] = ()
    flaw: Refusal | None = None


def parse_programs(unverified_bytes: bytes) -> list[ProgramRow]:
    """Read a file of the register, JSON when it begins with a brace and CSV otherwise.

    Refuses with `import.too_large`, `import.too_many`, `import.malformed`, `import.twice` or a `json.*` code what cannot be read as a whole. A
    program that cannot be read is there with its flaw (`import.malformed`). Checks shapes only.
    """
    if len(unverified_bytes) > MAX_BYTES:
        raise Malformed("import.too_large", f"got {len(unverified_bytes)} bytes, expected at most {MAX_BYTES}; import in several files")
    is_json = unverified_bytes.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    programs = list(_read_json(unverified_bytes) if is_json else _read_csv(unverified_bytes))
    if not programs:
        raise Malformed(MALFORMED, "got no program, expected one at least")
    if len(programs) > MAX_PROGRAMS:
        raise Malformed("import.too_many", f"got {len(programs)} programs, expected at most {MAX_PROGRAMS}; import in several files")
    seen: dict[tuple[str, str], str] = {}
    for program in programs:
        if len(program.signers) > MAX_PARTS or len(program.grants) > MAX_PARTS:
            raise Malformed(MALFORMED, f"got more than {MAX_PARTS} signers or grants in {program.where}")
        first = program.where if program.flaw else seen.setdefault((program.issuer, program.subject), program.where)
        if first != program.where:
            raise Malformed(
                "import.twice", f"got {program.subject} of {program.issuer} in {first} and in {program.where}; expected it once"
            )
    return programs


def write_json(programs: Iterable[ProgramRow]) -> str:
    """Return the file in JSON, one member a line."""
    return json.dumps({"schema": SCHEMA, "identities": [_as_object(program) for program in programs]}, indent=1, ensure_ascii=False) + "\n"


def write_csv(programs: Iterable[ProgramRow]) -> str:
    """Return the file in CSV, with a header and CRLF as RFC 4180 has it. No cell is run by a spreadsheet, wherever it splits the line."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for program in programs:
        for line in _as_lines(program):
            writer.writerow({name: (disarm_key if name == "public_key" else disarm)(cell) for name, cell in line.items()})
    return out.getvalue()


def _read_json(unverified_bytes: bytes) -> Iterator[ProgramRow]:
    whole = Fields(parse_json(unverified_bytes, allow_floats=False), path="file", code=MALFORMED).only("schema", "identities")
    whole.choice("schema", (SCHEMA,))
    for number, each in enumerate(whole.each("identities", high=MAX_BYTES), start=1):
        where, value = f"program {number}", _stripped(each.value)
        yield _read_or_flawed(_program_of_object, value, where)


def _program_of_object(value: dict[str, Any], where: str) -> ProgramRow:
    item = Fields(value, path=where, code=MALFORMED).only(*_TEXTS, "purpose", "standing", "signers", "grants")
    return ProgramRow(
        where=where,
        purpose=item.optional_text("purpose", limit=300) or "",
        signers=tuple(_signer(each) for each in item.each("signers", high=MAX_PARTS)) if item.has("signers") else (),
        grants=tuple(_grant(each) for each in item.each("grants", high=MAX_PARTS)) if item.has("grants") else (),
        flaw=None,
        **{name: item.text(name, limit=300) for name in _TEXTS},
    )


def _read_or_flawed(read: Callable[[dict[str, Any], str], ProgramRow], value: dict[str, Any], where: str) -> ProgramRow:
    try:
        return read(value, where)
    except Malformed as flaw:
        # Nothing here may make a line read differently from what it says.
        name, issuer, subject = (ascii(str(value.get(each, ""))[:80])[1:-1] for each in ("name", "issuer", "subject"))
        return ProgramRow(where, "", name, issuer, subject, "", "", "", flaw=flaw)


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stripped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_stripped(each) for each in value]
    # A key's line ends are whatever it was carried in.
    return value.strip().replace("\r\n", "\n") if isinstance(value, str) else value


def _signer(item: Fields) -> SignerRow:
    item.only("certificateIssuer", "certificateIdentity", "anyRef", "publicKey", "validUntil")
    return SignerRow(
        item.optional_text("certificateIssuer", limit=300) or "",
        item.optional_text("certificateIdentity", limit=500) or "",
        item.flag("anyRef") if item.has("anyRef") else False,
        item.text("publicKey", limit=4000, lines=True) if item.has("publicKey") else "",
        item.optional_time("validUntil"),
    )


def _grant(item: Fields) -> GrantRow:
    item.only("right", "object", "project", "environment", "validUntil", "reason")
    return GrantRow(
        item.text("right", limit=16),
        item.text("object", limit=300),
        item.optional_text("project", limit=64) or "",
        item.optional_text("environment", limit=64) or "",
        item.optional_time("validUntil"),
        item.optional_text("reason", limit=200) or "",
    )


def _read_csv(unverified_bytes: bytes) -> Iterator[ProgramRow]:
    try:
        lines = list(csv.reader(io.StringIO(unverified_bytes.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(MALFORMED, f"got a file that is neither JSON nor CSV in UTF-8 ({error})") from error
    header = lines[0] if lines else []
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or len(set(header)) != len(header) or not set(_TEXTS) <= set(header):
        raise Malformed(MALFORMED, f"got the columns {', '.join(header)[:200]!r}, expected some of {', '.join(COLUMNS)}, each once")
    found: dict[tuple[str, str], ProgramRow] = {}
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise Malformed(MALFORMED, f"got {len(cells)} cells in line {number}, expected {len(header)}")
        where, texts = f"line {number}", _stripped(dict(zip(header, map(rearm, cells), strict=True)))
        program = _read_or_flawed(_program_of_line, {name: text for name, text in texts.items() if text}, where)
        key = (texts["issuer"], texts["subject"]) if texts["issuer"] and texts["subject"] else (where, "")
        known = found.setdefault(key, program)
        if known is not program:
            found[key] = _joined(known, program)
    yield from found.values()


def _program_of_line(cells: dict[str, str], where: str) -> ProgramRow:
    item = Fields(cells, path=where, code=MALFORMED)
    texts = {name: item.text(name, limit=300) for name in _TEXTS}
    signer = SignerRow(
        item.optional_text("certificate_issuer", limit=300) or "",
        item.optional_text("certificate_identity", limit=500) or "",
        item.choice("any_ref", ("yes", "no")) == "yes" if item.has("any_ref") else False,
        item.text("public_key", limit=4000, lines=True) if item.has("public_key") else "",
        item.optional_time("signer_valid_until"),
    )
    grants: tuple[GrantRow, ...] = ()
    if any(item.has(name) for name in ("right", "object", "project", "environment", "valid_until")):
        grant = GrantRow(
            item.text("right", limit=16),
            item.text("object", limit=300),
            item.optional_text("project", limit=64) or "",
            item.optional_text("environment", limit=64) or "",
            item.optional_time("valid_until"),
            item.optional_text("reason", limit=200) or "",
        )
        grants = (grant,)
    purpose = item.optional_text("purpose", limit=300) or ""
    return ProgramRow(where=where, purpose=purpose, signers=() if signer == SignerRow() else (signer,), grants=grants, flaw=None, **texts)


def _joined(known: ProgramRow, more: ProgramRow) -> ProgramRow:
    if known.flaw or more.flaw:
        return known if known.flaw else more
    same = ("kind", "name", "purpose", "owner", "team")
    differs = [name for name in same if getattr(known, name) != getattr(more, name)]
    if differs:
        raise Malformed("import.twice", f"got another {differs[0]} in {more.where} than in {known.where} for the same issuer and subject")
    return replace(known, signers=_once(known.signers + more.signers), grants=_once(known.grants + more.grants))


def _once(items: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(items))


def _as_object(program: ProgramRow) -> dict[str, Any]:
    named = {name: getattr(program, name) for name in ("kind", "name", "issuer", "subject", "purpose", "owner", "team", "standing")}
    signers = [
        {
            **(
                {"publicKey": each.public_key}
                if each.public_key
                else {
                    "certificateIssuer": each.certificate_issuer,
                    "certificateIdentity": each.certificate_identity,
                    "anyRef": each.any_ref,
                }
            ),
            "validUntil": rfc3339(each.valid_until) if each.valid_until else None,
        }
        for each in program.signers
    ]
    grants = [
        {
            "right": each.right,
            "object": each.object,
            "project": each.project or None,
            "environment": each.environment or None,
            "validUntil": rfc3339(each.valid_until) if each.valid_until else None,
            **({"reason": each.reason} if each.reason else {}),
        }
        for each in program.grants
    ]
    return {**{name: value for name, value in named.items() if value or name != "purpose"}, "signers": signers, "grants": grants}


def _as_lines(program: ProgramRow) -> Iterator[dict[str, str]]:
    """Yield as many lines as there are signers or grants, whichever are more, and one at least."""
    named = {name: getattr(program, name) for name in ("kind", "name", "issuer", "subject", "purpose", "owner", "team", "standing")}
    for number in range(max(len(program.signers), len(program.grants), 1)):
        line = dict(named)
        if number < len(program.signers):
            signer = program.signers[number]
            line |= {"certificate_issuer": signer.certificate_issuer, "certificate_identity": signer.certificate_identity}
            line |= {"any_ref": "yes" if signer.any_ref else "", "public_key": signer.public_key}
            line["signer_valid_until"] = rfc3339(signer.valid_until) if signer.valid_until else ""
        if number < len(program.grants):
            grant = program.grants[number]
            line |= {"right": grant.right, "object": grant.object, "project": grant.project, "environment": grant.environment}
            line |= {"valid_until": rfc3339(grant.valid_until) if grant.valid_until else "", "reason": grant.reason}
        yield line
