"""Two verifiers on the same damaged bundles: every mutant that ours accepts must be one that `sigstore` accepts as well.

A seed makes the mutants, so that a run can be repeated. `python -m tests.mutation 20000 --seed 7` runs any number; `make mutate` does so.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import collections
import json
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from attestations.ask_sigstore import ask_sigstore
from proofs.canonical import parse_json
from proofs.errors import Refusal
from proofs.evidence import TrustMaterial, verify_bundle_under
from proofs.sigstore.bundle_shape import parse_bundle
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.factory import NOON, STATEMENT, WORKLOAD
from tests.proofs.formats import KINDS, Formats
from tests.proofs.published import FOLDER, NOW, read, row_named

PUBLISHED = (
    "sigstore-conformance/happy-path-v0.1",
    "sigstore-conformance/happy-path-v0.3",
    "sigstore-conformance/rekor2-happy-path",
    "sigstore-conformance/rekor2-dsse-happy-path",
    "sigstore-conformance/rekor2-timestamp-with-embedded-cert",
    "slsa/gha-generic-v2.1.0-push-v14.2",
    "slsa/bcr-module-bazel",
)
MADE = ("envelope-v2", "file-v2", "file-v1-stamped", "envelope-dsse-stamped")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Original:
    """A bundle that both verifiers accept, and the trust root under which they do."""

    name: str
    bundle: dict[str, Any]
    document: bytes
    trust: TrustMaterial


@dataclass
class Tally:
    """What came of a run. `looser` holds each mutant that only ours accepts: original, what was done, and where."""

    tried: int = 0
    explained: int = 0
    both_accept: int = 0
    both_refuse: int = 0
    stricter: int = 0
    looser: list[tuple[str, str, str]] = field(default_factory=list)
    codes: collections.Counter[str] = field(default_factory=collections.Counter)


def originals() -> list[Original]:
    """Return the published bundles where the vectors are, and those we make."""
    found = []
    for name in PUBLISHED if FOLDER.is_dir() else ():
        row = row_named(name)
        found.append(_original(name, read(row["files"]["evidence"]), read(row["files"]["trusted_root"])))
    instance = Formats(NOON)
    found += [_original(name, instance.make(KINDS[name], STATEMENT, WORKLOAD, NOON), instance.document()) for name in MADE]
    return found


def run(count: int, seed: int) -> Tally:
    """Judge `count` mutants of the originals with both verifiers; the same seed gives the same mutants of published bundles."""
    chance, known, tally = random.Random(seed), originals(), Tally()
    while tally.tried < count:
        original = chance.choice(known)
        mutant, deed, place = mutate(original, known, chance)
        if mutant == original.bundle:
            continue
        tally.tried += 1
        refusal = own_refusal(mutant, original.trust)
        accepted = refusal is None
        tally.codes[refusal or "accepted"] += 1
        others = other_accepts(mutant, original.document)
        tally.both_accept += accepted and others
        tally.both_refuse += not accepted and not others
        tally.stricter += others and not accepted
        if accepted and not others and is_explained(mutant, place, original.trust):
            tally.explained += 1
        elif accepted and not others:
            tally.looser.append((original.name, deed, place))
    return tally


def is_explained(mutant: dict[str, Any], place: str, trust: TrustMaterial) -> bool:
    """Whether it is known why ours accepts this and sigstore does not. These three reasons are all there are.

    A bundle that calls itself version 0.1 may rest on the log's promise, which ours then verifies; the verdict says that inclusion was
    only promised. A 64-bit number may be written as a JSON number: protobuf's JSON says that readers accept both. And a timestamp of an
    authority that nobody knows counts for nothing beside the log's own time; the verdict says that it was not checked.
    """
    if "rfc3161Timestamps" in place:
        try:
            verified = verify_bundle_under(parse_bundle(parse_json(json.dumps(mutant).encode())), trust, NOW).bundle
        except Refusal:
            return False
        return verified is not None and verified.strange_timestamps > 0 and all(time.source == "log" for time in verified.times)
    try:
        entry = dict(mutant["verificationMaterial"]["tlogEntries"][0])
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    if str(mutant.get("mediaType")).endswith("version=0.1") and ".inclusionProof" in place:
        return not (entry.get("inclusionProof") or {}).get("checkpoint")
    numbers = [entry.get("logIndex"), entry.get("integratedTime")]
    numbers += [(entry.get("inclusionProof") or {}).get(name) for name in ("logIndex", "treeSize")]
    return place.rpartition(".")[2] in ("logIndex", "treeSize", "integratedTime") and any(type(number) is int for number in numbers)


def own_refusal(mutant: dict[str, Any], trust: TrustMaterial) -> str | None:
    """Return the code of our refusal, None when ours accepts. Any other exception is a bug, and goes through."""
    try:
        verify_bundle_under(parse_bundle(parse_json(json.dumps(mutant).encode())), trust, NOW)
    except Refusal as refusal:
        return refusal.code
    return None


def other_accepts(mutant: dict[str, Any], document: bytes) -> bool:
    """Whether sigstore accepts; that it breaks off counts as a no."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return not ask_sigstore(json.dumps(mutant).encode(), document)
    except Exception:  # noqa: BLE001  whatever another project's code raises
        return False


