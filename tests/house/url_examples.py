"""One real object of the team for every argument that an address takes, and the people and programs who ask for it.

An address with an argument that nobody gave an example of fails the walk; add a line to `Story.examples`, or, where an argument of the same
name means something else at one address, to `Story.examples_at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from allauth.usersessions.models import UserSession

from approvals.conversation.add_comment import add_comment
from approvals.dry_run.ask import ask_dry_run
from approvals.models import Approval, ExpectationsVersion, Request, Waiver
from approvals.policies.drafts import begin_draft
from approvals.policies.expectations import record_expectations
from attestations.collection.receive import receive_collection
from attestations.models import TrustRoot
from identities.issue import issue_credential
from identities.models import (
    ApiCredential,
    BoundSignIn,
    EvidenceSigner,
    Grant,
    Identity,
    IdentityProvider,
    KeyRecovery,
    LinkedAccount,
    ProvisionedGroup,
    ProvisionedPerson,
    RoleAssignment,
    Team,
)
from identities.scim.make_provisioning_token import make_provisioning_token
from identities.signers.block_signer import block_signer
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from portal.models import Notice, WebhookDelivery, WebhookEndpoint
from tests import cast, make_break_glass, make_saml, make_statements, make_trust
from tests import make_approvals as make
from tests import make_attestations as evidence
from tests import make_changes as changes
from tests.make_ledger import use_own_keys

ROLES = [str(role) for role in RoleAssignment.Role]
SCOPES = [str(scope) for scope in ApiCredential.Scope]
ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Story:
    """The objects of the team payments, by the names that addresses give their arguments."""

    examples: dict[str, Any]
    examples_at: dict[tuple[str, str], Any]
    # What it was told on, for whoever goes on telling.
    stage: make.Stage | None = None

    def of(self, name: str, argument: str) -> Any:
        """Return the example for an argument of the address `name`; raises KeyError with what is to be done where there is none."""
        if (name, argument) in self.examples_at:
            return self.examples_at[name, argument]
        if argument not in self.examples:
            raise KeyError(
                f"{name} takes <{argument}>, and nobody gave an example of it: add a real object of the team to Story in "
                "tests/house/url_examples.py, so that the walk can ask for it, and a line for the address to docs/permissions.md"
            )
        return self.examples[argument]


def tell_story(settings: Any, folder: Path) -> Story:
    """Make one of everything, in the team payments, and everybody who will ask."""
    use_own_keys(settings, folder)
    stage = make.set_stage(source=changes.WAIVABLE + make_break_glass.BOUNDS.replace("{", "{{").replace("}", "}}"))
    sent = make.send_provenance(stage)
    request = make.ask()
    approval = make.approve(request, cast.alice())
    # One that waited would be superseded by the next.
    second = make.ask()
    passkey_key = approval.signing_key
    ceremony = make.begin(second, cast.alice(), passkey_key)
    content = evidence.make_signer().sign(evidence.make_statement())
    collection, _ = receive_collection(content=content, name="evidence.json", by=cast.runner(), now=make.NOW)
    block = block_signer(
        issuer="https://ci.example", name="nobody@ci.example", team=cast.payments(), reason="Nobody knows it", by=None, now=make.NOW
    )
    waiver = changes.waive(second)
    proposal = make_trust.propose(cast.olga())
    publish_checkpoint(now=make.NOW)
    make.other_teams_bot()
    for role in ROLES:
        member(role)
        member(role, elsewhere=True)
    glass = make_break_glass.declare()
    root = TrustRoot.objects.filter(removed_at__isnull=True).first()
    assert root is not None
    examples = {
        **of_alice(),
        "account_id": LinkedAccount.objects.create(identity=cast.runner(), provider="github", account="7", linked_at=make.NOW).pk,
        "approval_id": approval.pk,
        "attestation_id": sent.pk,
        "block_id": block.pk,
        "ceremony_id": ceremony.pk,
        "change": "suspend",
        "collection_id": collection.pk,
        "delegation_id": "sta_none",
        "form": "csv",
        "glass_id": glass.pk,
        "grant_id": Grant.objects.filter(identity=cast.runner()).latest("pk").pk,
        "identity_id": cast.runner().pk,
        "key_id": passkey_key.pk,
        "proposal_id": proposal.pk,
        "protocol": "oidc",
        **of_request(request),
        "role_id": RoleAssignment.objects.get(identity=cast.alice()).pk,
        "statement_id": make_statements.begin(approval, cast.alice()).pk,
        "step": "people",
        "project_id": cast.payments_api().pk,
        "signer_id": EvidenceSigner.objects.get(identity=cast.runner()).pk,
    }
    examples_at = {
        **of_documents(stage, waiver, approval, root),
        **{(f"approvals:{page}", "slug"): "mine" for page in ("queue_view", "queue_view_drop")},
        **{(f"identities:{page}", "identity_id"): cast.alice().pk for page in ("roles", "role_add", "role_end", "person_change")},
        ("identities:person_change", "change"): "deactivate",
        **at_providers(),
    }
    return Story(examples, examples_at, stage)


def of_documents(stage: make.Stage, waiver: Waiver, approval: Approval, root: TrustRoot) -> dict[tuple[str, str], Any]:
    """What is named by its digest, and means something else at each address."""
    return {
        ("approvals:policy", "digest"): stage.policy.pk,
        ("approvals:policy_propose", "digest"): stage.policy.pk,
        ("approvals:expectations", "digest"): _expected().pk,
        ("approvals:exception_end", "digest"): waiver.pk,
        ("approvals:break_glass_new", "digest"): make.image(),
        ("approvals:record", "digest"): approval.record.digest,
        ("gates:api_record_status", "digest"): approval.record.digest,
        ("attestations:trust_remove", "digest"): root.digest,
        **{(f"reports:artifact{page}", "digest"): make.image() for page in ("", "_now", "_contents", "_compare")},
        ("reports:api_artifact", "digest"): make.image(),
        ("reports:api_artifact_observations", "digest"): make.image(),
    }


def _expected() -> ExpectationsVersion:
    """Expectations of the story's project in force."""
    source = make.EXPECTATIONS.format(version=1, workflow="release")
    made = record_expectations(source=source, project=cast.payments_api(), by=make.erin(), one_person=False, now=make.NOW)
    return made.expectations


