"""Who made what is asked about does not approve it, under whatever name: stated, proved, owned, or found out later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from approvals.attention.renew import renew_due
from approvals.models import Approval, Attention, NamedPerson, Request, RequestState
from approvals.requests.name_people import MAX_PEOPLE
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.people import Named
from attestations.blobs import bytes_of
from gates.decide import decide
from gates.models import Decision
from identities.models import Identity, LinkedAccount
from identities.people.accounts.link_account import end_account, link_account
from identities.workload.exchange import exchange_token
from proofs.canonical import parse_canonical
from proofs.errors import NotAllowed, Refusal
from tests import cast, make_delegations, make_tokens
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
AUTHOR = Named("commit-author", "github", "12345")
LATER = make.NOW + timedelta(minutes=1)


def policy(*names: str) -> str:
    """The usual policy, which keeps these from approving."""
    return make.POLICY.replace("    requesterMayApprove: false\n", f"    exclude: [{', '.join(names)}]\n")


def stand(*names: str, count: int = 1) -> make.Stage:
    stage = make.set_stage(source=policy(*names), count=count)
    make.send_provenance(stage)
    return stage


def ask(*people: Named, by: Identity | None = None, **more: Any) -> Request:
    return open_request(
        project=cast.payments_api(),
        environment=cast.production(),
        title="payments/api 1.4.2",
        artifacts=[AskedArtifact(make.image(), "payments/api:1.4.2")],
        by=by or cast.bob(),
        now=make.NOW,
        people=people,
        **more,
    )


def link(identity: Identity, account: str = "12345", *, provider: str = "github", now: Any = make.NOW) -> LinkedAccount:
    return link_account(identity=identity, provider=provider, account=account, by=None, now=now)


def people_in(request: Request) -> list[tuple[str, str, str | None]]:
    newest = request.revisions.latest("number")
    named = parse_canonical(bytes_of(newest.policy_input)).get("people", [])
    assert named == parse_canonical(bytes_of(newest.document)).get("people", [])
    return [(item["because"], item["account"], item["subject"]) for item in named]


def status_of(request: Request) -> str:
    return RequestState.objects.get(request=request).status


def answer_of_gate(*, now: Any = LATER) -> Decision:
    return decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=now)


def code_of(decision: Decision) -> str:
    return str(decision.reasons[0]["code"]) if decision.reasons else "allow"


class TestStated:
    def test_an_author_who_is_known_may_not_approve(self) -> None:
        stand("commit-authors")
        link(cast.alice())
        request = ask(AUTHOR)
        assert people_in(request) == [("commit-author", "github:12345", cast.alice().subject)]
        with pytest.raises(NotAllowed, match="you wrote a commit of it") as refused:
            make.approve(request, cast.alice())
        assert refused.value.code == "sod.violation"

    def test_somebody_else_may_and_the_pack_says_so_offline(self) -> None:
        stand("commit-authors")
        link(cast.alice())
        make.approve(ask(AUTHOR), cast.person("ann", "Ann Lee", "approver:release"))
        assert code_of(answer_of_gate()) == "allow"

    def test_nor_is_it_their_turn_once_it_is_known(self) -> None:
        stand("commit-authors")
        for name in ("alice", "ann"):
            cast.person(name, name, "approver:release")
        first = link(cast.carol())
        request = ask(AUTHOR)
        end_account(account=first, by=None, now=make.NOW)
        link(cast.alice(), now=LATER)
        assert (renew_due(now=LATER), renew_due(now=LATER)) == (1, 0)
        assert [row.identity.name for row in Attention.objects.filter(request=request)] == ["ann"]

    def test_an_account_of_nobody_blocks_until_it_is_linked(self) -> None:
        stand("commit-authors")
        request = ask(AUTHOR)
        assert status_of(request) == RequestState.Status.BLOCKED
        rule = next(rule for rule in _rules(request) if rule["kind"] == "separation-of-duties")
        assert rule["code"] == "sod.unknown_people" and "github:12345" in rule["sentence"]
        link(cast.person("ann", "Ann Lee", "approver:release"), now=LATER)
        make.refresh(now=LATER)
        assert request.revisions.count() == 2 and status_of(request) != RequestState.Status.BLOCKED

    def test_naming_nobody_where_somebody_is_asked_for_blocks(self) -> None:
        stand("committers")
        assert status_of(ask(AUTHOR)) == RequestState.Status.BLOCKED

    @pytest.mark.parametrize(
        "named",
        [
            Named("committer", "portal", "alice"),
            Named("committer", "email", "ALICE@payments.example"),
        ],
    )
    def test_needs_no_link_to_an_account_of_the_portal(self, named: Named) -> None:
        stand("committers")
        cast.alice()
        assert people_in(ask(named))[0][2] == cast.alice().subject

    def test_nor_to_an_issuer_and_its_subject(self) -> None:
        stand("committers")
        runner = cast.runner()
        assert people_in(ask(Named("committer", runner.issuer, runner.subject)))[0][2] == cast.bob().subject

    def test_a_program_counts_as_whoever_answers_for_it(self) -> None:
        stand("commit-authors")
        bot = cast.register_nonhuman(
            kind="bot",
            name="bot",
            issuer="https://ci.example",
            subject="bot",
            owner=cast.alice(),
            team=cast.payments(),
            by=None,
            now=make.NOW,
        )
        link(bot)
        with pytest.raises(NotAllowed, match="you wrote a commit"):
            make.approve(ask(AUTHOR), cast.alice())

    def test_is_left_out_where_the_policy_asks_for_nobody(self) -> None:
        make.send_provenance(make.set_stage())
        request = ask(AUTHOR)
        newest = request.revisions.get()
        assert "people" not in parse_canonical(bytes_of(newest.document)) and "people" not in parse_canonical(bytes_of(newest.policy_input))
        assert NamedPerson.objects.get().source == "stated"

    @pytest.mark.parametrize(
        ("people", "code"),
        [
            ([Named("author", "github", "1")], "request.people"),
            ([Named("committer", "", "1")], "account.provider"),
            ([Named("committer", "github", "alice")], "account.malformed"),
            ([Named("committer", "https://idp.example/" + "x" * 90, "1")], "account.provider"),
            ([AUTHOR] * (MAX_PEOPLE + 1), "request.people"),
        ],
    )
    def test_refuses_what_names_nobody(self, people: list[Named], code: str) -> None:
        make.set_stage()
        with pytest.raises(Refusal) as refused:
            ask(*people)
        assert refused.value.code == code


class TestOneHumanBehindTwoAccounts:
    def test_is_one_who_may_not_approve(self) -> None:
        """Who commits as one account and reviews as another."""
        stand("commit-authors", "committers")
        link(cast.alice()), link(cast.alice(), "alice@home.example", provider="email")
        request = ask(AUTHOR, Named("committer", "email", "alice@home.example"))
        with pytest.raises(NotAllowed, match="you wrote a commit of it and you committed it"):
            make.approve(request, cast.alice())

    def test_linked_alias_rejected(self) -> None:
        stand("co-authors")
        link(cast.alice(), "777")
        with pytest.raises(NotAllowed) as refused:
            make.approve(ask(Named("co-author", "github", "777")), cast.alice())
        assert refused.value.code == "sod.violation"


class TestAnAliasLinkedLater:
    """Frozen when the account was somebody else's; found out afterwards."""

    def approved(self) -> Request:
        stand("commit-authors")
        row = link(cast.carol())
        request = ask(AUTHOR)
        make.approve(request, cast.alice())
        assert code_of(answer_of_gate()) == "allow"
        end_account(account=row, by=None, now=LATER)
        return request

    def test_the_gate_denies_what_they_approved(self) -> None:
        self.approved()
        link(cast.alice(), now=LATER)
        decision = answer_of_gate()
        assert code_of(decision) == "sod.violation" and "Alice Chen approved" in decision.reasons[0]["sentence"]

    def test_the_gate_denies_while_nobody_is_known_to_have_it(self) -> None:
        self.approved()
        assert code_of(answer_of_gate()) == "sod.unknown_people"

    def test_the_answer_is_stale_once_the_worker_looked(self) -> None:
        request = self.approved()
        link(cast.alice(), now=LATER)
        make.refresh(now=LATER)
        assert status_of(request) == RequestState.Status.STALE
        assert people_in(request)[0][2] == cast.alice().subject

    def test_the_answer_in_their_stead_is_stale_as_well(self) -> None:
        stage = make.set_stage(source=policy("commit-authors") + "delegation: allowed\n")
        make.send_provenance(stage)
        row = link(cast.carol())
        request = ask(AUTHOR)
        make_delegations.answer(request, make_delegations.give(cast.alice(), make_delegations.dana()))
        assert code_of(answer_of_gate()) == "allow"
        end_account(account=row, by=None, now=LATER)
        link(cast.alice(), now=LATER)
        assert code_of(answer_of_gate()) == "sod.violation"
        make.refresh(now=LATER)
        assert (request.revisions.count(), status_of(request)) == (2, RequestState.Status.STALE)

    def test_others_answers_stand(self) -> None:
        request = self.approved()
        link(cast.bob(), now=LATER)
        make.refresh(now=LATER)
        assert request.revisions.count() == 1 and code_of(answer_of_gate()) == "allow"

    def test_they_cannot_begin_to_sign(self) -> None:
        stand("commit-authors", count=2)
        row = link(cast.carol())
        request = ask(AUTHOR)
        make.approve(request, cast.person("ann", "Ann Lee", "approver:release"))
        end_account(account=row, by=None, now=LATER)
        link(cast.alice(), now=LATER)
        with pytest.raises(NotAllowed) as refused:
            make.approve(request, cast.alice(), now=LATER)
        assert refused.value.code == "sod.violation"

    def test_they_cannot_finish_what_they_began(self) -> None:
        stand("commit-authors")
        row = link(cast.carol())
        request = ask(AUTHOR)
        passkey, key = make.enrol(cast.alice())
        ceremony = make.begin(request, cast.alice(), key)
        end_account(account=row, by=None, now=make.NOW)
        link(cast.alice())
        with pytest.raises(Refusal):
            make.complete(ceremony, passkey)
        assert not Approval.objects.exists()


