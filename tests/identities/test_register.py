"""Registering people, programs and signers: what is stored, what is written to the ledger, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from identities.actors import actor_of
from identities.models import EvidenceSigner, Identity, User
from identities.register import register_nonhuman, register_person, register_signer
from ledger.models import Entry
from proofs.canonical import parse_json
from proofs.errors import Refusal
from tests import cast
from tests.passkey import SoftPasskey

pytestmark = pytest.mark.django_db


def pem_of(passkey: SoftPasskey) -> bytes:
    import base64

    body = base64.encodebytes(passkey.spki).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n".encode()


def refused(code: str, act: Any, **arguments: Any) -> None:
    entries = Entry.objects.count()
    with pytest.raises(Refusal) as refusal:
        act(**arguments)
    assert refusal.value.code == code
    assert Entry.objects.count() == entries, "a refusal left an entry"


class TestRegisterPerson:
    def test_names_them_by_origin_and_a_fresh_subject(self, settings: Any) -> None:
        person = cast.alice()
        assert (person.kind, person.issuer, len(person.subject)) == ("person", settings.ORIGIN, 26)
        assert person.user.check_password(cast.PASSWORD)
        assert not person.user.is_staff

    def test_is_written_down_without_a_name(self) -> None:
        cast.alice()
        entry = Entry.objects.get(event="identity.registered")
        body = bytes(entry.body)
        assert b"alice" not in body.lower()
        assert parse_json(body)["spec"]["actor"] == actor_of(None)

    def test_without_a_password_nobody_signs_in(self) -> None:
        person = register_person(name="Quiet", username="quiet", by=None, now=cast.NOW)
        assert not person.user.has_usable_password()

    @pytest.mark.parametrize(("username", "name"), [("Alice", "A"), (" alice", "A"), ("", "A"), ("alice", " ")])
    def test_refuses_a_username_that_could_be_mistaken(self, username: str, name: str) -> None:
        refused("person.username", register_person, name=name, username=username, by=None, now=cast.NOW)

    def test_refuses_a_taken_username(self) -> None:
        cast.alice()
        refused("person.username_taken", register_person, name="Alice", username="alice", by=None, now=cast.NOW)
        assert Identity.objects.filter(name="Alice").count() == 0

    def test_refuses_an_easy_password(self) -> None:
        refused("person.password", register_person, name="Easy", username="easy", password="password1234", by=None, now=cast.NOW)

    @pytest.mark.parametrize("who", ["alice", "bob", "carol", "mallory"])
    def test_refuses_whoever_is_no_steward(self, who: str) -> None:
        by = getattr(cast, who)()
        refused("permission.missing", register_person, name="New", username="new", team=cast.payments(), by=by, now=cast.NOW)
        assert not User.objects.filter(username="new").exists()


class TestRegisterNonhuman:
    arguments = {"kind": "service", "name": "deployer", "issuer": "https://k8s.example", "subject": "sa:deployer", "now": cast.NOW}

    def test_has_an_owner_and_a_team(self) -> None:
        identity = register_nonhuman(**self.arguments, owner=cast.bob(), team=cast.payments(), by=cast.dave())
        assert (identity.owner, identity.team, identity.is_person) == (cast.bob(), cast.payments(), False)

    def test_refuses_the_same_subject_twice(self) -> None:
        register_nonhuman(**self.arguments, owner=cast.bob(), team=cast.payments(), by=None)
        refused("identity.already_registered", register_nonhuman, **self.arguments, owner=cast.bob(), team=cast.payments(), by=None)

    def test_refuses_to_make_a_person(self) -> None:
        bad = {**self.arguments, "kind": "person"}
        refused("identity.kind", register_nonhuman, **bad, owner=cast.bob(), team=cast.payments(), by=None)

    @pytest.mark.parametrize("missing", ["name", "issuer", "subject"])
    def test_refuses_empty_names(self, missing: str) -> None:
        bad = {**self.arguments, missing: " "}
        refused("identity.name", register_nonhuman, **bad, owner=cast.bob(), team=cast.payments(), by=None)

    def test_refuses_an_owner_who_is_a_program_or_gone(self) -> None:
        refused("identity.owner", register_nonhuman, **self.arguments, owner=cast.runner(), team=cast.payments(), by=None)
        Identity.objects.filter(pk=cast.bob().pk).update(status="retired")
        refused("identity.owner", register_nonhuman, **self.arguments, owner=cast.bob(), team=cast.payments(), by=None)

    def test_the_kind_never_changes(self) -> None:
        identity = cast.runner()
        with pytest.raises(DatabaseError), transaction.atomic():
            Identity.objects.filter(pk=identity.pk).update(kind="person")


class TestRegisterSigner:
    def test_a_public_key(self) -> None:
        passkey = SoftPasskey()
        signer = register_signer(identity=cast.runner(), public_key_pem=pem_of(passkey), by=cast.dave(), now=cast.NOW)
        assert (signer.method, signer.key_id, bytes(signer.spki or b"")) == ("public_key", passkey.public_key.key_id, passkey.spki)

    def test_refuses_a_key_of_somebody_else(self) -> None:
        pem = pem_of(SoftPasskey())
        register_signer(identity=cast.runner(), public_key_pem=pem, by=None, now=cast.NOW)
        other = register_nonhuman(**TestRegisterNonhuman.arguments, owner=cast.bob(), team=cast.payments(), by=None)
        refused("signer.already_registered", register_signer, identity=other, public_key_pem=pem, by=None, now=cast.NOW)

    def test_refuses_a_name_that_another_team_covers(self) -> None:
        issued = {"certificate_issuer": cast.GITHUB_ISSUER, "by": None, "now": cast.NOW}
        cast.runner()
        elsewhere = cast.Team.objects.create(slug="other", name="Other")
        other = register_nonhuman(**TestRegisterNonhuman.arguments, owner=cast.bob(), team=elsewhere, by=None)
        name = f"{cast.WORKFLOW}@refs/tags/v1"
        refused("signer.already_registered", register_signer, identity=other, certificate_identity=name, **issued)
        # And the other way round: one name first, then all names of its workflow.
        deploy = cast.WORKFLOW.replace("release", "deploy")
        register_signer(identity=other, certificate_identity=f"{deploy}@refs/heads/main", **issued)
        refused("signer.already_registered", register_signer, identity=cast.runner(), certificate_identity=deploy, any_ref=True, **issued)
        # What only begins with the same letters is another workflow, and another issuer's certificates are others.
        register_signer(identity=other, certificate_identity=f"{cast.WORKFLOW}2@refs/tags/v1", **issued)
        register_signer(identity=other, certificate_identity=name, **{**issued, "certificate_issuer": "https://ci.example"})

    @pytest.mark.parametrize("revoked", [True, False], ids=["all names revoked", "one name revoked"])
    @pytest.mark.parametrize("again", [True, False], ids=["all names again", "one name again"])
    @pytest.mark.parametrize("whose", ["payments", "other"])
    def test_refuses_to_answer_for_what_was_signed_before_where_a_name_was_revoked(self, revoked: bool, again: bool, whose: str) -> None:
        name, yesterday = f"{cast.WORKFLOW}@refs/tags/v1", cast.NOW - timedelta(days=1)
        issued = {"certificate_issuer": cast.GITHUB_ISSUER, "by": None}
        identity = register_nonhuman(**TestRegisterNonhuman.arguments, owner=cast.bob(), team=cast.payments(), by=None)
        names = {True: {"certificate_identity": cast.WORKFLOW, "any_ref": True}, False: {"certificate_identity": name}}
        register_signer(identity=identity, **names[revoked], **issued, now=yesterday)
        EvidenceSigner.objects.update(revoked_at=cast.NOW)
        team = cast.Team.objects.get_or_create(slug=whose, defaults={"name": whose})[0]
        other = register_nonhuman(**{**TestRegisterNonhuman.arguments, "subject": "again"}, owner=cast.bob(), team=team, by=None)
        late = cast.NOW + timedelta(hours=1)
        asked = {"identity": other, **names[again], **issued, "now": late}
        refused("signer.revoked_before", register_signer, **asked, valid_from=late - timedelta(seconds=1))
        # From now on is what a repaired workflow needs, and another workflow's past is nobody's business here.
        deploy = {"certificate_identity": cast.WORKFLOW.replace("release", "deploy"), "any_ref": True}
        register_signer(**{**asked, **deploy}, valid_from=yesterday)
        assert register_signer(**asked).valid_from == late

    @pytest.mark.parametrize("again", [True, False], ids=["all names", "one name"])
    def test_what_a_team_revoked_no_other_team_takes_over_but_by_the_operator(self, again: bool) -> None:
        cast.runner()
        EvidenceSigner.objects.update(revoked_at=cast.NOW)
        other = cast.Team.objects.create(slug="other", name="Other")
        eve = cast.person("eve", "Eve", "identity-steward", team=other)
        theirs = register_nonhuman(**TestRegisterNonhuman.arguments, owner=eve, team=other, by=None)
        name = cast.WORKFLOW if again else f"{cast.WORKFLOW}@refs/tags/v1"
        asked = {"certificate_issuer": cast.GITHUB_ISSUER, "certificate_identity": name, "any_ref": again, "now": cast.NOW}
        refused("signer.revoked_elsewhere", register_signer, identity=theirs, by=eve, **asked)
        assert register_signer(identity=cast.runner(), by=cast.dave(), **asked).identity == cast.runner()
        EvidenceSigner.objects.update(revoked_at=cast.NOW)
        assert register_signer(identity=theirs, by=None, **asked).identity == theirs

    def test_refuses_people(self) -> None:
        refused("signer.not_for_people", register_signer, identity=cast.alice(), public_key_pem=b"x", by=None, now=cast.NOW)

    def test_refuses_a_retired_identity(self) -> None:
        runner = cast.runner()
        runner.status = Identity.Status.RETIRED
        refused("identity.not_active", register_signer, identity=runner, public_key_pem=pem_of(SoftPasskey()), by=None, now=cast.NOW)

    @pytest.mark.parametrize(
        "half",
        [
            {},
            {"certificate_issuer": "https://i.example"},
            {"certificate_identity": "x"},
            {"certificate_issuer": "https://i.example", "certificate_identity": "x", "public_key_pem": b"x"},
            {"certificate_issuer": "https://i.example", "certificate_identity": "x@refs/heads/main", "any_ref": True},
        ],
    )
    def test_refuses_half_a_signer(self, half: dict[str, Any]) -> None:
        refused("signer.incomplete", register_signer, identity=cast.runner(), by=None, now=cast.NOW, **half)
        assert EvidenceSigner.objects.count() == 1

    def test_refuses_text_that_is_no_key(self) -> None:
        refused("key.malformed", register_signer, identity=cast.runner(), public_key_pem=b"hello", by=None, now=cast.NOW)

    def test_refuses_a_validity_that_is_over(self) -> None:
        past = cast.NOW - timedelta(days=1)
        refused("signer.expired", register_signer, identity=cast.runner(), public_key_pem=b"x", valid_until=past, by=None, now=cast.NOW)