def mutate(original: Original, known: list[Original], chance: random.Random) -> tuple[dict[str, Any], str, str]:
    """Return a changed copy of the bundle, what was done to it, and where."""
    mutant: dict[str, Any] = json.loads(json.dumps(original.bundle))
    deed = chance.choice(tuple(_DEEDS))
    places = list(_places(mutant))
    path = chance.choice(places)
    if deed == "swap":
        other = chance.choice(known).bundle
        shared = [place for place in _places(other) if place in set(places)]
        path = chance.choice(shared)
        _put(mutant, path, _at(other, path))
    else:
        _put(mutant, path, _DEEDS[deed](_at(mutant, path), chance))
    return mutant, deed, ".".join(map(str, path))


def _flip_character(value: Any, chance: random.Random) -> Any:
    if not isinstance(value, str) or not value:
        return value
    position = chance.randrange(len(value))
    return value[:position] + chance.choice("ABCxyz0189+/=-_ \n") + value[position + 1 :]


def _drop_character(value: Any, chance: random.Random) -> Any:
    if not isinstance(value, str) or not value:
        return value
    position = chance.randrange(len(value))
    return value[:position] + value[position + 1 :]


def _flip_bit(value: Any, chance: random.Random) -> Any:
    """Flip one bit of what a base64 text stands for, and write it down again properly."""
    try:
        data = bytearray(binascii.a2b_base64(value, strict_mode=True))
    except (binascii.Error, ValueError, TypeError):
        return value
    if not data:
        return value
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return base64.b64encode(bytes(data)).decode()


def _respell(value: Any, chance: random.Random) -> Any:
    """Write base64 in the other alphabet, with more padding or less, or both."""
    if not isinstance(value, str):
        return value
    text = value.translate(str.maketrans("+/", "-_")) if chance.random() < 0.7 else value
    return text.rstrip("=") + "=" * chance.choice((0, 1, 2, 3, 5)) if chance.random() < 0.7 else text


def _edit_inner(value: Any, chance: random.Random) -> Any:
    """Change one value within JSON that a base64 text stands for: a log entry's body, or the payload."""
    try:
        inner = json.loads(base64.b64decode(value))
    except (binascii.Error, ValueError, TypeError):
        return _flip_bit(value, chance)
    if not isinstance(inner, dict):
        return value
    path = chance.choice(list(_places(inner)))
    _put(inner, path, _flip_character(_at(inner, path), chance))
    return base64.b64encode(json.dumps(inner, separators=(",", ":")).encode()).decode()


def _edit_number(value: Any, chance: random.Random) -> Any:
    if isinstance(value, str) and value.isdigit():
        return str(max(0, int(value) + chance.choice((-1, 1, 1000, -1000))))
    return chance.choice((0, 1, -1, 2**53, "0", "-1")) if isinstance(value, str | int) else value


def _change_type(value: Any, chance: random.Random) -> Any:
    return chance.choice((None, True, 0, "", [], {}, [value], {"value": value}))


def _double(value: Any, chance: random.Random) -> Any:
    return value * 2 if isinstance(value, list | str) else value


def _drop(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict) and value:
        gone = chance.choice(sorted(value))
        return {name: item for name, item in value.items() if name != gone}
    if isinstance(value, list) and value:
        return value[:-1]
    return None


def _add(value: Any, chance: random.Random) -> Any:
    return value | {"unknown": chance.choice((None, 1, "x", {}))} if isinstance(value, dict) else value


_DEEDS: dict[str, Callable[[Any, random.Random], Any]] = {
    "flip character": _flip_character,
    "drop character": _drop_character,
    "flip bit": _flip_bit,
    "respell": _respell,
    "edit inside": _edit_inner,
    "edit number": _edit_number,
    "change type": _change_type,
    "double": _double,
    "drop": _drop,
    "add": _add,
    "swap": lambda value, chance: value,
}


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield (*path, name)
        yield from _places(child, (*path, name))


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value[name]
    return value


def _put(value: Any, path: Path, new: Any) -> None:
    _at(value, path[:-1])[path[-1]] = new


def _original(name: str, content: bytes, document: bytes) -> Original:
    return Original(name, json.loads(content), document, TrustMaterial((parse_trust_root(document),)))


def main() -> None:
    """Run as many mutants as wanted and print what came of them; ends with 1 when ours was looser."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    tally = run(wanted.count, wanted.seed)
    print(f"{tally.tried} mutants of {len(originals())} bundles, seed {wanted.seed}")
    print(f"both accept {tally.both_accept}, both refuse {tally.both_refuse}, ours stricter {tally.stricter}")
    print(f"ours looser for a known reason {tally.explained}, ours looser {len(tally.looser)}")
    for name, deed, place in tally.looser:
        print(f"  looser: {deed} at {place} of {name}")
    for code, count in tally.codes.most_common():
        print(f"  {count:7} {code}")
    raise SystemExit(1 if tally.looser else 0)


if __name__ == "__main__":
    main()