class TestProved:
    def test_the_token_says_who_set_off_the_job(self) -> None:
        stand("build-trigger")
        link(cast.alice())
        make_tokens.binding()
        credential, _ = exchange_token(
            unverified_token=make_tokens.sign(make_tokens.claims(make.NOW, actor_id="12345", actor="alice-c")),
            audience=make_tokens.PORTAL,
            now=make.NOW,
        )
        request = ask(by=credential.identity, asked_with=credential)
        assert people_in(request) == [("build-trigger", "github:12345", cast.alice().subject)]
        assert NamedPerson.objects.get().source == "token"

    @pytest.mark.parametrize("actor", [None, "alice", 12345, "0", ""])
    def test_a_token_that_names_no_number_names_nobody(self, actor: Any) -> None:
        stand("build-trigger")
        make_tokens.binding()
        token = make_tokens.sign(make_tokens.claims(make.NOW, actor_id=actor))
        credential, _ = exchange_token(unverified_token=token, audience=make_tokens.PORTAL, now=make.NOW)
        assert people_in(ask(by=credential.identity, asked_with=credential)) == []

    def test_whoever_answers_for_the_runner_may_not_approve(self) -> None:
        stand("runner-owner")
        request = ask(by=cast.person("ann", "Ann Lee", "requester"))
        assert people_in(request) == [("runner-owner", cast.WORKFLOW, cast.bob().subject)]

    def test_nor_whoever_answers_for_it_now(self) -> None:
        stand("runner-owner")
        request = ask(by=cast.person("ann", "Ann Lee", "requester"))
        Identity.objects.filter(pk=cast.runner().pk).update(owner=cast.alice())
        with pytest.raises(NotAllowed, match="you answer for a runner"):
            make.approve(request, cast.alice())

    def test_whoever_put_the_policy_into_force_may_not_approve(self) -> None:
        stand("policy-editors")
        assert people_in(ask()) == [("policy-editor", make.erin().subject, make.erin().subject)]

    def test_whoever_answers_for_the_agent_may_not_approve(self) -> None:
        stand("agent-operator")
        agent = cast.register_nonhuman(
            kind="agent",
            name="agent",
            issuer="https://ai.example",
            subject="a",
            owner=cast.alice(),
            team=cast.payments(),
            by=None,
            now=make.NOW,
        )
        assert people_in(ask(by=agent)) == [("agent-operator", "a", cast.alice().subject)]


