"""What one person signs beside an answer to a request: a revocation, a break-glass, a delegation. Typed values to canonical bytes, and strictly back.

The challenge is built as for an approval, so stock `ssh-keygen` verifies these too. Reading checks form only; whose key signed is for
`proofs.pack.verify_person_statement`, and whether the person may say so for whoever acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import (
    ApprovedArtifact,
    Approver,
    EnvironmentReference,
    SignerReference,
    SigningCeremony,
    SignInReference,
    Validity,
)
from proofs.approval.signed_parts import (
    approver_document,
    artifacts_document,
    ceremony_document,
    environment_document,
    read_approver,
    read_artifacts,
    read_ceremony,
    read_environment,
    read_renderer,
    read_signer,
    read_validity,
    validity_document,
)
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import parse_digest, sha256_hex
from proofs.errors import Malformed
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

REVOCATION_TYPE = "urn:countersign:approval-revocation:v1"
BREAK_GLASS_TYPE = "urn:countersign:break-glass:v1"
DELEGATION_TYPE = "urn:countersign:delegation:v1"
PERSON_STATEMENT_TYPES = (REVOCATION_TYPE, BREAK_GLASS_TYPE, DELEGATION_TYPE)
REVOCATION_REASONS = ("approver_withdrew", "artifact_bad", "evidence_invalid", "key_compromise", "policy_error", "sod_found_later")
MAX_PERSON_STATEMENT_BYTES = 256 * 1024
MAX_REVOKED = 64
MAX_USES = 10
MAX_ENVIRONMENTS = 32
MAX_JUSTIFICATION = 2000

_CODE = "statement.malformed"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Approvals that count no more: the SHA-256 of the payload of each, and why."""

    approvals: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """The artifacts of the statement may go there now, past the policy, at most `max_uses` times. `incident` names what forces it."""

    project: str
    environment: EnvironmentReference
    incident: str
    max_uses: int


@dataclass(frozen=True, slots=True)
class Delegation:
    """Another person (issuer, subject) may answer with these roles in `scope` (`team:<slug>` or `project:<slug>`), for a time.

    `environments` are the ids of those it is for; none stands for every one.
    """

    delegate: tuple[str, str]
    roles: tuple[str, ...]
    scope: str
    starts_at: datetime
    ends_at: datetime
    environments: tuple[str, ...] = ()


Body = Revocation | BreakGlass | Delegation


@dataclass(frozen=True, slots=True)
class PersonStatement:
    """A whole statement: what one person says, about what, and with what key. The type follows from the body."""

    subjects: tuple[ApprovedArtifact, ...]
    body: Body
    person: Approver
    signer: SignerReference | SignInReference
    justification: str
    validity: Validity
    summary: str
    renderer_version: str
    ceremony: SigningCeremony

    @property
    def type(self) -> str:
        """The predicate type."""
        return type_of(self.body)


def type_of(body: Body) -> str:
    """Return the predicate type of a body."""
    if isinstance(body, Revocation):
        return REVOCATION_TYPE
    return BREAK_GLASS_TYPE if isinstance(body, BreakGlass) else DELEGATION_TYPE


def subjects_of(body: Revocation | Delegation) -> tuple[ApprovedArtifact, ...]:
    """Return what such a statement is about: the approvals it revokes, or the delegation itself. A break-glass is about artifacts."""
    if isinstance(body, Revocation):
        return tuple(ApprovedArtifact("approval", (parse_digest(f"sha256:{digest}"),)) for digest in body.approvals)
    return (ApprovedArtifact("delegation", (parse_digest(f"sha256:{sha256_hex(canonical_bytes(_body_document(body)))}"),)),)


def build_person_statement(statement: PersonStatement) -> bytes:
    """Return the canonical bytes of the statement: the DSSE payload that the person's passkey will cover.

    Refuses with `statement.malformed` when the values do not make a statement that `parse_person_statement` accepts.
    """
    payload = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": artifacts_document(statement.subjects),
            "predicateType": statement.type,
            "predicate": {
                "body": _body_document(statement.body),
                "person": approver_document(statement.person, statement.signer),
                "justification": {"text": statement.justification},
                "validity": validity_document(statement.validity),
                "review": {
                    "display": {
                        "summary": statement.summary,
                        "locale": "en",
                        "renderer": {"name": "countersign", "version": statement.renderer_version},
                    }
                },
                "ceremony": ceremony_document(statement.ceremony),
            },
        }
    )
    if parse_person_statement(payload) != statement:
        raise Malformed(
            _CODE, "the values do not survive being written down (fractions of a second?), expected a statement that reads back the same"
        )
    return payload