def of_erin() -> dict[str, Any]:
    """A policy that erin writes, and a dry run of it."""
    draft = begin_draft(project=cast.payments_api(), source=make.ANYTHING_GOES, by=make.erin(), now=make.NOW)
    tried = ask_dry_run(draft=draft, environment=cast.production(), days=30, by=make.erin(), now=make.NOW)
    return {"draft_id": draft.pk, "run_id": tried.pk}


def of_request(request: Request) -> dict[str, Any]:
    """A request, and what alice says about it."""
    comment = add_comment(request=request, text="Looks fine", by=cast.alice(), now=make.NOW).comment
    return {"request_id": request.pk, "comment_id": comment.pk}


def of_alice() -> dict[str, Any]:
    """What is alice's own, and the provider she might have signed in at."""
    provider, token_id = provide()
    alice = cast.account_of(cast.alice())
    bound = BoundSignIn.objects.create(
        provider=provider, identity=alice.identity, purpose="approval", nonce="n", state_sha256="s", code_verifier="v", session_hash="h",
        begun_at=make.NOW, expires_at=make.NOW,
    )  # fmt: skip
    expires_at = make.NOW + timedelta(days=9999)
    recovery = KeyRecovery.objects.create(identity=cast.alice(), reason="Lost", opened_at=make.NOW, expires_at=expires_at)
    told = {"entry": Entry.objects.earliest("pk"), "kind": "key.enrolled", "sentence": "A key", "created_at": make.NOW}
    session = UserSession.objects.create(user=alice, session_key="of-alice", ip="127.0.0.1", user_agent="a browser")
    return {
        **of_erin(),
        "bound_id": bound.pk,
        "notice_id": Notice.objects.create(identity=cast.alice(), **told).pk,
        "recovery_id": recovery.pk,
        **of_the_teams_webhook(),
        "session_id": session.pk,
        "slug": provider.slug,
        "token_id": token_id,
    }


def of_the_teams_webhook() -> dict[str, Any]:
    """A webhook, a message of it, and what can be done to it."""
    endpoint = WebhookEndpoint.objects.create(
        team=cast.payments(), name="chat", url="https://hooks.example", sealed_secret=b"", added_by=cast.dave(), added_at=make.NOW
    )
    message = WebhookDelivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", created_at=make.NOW)
    return {"webhook_id": endpoint.pk, "message_id": message.pk, "what": "stop"}


def at_providers() -> dict[tuple[str, str], Any]:
    """What stands in the addresses of SAML and SCIM; the provider that `provide` makes is there."""
    return {
        **{(f"saml_{page}", "slug"): make_saml.provider().slug for page in ("login", "acs", "finish_acs", "metadata")},
        ("identities:scim_type", "key"): "User",
        ("identities:scim_schema", "key"): "urn:ietf:params:scim:schemas:core:2.0:User",
        ("identities:scim_user", "key"): ProvisionedPerson.objects.get().pk,
        ("identities:scim_group", "key"): ProvisionedGroup.objects.get().pk,
        ("identities:scim_nothing", "rest"): "nothing",
    }


def provide() -> tuple[IdentityProvider, str]:
    """An OpenID provider with one person and one group by SCIM; returns it, and the id of the token they came by."""
    then = make.NOW
    provider = IdentityProvider.objects.create(
        slug="company",
        name="Company",
        protocol="oidc",
        issuer="https://idp.example",
        client_id="countersign",
        added_at=then,
        changed_at=then,
    )
    row, _ = make_provisioning_token(provider=provider, expires_at=then + timedelta(days=30), by=None, now=then)
    person = ProvisionedPerson.objects.create(
        provider=provider, identity=cast.bob(), user_name="bob@corp", created_at=then, changed_at=then
    )
    group = ProvisionedGroup.objects.create(provider=provider, display_name="releases", created_at=then, changed_at=then)
    group.members.add(person)
    return provider, row.pk


def elsewhere() -> Team:
    """The other team, to which nothing of the story belongs."""
    return Team.objects.get(slug="other")


def member(role: str, *, elsewhere: bool = False) -> Identity:
    """A person who holds this one role, in payments or in the other team."""
    team = Team.objects.get(slug="other") if elsewhere else cast.payments()
    username = role.replace(":", "-") + ("-elsewhere" if elsewhere else "")
    return cast.person(username, username.replace("-", " ").capitalize(), role, team=team)


def token(identity: Identity, scopes: list[str], *, is_expired: bool = False) -> str:
    """A credential of a program; one that is expired was issued and ran out long ago."""
    issued = datetime.now(UTC) - timedelta(days=60 if is_expired else 0)
    return issue_credential(identity=identity, scopes=scopes, expires_at=issued + timedelta(days=30), by=None, now=issued)[1]


def deactivate(identity: Identity) -> None:
    """Make a person one who was deactivated a moment ago, with roles and session still there: the door itself must refuse them."""
    Identity.objects.filter(pk=identity.pk).update(status=Identity.Status.SUSPENDED, suspended_at=make.NOW, deactivated_at=make.NOW)
