"""The policy language as fields of a form: for every kind of rule what can stand in it, in the order in which it is written.

What a field means is in `proofs.policy`; nothing is refused here. A field that is missing here would be lost when the form is saved, so a
test compares this with the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop as noop

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


_LEVEL = Field("minimumAssurance", noop("At least level"), CHOICE, LEVELS[1:])
_ROLE = Field("role", noop("Role"), seen="roles")
_COUNT = Field("count", noop("How many people"), WHOLE)
_SHARE = (_ROLE, _COUNT)
_ZONE = Field("zone", noop("Time zone"), hint=noop("Such as Europe/Berlin."))
_EVERY = (Field("id", noop("Id")), Field("title", noop("Title"), hint=noop("What people read.")))
_KINDS = Field("kinds", noop("Only for requests of kind"), CHECKS, REQUEST_KINDS, hint=noop("None chosen: all."))

_BUILDERS = Field(
    "builders",
    noop("Accepted signers"),
    ROWS,
    hint=noop("Each in one form: issuer and identity, issuer and workflow, key, or delegated."),
    inside=(
        Field("issuer", noop("Issuer"), seen="issuers"),
        Field("identity", noop("Identity"), seen="signers"),
        Field("workflow", noop("Workflow"), seen="signers"),
        Field("keyId", noop("Key"), seen="keys"),
        Field("delegated", noop("Delegated")),
    ),
)
_SOURCES = Field(
    "sources",
    noop("Accepted sources"),
    ROWS,
    hint=noop("None: any source."),
    inside=(
        Field("repository", noop("Repository")),
        Field("repositoryId", noop("Its number")),
        Field("refs", noop("Refs, one per line"), LINES),
    ),
)
RULES: Mapping[str, tuple[str, tuple[Field, ...]]] = {
    "evidence": (
        noop("Evidence"),
        (
            *_EVERY,
            Field("predicateTypes", noop("Predicate types"), ITEMS, seen="types"),
            Field(
                "expectations",
                noop("Whose evidence counts is said by"),
                CHOICE,
                ("project",),
                hint=noop("Then leave the signers and sources empty."),
            ),
            _BUILDERS,
            _SOURCES,
            Field("registeredSigner", noop("The signer is registered here"), FLAG, hint=noop("Left open: yes.")),
            Field("runners", noop("Classes of machine, one per line"), LINES),
            Field("parameters", noop("External parameters, one per line"), LINES, may_be_none=True),
            Field(
                "inputs",
                noop("Approved inputs"),
                BLOCK,
                inside=(
                    Field("digests", noop("Digests, one per line"), LINES, may_be_none=True),
                    Field("verified", noop("Vouched for by other evidence"), FLAG),
                ),
            ),
            Field("results", noop("Results that count"), CHECKS, ("PASSED", "WARNED"), hint=noop("None chosen: PASSED.")),
            Field("signers", noop("Different signers"), WHOLE),
            Field("maxAgeHours", noop("No older than, in hours"), WHOLE),
            _KINDS,
        ),
    ),
    "approvals": (noop("Approvals"), (*_EVERY, _ROLE, _COUNT, _LEVEL, _KINDS)),
    "separation-of-duties": (
        noop("Separation of duties"),
        (
            *_EVERY,
            Field(
                "requesterMayApprove",
                noop("Whoever asks may approve"),
                FLAG,
                hint=noop("No, or left open beside somebody excluded. A new version with yes is refused."),
            ),
            Field("exclude", noop("Excluded as well"), CHECKS, tuple(EXCLUDABLE)),
            _KINDS,
        ),
    ),
    "freeze": (
        noop("Freeze"),
        (
            *_EVERY,
            _ZONE,
            Field(
                "windows",
                noop("Windows"),
                ROWS,
                hint=noop("On the wall clock of the zone, such as 2026-12-20T00:00."),
                inside=(Field("from", noop("From")), Field("to", noop("To")), Field("why", noop("Why"))),
            ),
            _KINDS,
        ),
    ),
    "hours": (
        noop("Hours"),
        (
            *_EVERY,
            _ZONE,
            Field("days", noop("Days"), CHECKS, DAYS),
            Field("from", noop("From"), hint=noop("Such as 09:00.")),
            Field("to", noop("To")),
            _KINDS,
        ),
    ),
    "condition": (noop("Condition"), (*_EVERY, Field("expression", noop("Expression in CEL"), AREA), _KINDS)),
    "approved-in": (
        noop("Approved before elsewhere"),
        (
            *_EVERY,
            Field("environment", noop("Environment"), seen="environments"),
            Field("minimumHours", noop("At least so many hours ago"), WHOLE),
            _KINDS,
        ),
    ),
}
TOP: tuple[Field, ...] = (
    Field("schema", noop("Schema"), CHOICE, (POLICY_SCHEMA,)),
    Field("id", noop("Id"), hint=noop("Stays the same from version to version.")),
    Field("version", noop("Version"), hint=noop("A changed document needs a new one.")),
    Field("title", noop("Title"), hint=noop("What people read.")),
    _LEVEL,
    Field("validityHours", noop("Approvals hold for, in hours"), WHOLE),
)
BOUNDS: tuple[Field, ...] = (
    Field(
        "delegation",
        noop("Standing in for others"),
        CHOICE,
        ("none", "allowed"),
        hint=noop("Left empty: allowed below tier 3."),
    ),
    Field(
        "waivers",
        noop("Waivers"),
        BLOCK,
        hint=noop("Left empty: no rule can be waived."),
        inside=(
            Field("maxDays", noop("For so many days at most"), WHOLE),
            Field("approvals", noop("Who has to agree"), ROWS, inside=_SHARE),
        ),
    ),
    Field(
        "breakGlass",
        noop("Break-glass"),
        BLOCK,
        hint=noop("Left empty: nobody can go past the policy."),
        inside=(
            Field("roles", noop("Roles that may"), ITEMS, seen="roles"),
            Field("validityHours", noop("For so many hours"), WHOLE),
            Field("maxUses", noop("So often"), WHOLE),
            Field("reviewHours", noop("Reviewed within so many hours"), WHOLE),
            Field("reviewers", noop("Reviewed by"), BLOCK, inside=_SHARE),
        ),
    ),
)
