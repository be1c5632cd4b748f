"""Policies come in as YAML, count as canonical bytes, and are put into force by their owner."""

from __future__ import annotations

import pytest

from approvals.models import PolicyVersion
from approvals.policies.source import policy_document
from approvals.policies.versions import activate_policy, active_policy, store_policy, was_one_person
from identities.people.roles import grant_role
from ledger.models import Entry
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal, TooLarge
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
SOURCE = make.POLICY.format(version=1, count=1)


class TestStorePolicy:
    def test_names_a_policy_by_the_digest_of_its_canonical_bytes(self) -> None:
        policy = store_policy(source=SOURCE, by=make.erin(), now=make.NOW)
        assert policy.digest == sha256_hex(bytes(policy.document.content))
        assert policy.source == SOURCE
        assert Entry.objects.filter(event="policy.published", ref_digest=policy.digest).count() == 1

    def test_other_spelling_of_the_same_policy_is_the_same_policy(self) -> None:
        first = store_policy(source=SOURCE, by=make.erin(), now=make.NOW)
        again = store_policy(source="# a comment\n" + SOURCE.replace('version: "1"', "version: '1'"), by=make.erin(), now=make.NOW)
        assert first == again
        assert PolicyVersion.objects.count() == 1

    def test_refuses_another_document_under_a_known_version(self) -> None:
        store_policy(source=SOURCE, by=make.erin(), now=make.NOW)
        with pytest.raises(Conflict) as refused:
            store_policy(source=SOURCE.replace("validityHours: 72", "validityHours: 720"), by=make.erin(), now=make.NOW)
        assert refused.value.code == "policy.version_exists"

    @pytest.mark.parametrize(
        ("source", "kind", "code"),
        [
            (SOURCE + "validityHours: 720\n", Malformed, "policy.duplicate_key"),
            ("a: &x [1, 2]\nb: *x\n", Malformed, "policy.yaml"),
            ("!!python/object/apply:os.system ['true']", Malformed, "policy.yaml"),
            ("rules: [", Malformed, "policy.yaml"),
            ("1: 2", Malformed, "policy.yaml"),
            ("x: " + "[" * 5000 + "]" * 5000, Malformed, "policy.yaml"),
            ("x: " + "y" * 70_000, TooLarge, "policy.too_large"),
            ("just text", Malformed, "policy.malformed"),
            (SOURCE[: SOURCE.index("rules:")] + "rules: []", Malformed, "policy.empty"),
            (SOURCE.replace("kind: approvals", "kind: wishes"), Malformed, "policy.unknown_rule"),
            (SOURCE.replace("validityHours: 72", "validityHours: 7.5"), Malformed, "json.float"),
        ],
    )
    def test_refuses_what_is_no_policy(self, source: str, kind: type[Refusal], code: str) -> None:
        with pytest.raises(kind) as refused:
            policy_document(source)
        assert refused.value.code == code


class TestActivatePolicy:
    def test_puts_the_newest_activation_into_force_and_marks_one_person(self) -> None:
        owner, where = make.erin(), {"project": cast.payments_api(), "environment": cast.production()}
        first = store_policy(source=SOURCE, by=owner, now=make.NOW)
        second = store_policy(source=make.POLICY.format(version=2, count=2), by=owner, now=make.NOW)
        assert active_policy(**where) is None
        activation = activate_policy(policy=first, by=owner, now=make.NOW, **where)
        assert was_one_person(activation)
        activate_policy(policy=second, by=owner, now=make.NOW, **where)
        assert active_policy(**where) == second

    def test_refuses_everybody_but_a_policy_owner(self) -> None:
        policy = store_policy(source=SOURCE, by=make.erin(), now=make.NOW)
        for person in (cast.alice(), cast.dave(), cast.mallory()):
            with pytest.raises(NotAllowed) as refused:
                activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=person, now=make.NOW)
            assert refused.value.code == "policy.owner_required"

    def test_refuses_one_owner_alone_where_there_are_two(self) -> None:
        owner = make.erin()
        policy = store_policy(source=SOURCE, by=owner, now=make.NOW)
        grant_role(identity=cast.carol(), role="policy-owner", team=cast.payments(), by=cast.dave(), now=make.NOW)
        with pytest.raises(NotAllowed) as refused:
            activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=owner, now=make.NOW)
        assert refused.value.code == "policy.two_owners_required"
