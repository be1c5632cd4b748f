"""Several people write one draft, and nobody's work is lost without being told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.models import PolicyDraft
from approvals.policies.drafts import DraftChanged, begin_draft, save_draft, store_draft
from approvals.policies.merge_drafts import merge_policies
from approvals.policies.source import parse_yaml, policy_document
from approvals.policies.write_source import write_source
from proofs.errors import Conflict, Malformed, NotAllowed, TooLarge
from tests import cast
from tests import make_approvals as make

SOURCE = make.POLICY.format(version=1, count=1)
MORE_PEOPLE = SOURCE.replace("count: 1", "count: 2")
OTHER_TITLE = SOURCE.replace("title: Built by the release workflow", "title: Built by us")


def begin(source: str = SOURCE) -> PolicyDraft:
    return begin_draft(project=cast.payments_api(), source=source, by=make.erin(), now=make.NOW)


def save(draft: PolicyDraft, source: str, *, base: str = SOURCE, number: int = 1, by: Any = None) -> Any:
    return save_draft(draft=draft, source=source, base=base, number=number, by=by or make.erin(), now=make.NOW)


@pytest.mark.django_db
class TestSaveDraft:
    def test_keeps_a_text_that_is_wrong(self) -> None:
        saved = save(begin(), "rules: [")
        assert (saved.draft.source, saved.draft.number, saved.draft.policy_id, saved.was_merged) == ("rules: [", 2, "", False)

    def test_merges_what_two_people_changed_in_different_rules(self) -> None:
        draft, second = begin(), cast.person("ed", "Ed", "policy-owner")
        save(draft, MORE_PEOPLE)
        saved = save(draft, OTHER_TITLE, by=second)
        assert saved.was_merged and saved.draft.edited_by == second
        rules = {rule["id"]: rule for rule in parse_yaml(saved.draft.source)["rules"]}
        assert (rules["approval"]["count"], rules["provenance"]["title"]) == (2, "Built by us")
        policy_document(saved.draft.source)

    def test_refuses_where_both_changed_the_same_rule(self) -> None:
        draft = begin()
        save(draft, MORE_PEOPLE)
        with pytest.raises(DraftChanged) as refused:
            save(draft, SOURCE.replace("count: 1", "count: 3"))
        assert (refused.value.code, refused.value.overlaps) == ("policy.draft_changed", ("rule approval",))
        draft.refresh_from_db()
        assert draft.source == MORE_PEOPLE

    def test_refuses_to_merge_what_cannot_be_read(self) -> None:
        draft = begin()
        save(draft, MORE_PEOPLE)
        with pytest.raises(DraftChanged) as refused:
            save(draft, "rules: [")
        assert refused.value.overlaps == ("the whole text",)

    def test_whoever_changed_nothing_takes_nothing_back(self) -> None:
        draft = begin()
        save(draft, MORE_PEOPLE)
        assert save(draft, SOURCE).draft.source == write_source(parse_yaml(MORE_PEOPLE))

    def test_refuses_everybody_but_policy_owners(self) -> None:
        draft = begin()
        for person in (cast.alice(), cast.dave(), cast.runner()):
            with pytest.raises(NotAllowed) as refused:
                save(draft, MORE_PEOPLE, by=person)
            assert refused.value.code == "permission.missing"
        with pytest.raises(NotAllowed):
            begin_draft(project=cast.payments_api(), source=SOURCE, by=cast.alice(), now=make.NOW)

    def test_refuses_what_is_too_long(self) -> None:
        with pytest.raises(TooLarge) as refused:
            save(begin(), "x" * 70_000)
        assert refused.value.code == "policy.too_large"


@pytest.mark.django_db
class TestStoreDraft:
    def test_stores_a_version_and_remembers_it(self) -> None:
        draft = begin()
        version = store_draft(draft=draft, number=1, by=make.erin(), now=make.NOW)
        draft.refresh_from_db()
        assert draft.stored == version and version.source == SOURCE and not version.activations.exists()

    def test_refuses_another_state_than_was_looked_at(self) -> None:
        draft = begin()
        save(draft, MORE_PEOPLE)
        with pytest.raises(DraftChanged):
            store_draft(draft=draft, number=1, by=make.erin(), now=make.NOW)

    def test_refuses_what_is_no_policy_and_what_widens(self) -> None:
        for source, code in (
            ("just text", "policy.malformed"),
            (SOURCE.replace("requesterMayApprove: false", "requesterMayApprove: true"), "policy.widening"),
        ):
            with pytest.raises(Malformed) as refused:
                store_draft(draft=begin(source), number=1, by=make.erin(), now=make.NOW)
            assert refused.value.code == code

    def test_refuses_a_version_that_is_another_document(self) -> None:
        store_draft(draft=begin(), number=1, by=make.erin(), now=make.NOW)
        with pytest.raises(Conflict) as refused:
            store_draft(draft=begin(MORE_PEOPLE), number=1, by=make.erin(), now=make.NOW)
        assert refused.value.code == "policy.version_exists"


RULES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), max_size=4)


def policy(rules: dict[str, int], title: int) -> dict[str, Any]:
    return {"title": title, "rules": [{"id": rule_id, "count": count} for rule_id, count in rules.items()]}


class TestMergePolicies:
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(RULES, RULES, RULES, st.integers(0, 1), st.integers(0, 1), st.integers(0, 1))
    def test_nothing_of_either_is_lost(self, one: Any, two: Any, three: Any, a: int, b: int, c: int) -> None:
        base, theirs, mine = policy(one, a), policy(two, b), policy(three, c)
        merged = merge_policies(base=base, theirs=theirs, mine=mine)
        if merged.value is None:
            assert all(
                two.get(name) != three.get(name) and one.get(name) not in (two.get(name), three.get(name))
                for name in (overlap.removeprefix("rule ") for overlap in merged.overlaps if overlap.startswith("rule "))
            )
            return
        got = {rule["id"]: rule["count"] for rule in merged.value["rules"]}
        for name in "abcd":
            changed = [side.get(name) for side in (two, three) if side.get(name) != one.get(name)]
            assert got.get(name) == (changed[0] if changed else one.get(name))

    def test_new_rules_keep_their_neighbours(self) -> None:
        base = policy({"a": 1, "b": 1}, 0)
        merged = merge_policies(base=base, theirs=policy({"a": 1, "new": 1, "b": 1}, 0), mine=policy({"b": 1, "a": 1}, 0))
        assert merged.value is not None
        assert [rule["id"] for rule in merged.value["rules"]] == ["b", "a", "new"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_is_written_is_read_again(value: Any) -> None:
    if value is not None:
        assert parse_yaml(write_source(value)) == value