def parse_person_statement(payload: bytes) -> PersonStatement:
    """Parse the exact bytes a person signed.

    Refuses with `json.*` when they are not canonical, and with `statement.malformed` for every broken rule of form: an unknown type or
    field, a missing or ill-typed one, a subject that is not the one the body is about, no reason given.
    """
    if len(payload) > MAX_PERSON_STATEMENT_BYTES:
        raise Malformed(_CODE, f"got a statement of {len(payload)} bytes, expected at most {MAX_PERSON_STATEMENT_BYTES}")
    whole = Fields(parse_canonical(payload), path="statement", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    whole.choice("_type", (STATEMENT_V1,))
    said = whole.choice("predicateType", PERSON_STATEMENT_TYPES)
    predicate = whole.fields("predicate").only("body", "person", "justification", "validity", "review", "ceremony")
    body = _read_body(predicate.fields("body"), said)
    subjects = read_artifacts(whole)
    if not isinstance(body, BreakGlass) and subjects != subjects_of(body):
        whole.refuse("subject", "what the body is about, and nothing else")
    person = predicate.fields("person")
    display = predicate.fields("review").only("display").fields("display").only("summary", "locale", "renderer")
    display.choice("locale", ("en",))
    return PersonStatement(
        subjects=subjects,
        body=body,
        person=read_approver(person),
        signer=read_signer(person.fields("signer")),
        justification=predicate.fields("justification").only("text").text("text", limit=MAX_JUSTIFICATION, lines=True),
        validity=read_validity(predicate.fields("validity")),
        summary=display.text("summary"),
        renderer_version=read_renderer(display.fields("renderer")),
        ceremony=read_ceremony(predicate.fields("ceremony")),
    )


def _body_document(body: Body) -> dict[str, Any]:
    if isinstance(body, Revocation):
        return {"approvals": [{"sha256": digest} for digest in body.approvals], "reason": body.reason}
    if isinstance(body, BreakGlass):
        return {
            "project": body.project,
            "environment": environment_document(body.environment),
            "incident": body.incident,
            "maxUses": body.max_uses,
        }
    return {
        "delegate": {"issuer": body.delegate[0], "subject": body.delegate[1]},
        "roles": list(body.roles),
        "scope": body.scope,
        "from": rfc3339(body.starts_at),
        "until": rfc3339(body.ends_at),
        **({"environments": list(body.environments)} if body.environments else {}),
    }


def _read_body(item: Fields, said: str) -> Body:
    if said == REVOCATION_TYPE:
        item.only("approvals", "reason")
        digests = tuple(each.only("sha256").hex_sha256("sha256") for each in item.each("approvals", low=1, high=MAX_REVOKED))
        return Revocation(digests, item.choice("reason", REVOCATION_REASONS))
    if said == BREAK_GLASS_TYPE:
        item.only("project", "environment", "incident", "maxUses")
        return BreakGlass(
            project=item.text("project", limit=80),
            environment=read_environment(item.fields("environment").only("id", "name", "tier", "scopes")),
            incident=item.text("incident", limit=200),
            max_uses=item.integer("maxUses", low=1, high=MAX_USES),
        )
    item.only("delegate", "roles", "scope", "from", "until", "environments")
    delegate = item.fields("delegate").only("issuer", "subject")
    delegation = Delegation(
        delegate=(delegate.text("issuer", limit=300), delegate.text("subject", limit=300)),
        roles=item.texts("roles", low=1, high=16, limit=80),
        scope=item.text("scope", limit=200),
        starts_at=item.time("from"),
        ends_at=item.time("until"),
        environments=item.texts("environments", low=1, high=MAX_ENVIRONMENTS, limit=80) if item.has("environments") else (),
    )
    if delegation.starts_at >= delegation.ends_at:
        item.refuse("until", "a time after from")
    return delegation
