"""The policy language as fields of a form: for every kind of rule what can stand in it, in the order in which it is written.

What a field means is in `proofs.policy`; nothing is refused here. A field that is missing here would be lost when the form is saved, so a
test compares this with the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofs.approval.record import LEVELS
from proofs.policy.document import POLICY_SCHEMA
from proofs.policy.rules import DAYS, EXCLUDABLE, REQUEST_KINDS

TEXT, AREA, WHOLE, CHOICE, FLAG, CHECKS = "text", "area", "whole", "choice", "flag", "checks"
ITEMS, LINES, ROWS, BLOCK = "items", "lines", "rows", "block"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `seen` names what the project knows and the field suggests; `inside` are the fields of rows and blocks."""

    name: str
    label: str
    shape: str = TEXT
    options: tuple[str, ...] = ()
    hint: str = ""
    seen: str = ""
    inside: tuple[Field, ...] = ()
    may_be_none: bool = False


_LEVEL = Field("minimumAssurance", "At least level", CHOICE, LEVELS[1:])
_ROLE = Field("role", "Role", seen="roles")
_COUNT = Field("count", "How many people", WHOLE)
_SHARE = (_ROLE, _COUNT)
_ZONE = Field("zone", "Time zone", hint="Such as Europe/Berlin.")
_EVERY = (Field("id", "Id"), Field("title", "Title", hint="What people read."))
_KINDS = Field("kinds", "Only for requests of kind", CHECKS, REQUEST_KINDS, hint="None chosen: all.")

_BUILDERS = Field(
    "builders",
    "Accepted signers",
    ROWS,
    hint="Each in one form: issuer and identity, issuer and workflow, key, or delegated.",
    inside=(
        Field("issuer", "Issuer", seen="issuers"),
        Field("identity", "Identity", seen="signers"),
        Field("workflow", "Workflow", seen="signers"),
        Field("keyId", "Key", seen="keys"),
        Field("delegated", "Delegated"),
    ),
)
_SOURCES = Field(
    "sources",
    "Accepted sources",
    ROWS,
    hint="None: any source.",
    inside=(Field("repository", "Repository"), Field("repositoryId", "Its number"), Field("refs", "Refs, one per line", LINES)),
)
RULES: Mapping[str, tuple[str, tuple[Field, ...]]] = {
    "evidence": (
        "Evidence",
        (
            *_EVERY,
            Field("predicateTypes", "Predicate types", ITEMS, seen="types"),
            Field(
                "expectations", "Whose evidence counts is said by", CHOICE, ("project",), hint="Then leave the signers and sources empty."
            ),
            _BUILDERS,
            _SOURCES,
            Field("registeredSigner", "The signer is registered here", FLAG, hint="Left open: yes."),
            Field("runners", "Classes of machine, one per line", LINES),
            Field("parameters", "External parameters, one per line", LINES, may_be_none=True),
            Field(
                "inputs",
                "Approved inputs",
                BLOCK,
                inside=(
                    Field("digests", "Digests, one per line", LINES, may_be_none=True),
                    Field("verified", "Vouched for by other evidence", FLAG),
                ),
            ),
            Field("results", "Results that count", CHECKS, ("PASSED", "WARNED"), hint="None chosen: PASSED."),
            Field("signers", "Different signers", WHOLE),
            Field("maxAgeHours", "No older than, in hours", WHOLE),
            _KINDS,
        ),
    ),
    "approvals": ("Approvals", (*_EVERY, _ROLE, _COUNT, _LEVEL, _KINDS)),
    "separation-of-duties": (
        "Separation of duties",
        (
            *_EVERY,
            Field(
                "requesterMayApprove",
                "Whoever asks may approve",
                FLAG,
                hint="No, or left open beside somebody excluded. A new version with yes is refused.",
            ),
            Field("exclude", "Excluded as well", CHECKS, tuple(EXCLUDABLE)),
            _KINDS,
        ),
    ),
    "freeze": (
        "Freeze",
        (
            *_EVERY,
            _ZONE,
            Field(
                "windows",
                "Windows",
                ROWS,
                hint="On the wall clock of the zone, such as 2026-12-20T00:00.",
                inside=(Field("from", "From"), Field("to", "To"), Field("why", "Why")),
            ),
            _KINDS,
        ),
    ),
    "hours": (
        "Hours",
        (*_EVERY, _ZONE, Field("days", "Days", CHECKS, DAYS), Field("from", "From", hint="Such as 09:00."), Field("to", "To"), _KINDS),
    ),
    "condition": ("Condition", (*_EVERY, Field("expression", "Expression in CEL", AREA), _KINDS)),
    "approved-in": (
        "Approved before elsewhere",
        (
            *_EVERY,
            Field("environment", "Environment", seen="environments"),
            Field("minimumHours", "At least so many hours ago", WHOLE),
            _KINDS,
        ),
    ),
}
TOP: tuple[Field, ...] = (
    Field("schema", "Schema", CHOICE, (POLICY_SCHEMA,)),
    Field("id", "Id", hint="Stays the same from version to version."),
    Field("version", "Version", hint="A changed document needs a new one."),
    Field("title", "Title", hint="What people read."),
    _LEVEL,
    Field("validityHours", "Approvals hold for, in hours", WHOLE),
)
BOUNDS: tuple[Field, ...] = (
    Field(
        "delegation",
        "Standing in for others",
        CHOICE,
        ("none", "allowed"),
        hint="Left empty: allowed below tier 3.",
    ),
    Field(
        "waivers",
        "Waivers",
        BLOCK,
        hint="Left empty: no rule can be waived.",
        inside=(Field("maxDays", "For so many days at most", WHOLE), Field("approvals", "Who has to agree", ROWS, inside=_SHARE)),
    ),
    Field(
        "breakGlass",
        "Break-glass",
        BLOCK,
        hint="Left empty: nobody can go past the policy.",
        inside=(
            Field("roles", "Roles that may", ITEMS, seen="roles"),
            Field("validityHours", "For so many hours", WHOLE),
            Field("maxUses", "So often", WHOLE),
            Field("reviewHours", "Reviewed within so many hours", WHOLE),
            Field("reviewers", "Reviewed by", BLOCK, inside=_SHARE),
        ),
    ),
)
