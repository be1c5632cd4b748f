"""Subject documents: what a request asks where it is not about artifacts people built. Built and read strictly, each kind its own shape.

The request's one artifact is the digest of the document's canonical bytes, so whoever approves the request approves exactly this
document. Reading checks form only: whether the agent is registered, the keys exist or the plan is a good one is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proofs.approval.break_glass_review import REVIEW_SCHEMA, read_review
from proofs.approval.expectations_change import EXPECTATIONS_CHANGE_SCHEMA, read_expectations_change
from proofs.approval.policy_change import CHANGE_SCHEMA, read_policy_change
from proofs.approval.waiver_terms import WAIVER_SCHEMA, read_waiver
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Malformed, TooLarge
from proofs.fields import Fields

AGENT_ACTION_SCHEMA = "countersign-agent-action/v1"
ROTATION_SCHEMA = "countersign-rotation/v1"
AGENT_ACTION, ROTATION = "agent-action", "rotation"
POLICY_CHANGE, EXCEPTION, BREAK_GLASS_REVIEW = "policy-change", "exception", "break-glass-review"
WITHOUT_SUBJECT = ("release", "promotion")
MAX_SUBJECT_BYTES = 64 * 1024
MAX_ARGUMENTS = 64
MAX_ARGUMENT = 4000
MAX_KEYS = 64
# How long an approval of an agent's action is good for, at most: the plan was made for the world as it is now.
ACTION_MINUTES = 15

_CODE = "subject.malformed"
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_./+=@-]{0,199}")
# What secrets look like whose makers mark them; a document that is kept for ever and shown to many must hold none.
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|AGE-SECRET-KEY-|\bgh[opsur]_[A-Za-z0-9]{20}|\bgithub_pat_|\bglpat-|\bxox[a-z]-|\b[rs]k_(live|test)_"
    r"|\bhvs\.[A-Za-z0-9]{20}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|\bsk-[A-Za-z0-9_-]{20}|\bAIza[A-Za-z0-9_-]{30}"
    r"|://[^/\s:@]+:[^/\s@]+@|\b(password|passwd|secret|token|api[_-]?key|private[_-]?key)\s*[=:]\s*\S",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(r"pass(word|wd|phrase)|secret|token|credential|private.?key|api.?key", re.IGNORECASE)

Argument = str | int | bool | Sequence[str]
Read = Callable[[Fields], object]


def build_agent_action(
    *,
    tool: str,
    arguments: Mapping[str, Argument],
    target: str,
    plan_digest: str | None,
    agent: Mapping[str, str],
    executor: Mapping[str, str] | None = None,
) -> bytes:
    """Return the canonical bytes of what an agent wants to do. `plan_digest` is a SHA-256 in hex, of the plan it belongs to.

    `agent` and `executor` (who carries it out, where that is another program) are {"issuer", "subject"}. Refuses with
    `subject.malformed` or `subject.secret`.
    """
    document = {
        "schema": AGENT_ACTION_SCHEMA,
        "tool": tool,
        "arguments": {name: list(value) if isinstance(value, list | tuple) else value for name, value in arguments.items()},
        "target": target,
        "plan": {"sha256": plan_digest} if plan_digest else None,
        "agent": dict(agent),
        "executor": dict(executor) if executor else None,
    }
    return _built(AGENT_ACTION, document)


def build_rotation(
    *,
    what: str,
    initiator: Mapping[str, str],
    executor: Mapping[str, str],
    old_keys: Sequence[str],
    new_keys: Sequence[str],
    reason: str = "",
) -> bytes:
    """Return the canonical bytes of a rotation: `what` is rotated, who started it, which program carries it out, and the names of the keys.

    Refuses with `subject.malformed`, or with `subject.secret` when a value looks like secret material: keys are named, never shown.
    """
    document = {
        "schema": ROTATION_SCHEMA,
        "what": what,
        "initiator": dict(initiator),
        "executor": dict(executor),
        "oldKeys": list(old_keys),
        "newKeys": list(new_keys),
        "reason": reason,
    }
    return _built(ROTATION, document)


def parse_subject(content: bytes, *, kind: str) -> Fields:
    """Return the fields of the subject document of a request of `kind`.

    Refuses with `json.*`, with `subject.malformed` when it is no such document, and with `subject.secret` for what looks like a secret.
    """
    if len(content) > MAX_SUBJECT_BYTES:
        raise TooLarge("subject.too_large", f"got a subject document of {len(content)} bytes, expected at most {MAX_SUBJECT_BYTES}")
    document = Fields(parse_canonical(content), path="subject", code=_CODE)
    shapes = _SHAPES.get(kind)
    if shapes is None:
        raise Malformed(_CODE, f"got a subject document for a request of kind {kind[:40]!r}, which has none")
    shapes[document.choice("schema", tuple(shapes))](document)
    return document


def has_subject(kind: str) -> bool:
    """Return whether requests of `kind` are about a subject document."""
    return kind not in WITHOUT_SUBJECT


def refuse_secret(text: str, where: str) -> None:
    """Refuse with `subject.secret` what looks like secret material."""
    if _SECRET.search(text):
        # Never say what it was: the sentence would carry the secret on.
        raise Malformed("subject.secret", f"got what looks like a secret for {where}, expected the name of a key and never the key itself")


def _built(kind: str, document: Mapping[str, Any]) -> bytes:
    content = canonical_bytes(document)
    parse_subject(content, kind=kind)
    return content


def _read_agent_action(document: Fields) -> None:
    document.only("schema", "tool", "arguments", "target", "plan", "agent", "executor")
    _plain(document, "tool", 200)
    _plain(document, "target", 500)
    if document.raw("plan") is not None:
        document.sha256("plan")
    _read_program(document, "agent")
    if document.raw("executor") is not None:
        _read_program(document, "executor")
    arguments = document.fields("arguments")
    if len(arguments.value) > MAX_ARGUMENTS:
        document.refuse("arguments", f"at most {MAX_ARGUMENTS} of them")
    for name in arguments.value:
        _read_argument(arguments, name)


def _read_argument(arguments: Fields, name: str) -> None:
    Fields({"name": name}, path="subject.arguments", code=_CODE).text("name", limit=100)
    if _SECRET_NAME.search(name):
        raise Malformed("subject.secret", "got an argument that is called like a secret, expected a reference to where it is kept")
    value = arguments.raw(name)
    if isinstance(value, bool | int):
        return
    if isinstance(value, list):
        for item in arguments.texts(name, high=MAX_ARGUMENTS, limit=MAX_ARGUMENT):
            refuse_secret(item, f"the argument {name}")
        return
    refuse_secret(arguments.text(name, limit=MAX_ARGUMENT, empty=True, lines=True), f"the argument {name}")


def _read_rotation(document: Fields) -> None:
    document.only("schema", "what", "initiator", "executor", "oldKeys", "newKeys", "reason")
    _plain(document, "what", 300)
    for name in ("initiator", "executor"):
        _read_program(document, name)
    refuse_secret(document.text("reason", limit=500, empty=True, lines=True), "the reason")
    old = _key_ids(document, "oldKeys", low=0)
    if set(old) & set(_key_ids(document, "newKeys", low=1)):
        document.refuse("newKeys", "other keys than the old ones")


def _key_ids(document: Fields, name: str, *, low: int) -> tuple[str, ...]:
    keys = document.texts(name, low=low, high=MAX_KEYS, limit=200)
    for key in keys:
        refuse_secret(key, name)
        if not _KEY_ID.fullmatch(key):
            document.refuse(name, "names of keys: letters, digits and : _ . / + = @ -")
    return keys


def _read_program(document: Fields, name: str) -> None:
    party = document.fields(name).only("issuer", "subject")
    party.text("issuer", limit=300)
    party.text("subject", limit=300)


def _plain(document: Fields, name: str, limit: int) -> str:
    text = document.text(name, limit=limit)
    refuse_secret(text, name)
    return text


# Every kind that has a subject document stands here, so that nobody offline reads fewer than the portal.
_SHAPES: dict[str, dict[str, Read]] = {
    AGENT_ACTION: {AGENT_ACTION_SCHEMA: _read_agent_action},
    ROTATION: {ROTATION_SCHEMA: _read_rotation},
    POLICY_CHANGE: {CHANGE_SCHEMA: read_policy_change, EXPECTATIONS_CHANGE_SCHEMA: read_expectations_change},
    EXCEPTION: {WAIVER_SCHEMA: read_waiver},
    BREAK_GLASS_REVIEW: {REVIEW_SCHEMA: read_review},
}
