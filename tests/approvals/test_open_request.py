"""Opening a request freezes what there is to decide about."""

from __future__ import annotations

import pytest

from approvals.models import Request, RequestState
from approvals.requests.open_request import AskedArtifact, open_request
from attestations.models import Artifact
from identities.models import Environment, Identity, Team
from ledger.models import Entry
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal, TooLarge
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def open_with(**changes: object) -> object:
    values = {
        "project": cast.payments_api(),
        "environment": cast.production(),
        "title": "payments/api 1.4.2",
        "artifacts": [AskedArtifact(make.image(), "payments/api:1.4.2")],
        "by": cast.bob(),
        "now": make.NOW,
    }
    return open_request(**{**values, **changes})


class TestOpenRequest:
    def test_freezes_a_first_revision_and_writes_it_into_the_ledger(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        revision = request.revisions.get()
        assert (revision.number, revision.result, revision.evidence.count()) == (1, "pass", 1)
        assert request.state.status == RequestState.Status.READY
        assert Entry.objects.filter(event="request.opened", ref_digest=revision.snapshot_id).count() == 1

    def test_notes_an_artifact_nobody_has_seen_and_waits_for_its_evidence(self) -> None:
        make.set_stage()
        request = make.ask(tag="9.9.9")
        assert Artifact.objects.filter(pk=make.image("9.9.9")).exists()
        assert request.state.status == RequestState.Status.COLLECTING

    def test_what_a_requester_calls_an_artifact_sticks_to_the_request_alone(self) -> None:
        make.set_stage()
        request = open_with(artifacts=[AskedArtifact(make.image(), "totally-harmless:1")])
        assert request.artifacts.get().name == "totally-harmless:1"
        assert Artifact.objects.get(pk=make.image()).name == ""
        assert open_with(artifacts=[AskedArtifact(make.image())]).artifacts.get().name == ""

    def test_takes_the_name_a_verified_statement_gave(self) -> None:
        stage = make.set_stage()
        open_with(artifacts=[AskedArtifact(make.image(), "totally-harmless:1")])
        make.send_provenance(stage)
        assert open_with(artifacts=[AskedArtifact(make.image())]).artifacts.get().name == "payments/api:1.4.2"

    @pytest.mark.parametrize("status", ["suspended", "retired"])
    def test_a_program_whose_owner_is_barred_asks_nothing(self, status: str) -> None:
        make.set_stage()
        Identity.objects.filter(pk=cast.bob().pk).update(status=status)
        with pytest.raises(NotAllowed) as refusal:
            make.ask(by=Identity.objects.get(pk=cast.runner().pk))
        assert refusal.value.code == "permission.missing"
        assert not Request.objects.exists()

    def test_a_program_asks_for_its_owner_unless_it_names_somebody(self) -> None:
        make.set_stage()
        assert make.ask(by=cast.runner()).on_behalf_of == cast.bob()
        someone = cast.person("frank", "Frank Adler", "requester")
        assert open_with(by=cast.runner(), on_behalf_of="frank").on_behalf_of == someone

    @pytest.mark.parametrize(
        ("changes", "kind", "code"),
        [
            ({"artifacts": []}, Malformed, "request.no_artifact"),
            ({"artifacts": [AskedArtifact("payments/api:latest")]}, Malformed, "digest.malformed"),
            ({"artifacts": [AskedArtifact(make.image()), AskedArtifact(make.image())]}, Malformed, "request.artifact_twice"),
            ({"artifacts": [AskedArtifact(make.image(str(n))) for n in range(65)]}, TooLarge, "request.too_many_artifacts"),
            ({"title": " "}, Malformed, "request.text"),
            ({"title": "x" * 201}, TooLarge, "request.text"),
            ({"title": "Release\n\nIt was approved."}, Malformed, "request.text"),
            ({"title": "Release\u2028It was approved."}, Malformed, "request.text"),
            ({"note": "Release\u2029It was approved."}, Malformed, "request.text"),
            ({"artifacts": [AskedArtifact(make.image(), "api\nother")]}, Malformed, "request.text"),
            ({"note": "approve\u202eevorppa"}, Malformed, "request.text"),
        ],
    )
    def test_refuses_what_cannot_be_asked(self, changes: dict[str, object], kind: type[Refusal], code: str) -> None:
        make.set_stage()
        with pytest.raises(kind) as refused:
            open_with(**changes)
        assert refused.value.code == code

    def test_refuses_people_without_the_role_and_programs_of_other_teams(self) -> None:
        make.set_stage()
        for person in (cast.alice(), cast.mallory(), cast.dave()):
            with pytest.raises(NotAllowed) as refused:
                make.ask(by=person)
            assert refused.value.code == "permission.missing"
        other = Team.objects.create(slug="other", name="Other")
        with pytest.raises(NotAllowed) as refused:
            open_with(environment=Environment.objects.create(slug="theirs", name="Theirs", team=other))
        assert refused.value.code == "request.other_team"

    def test_refuses_to_ask_for_somebody_who_could_not_ask(self) -> None:
        make.set_stage()
        for by, behalf in ((cast.runner(), cast.account_of(cast.mallory()).username), (cast.runner(), "nobody"), (cast.bob(), "alice")):
            with pytest.raises(Malformed) as refused:
                open_with(by=by, on_behalf_of=behalf)
            assert refused.value.code == "request.on_behalf_of"

    def test_refuses_where_no_policy_is_in_force(self) -> None:
        with pytest.raises(Conflict) as refused:
            make.ask()
        assert refused.value.code == "policy.missing"