@pytest.mark.once
class TestPages:
    def test_says_who_may_not_and_what_to_do_about_strangers(self) -> None:
        stand("commit-authors", "committers")
        link(cast.alice())
        request = ask(AUTHOR, Named("committer", "git", "<b>x"))
        page = cast.let_in(Client(), cast.alice()).get(f"/requests/{request.pk}").content.decode()
        assert "Alice Chen</bdi></strong>: wrote a commit of it" in page and "Bob Ruiz</bdi></strong>: asked for it" in page
        assert "git:&lt;b&gt;x" in page and "nobody is known to have this account" in page

    def test_a_person_names_them_in_the_form(self) -> None:
        stand("commit-authors")
        link(cast.alice())
        client = cast.let_in(Client(), cast.bob())
        given = {
            "project": cast.payments_api().pk,
            "environment": cast.production().pk,
            "title": "payments/api 1.4.2",
            "artifacts": make.image(),
            "people": "commit-author github:12345\ncommitter https://idp.example:bob",
        }
        assert client.post("/requests/new", given).status_code == 302
        assert set(NamedPerson.objects.values_list("provider", "account")) == {("github", "12345"), ("https://idp.example", "bob")}
        assert client.post("/requests/new", {**given, "people": "github 12345 x"}).status_code == 400

    def test_a_program_names_them_over_the_api(self) -> None:
        stand("commit-authors")
        link(cast.alice())
        token = cast.token_of(cast.runner())
        given = {
            "project": "payments-api",
            "environment": "production",
            "title": "payments/api 1.4.2",
            "artifacts": [{"digest": make.image()}],
            "people": [{"because": "commit-author", "provider": "github", "account": "12345"}],
        }
        ask_for = {"content_type": "application/json", "headers": {"Authorization": f"Bearer {token}"}}
        assert Client().post("/api/v1/requests", given, **ask_for).status_code == 201
        assert NamedPerson.objects.get().account == "12345"
        wrong = {**given, "people": [{"because": "author", "provider": "github", "account": "12345"}]}
        assert Client().post("/api/v1/requests", wrong, **ask_for).status_code == 400


def _rules(request: Request) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = parse_canonical(bytes_of(request.revisions.latest("number").policy_result))["rules"]
    return rules
