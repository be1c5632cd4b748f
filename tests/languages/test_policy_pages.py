"""The pages of policies: in force, as written, drafts as text and as form, proposals, and a draft tried on the past; every word translated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from approvals.dry_run.work import work_dry_runs
from approvals.editor.language import RULES
from approvals.models import ExpectationsVersion, PolicyDraft
from approvals.policies.drafts import begin_draft, save_draft
from identities.models import Environment, Identity
from portal.languages.pseudo import LEFT_TO_RIGHT
from tests import cast
from tests import make_approvals as make
from tests import make_changes as changes
from tests.approvals import test_expectations_changes as expectations_change
from tests.languages.test_own_keys import untranslated
from tests.make_ledger import use_own_keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pseudo_locales")]
# The doors read the real clock, so these stories happen now.
NOW = datetime.now(UTC).replace(microsecond=0)
SOURCE = make.POLICY.format(version=7, count=1)
OF_EVERY_BOUND = """\
delegation: allowed
waivers: {maxDays: 1, approvals: [{role: policy-owner, count: 1}, {role: "approver:security", count: 2}]}
breakGlass: {roles: [officer, administrator], validityHours: 1, maxUses: 2, reviewHours: 24, reviewers: {role: "approver:security", count: 2}}
"""


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def reader(person: Identity) -> Client:
    client = cast.let_in(Client(), person)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = LEFT_TO_RIGHT
    return client


@pytest.fixture
def owner() -> Client:
    return reader(make.erin(now=NOW))


@pytest.fixture
def draft() -> PolicyDraft:
    return begin_draft(project=cast.payments_api(), source=SOURCE, by=make.erin(now=NOW), now=NOW)


def post_text(client: Client, draft: PolicyDraft, source: str, **more: Any) -> Any:
    return client.post(f"/policies/{draft.pk}/edit", {"source": source, "base": SOURCE, "number": 1, "do": "save", **more}, follow=True)


def test_what_is_in_force_and_as_it_is_written(owner: Client) -> None:
    stage = make.set_stage(now=NOW)
    Environment.objects.create(slug="staging", name="Staging", tier=2, team=cast.payments())
    for client in (owner, reader(cast.carol(now=NOW))):
        assert untranslated(client.get("/policies")) == []
        assert untranslated(client.get(f"/policies/{stage.policy.pk}")) == []
    changes.frank(now=NOW)
    changes.change(stage.policy, mode="warn", now=NOW)
    assert untranslated(owner.get("/policies")) == []
    assert untranslated(owner.get(f"/policies/{stage.policy.pk}")) == []


def test_a_version_with_every_bound(owner: Client, draft: PolicyDraft) -> None:
    post_text(owner, draft, SOURCE.replace("rules:", f"{OF_EVERY_BOUND}rules:"))
    draft.refresh_from_db()
    assert untranslated(owner.post(f"/policies/{draft.pk}/store", {"number": draft.number}, follow=True)) == []
    draft.refresh_from_db()
    assert draft.stored is not None
    stored = owner.get(f"/policies/{draft.stored.pk}")
    assert stored.status_code == 200
    assert untranslated(stored) == []
    assert untranslated(owner.get(f"/policies/{draft.pk}/edit?view=form")) == []


def test_drafts_and_where_they_begin(owner: Client) -> None:
    stage = make.set_stage(now=NOW)
    assert untranslated(owner.get("/policies/new")) == []
    begun = owner.post(f"/policies/new?from={stage.policy.pk}", {"project": cast.payments_api().pk}, follow=True)
    assert untranslated(begun) == []
    assert untranslated(owner.get("/policies/new")) == []
    assert untranslated(owner.get(f"/policies/new?from={stage.policy.pk}")) == []
    assert untranslated(owner.post("/policies/new", {"project": "none"})) == []


def test_what_is_wrong_in_a_draft(owner: Client, draft: PolicyDraft) -> None:
    for view in ("", "?view=form"):
        assert untranslated(owner.get(f"/policies/{draft.pk}/edit{view}")) == []
    wrong = post_text(owner, draft, SOURCE.replace("count: 1", "count: 99"))
    assert "policy.malformed" in wrong.content.decode()
    assert untranslated(wrong) == []
    post_text(owner, draft, "rules: [", number=2)
    assert untranslated(owner.get(f"/policies/{draft.pk}/edit?view=form")) == []
    post_text(owner, draft, SOURCE.replace("validityHours:", "colour: red\nvalidityHours:"), number=3)
    assert untranslated(owner.get(f"/policies/{draft.pk}/edit?view=form")) == []
    assert untranslated(owner.post(f"/policies/{draft.pk}/edit", {"source": "y", "base": "", "number": "x"})) == []
    assert untranslated(owner.post(f"/policies/{draft.pk}/store", {"number": 999}, follow=True)) == []


def test_the_form_of_every_kind_of_rule(owner: Client, draft: PolicyDraft) -> None:
    rules = "".join(f"  - {{id: r{number}, kind: {kind}, title: R}}\n" for number, kind in enumerate(RULES))
    head = SOURCE.partition("rules:")[0]
    post_text(owner, draft, f"{head}rules:\n{rules}")
    page = owner.get(f"/policies/{draft.pk}/edit?view=form")
    assert page.content.decode().count('class="rule-card" id="rule-') == len(RULES)
    assert untranslated(page) == []


def test_what_two_people_changed(owner: Client, draft: PolicyDraft) -> None:
    theirs, mine = SOURCE.replace("count: 1", "count: 2"), SOURCE.replace("count: 1", "count: 3")
    save_draft(draft=draft, source=theirs, base=SOURCE, number=1, by=make.erin(now=NOW), now=NOW)
    page = post_text(owner, draft, mine)
    assert page.status_code == 422
    assert untranslated(page) == []
    other = SOURCE.replace("validityHours: ", "validityHours: 1")
    assert untranslated(post_text(owner, draft, other)) == []


def test_a_proposal(owner: Client) -> None:
    stage = make.set_stage(now=NOW)
    policy = changes.version(2, count=2)
    path = f"/policies/{policy.pk}/propose"
    assert untranslated(owner.get(path)) == []
    make.send_provenance(stage, now=NOW)
    make.approve(make.ask(now=NOW), cast.alice(now=NOW), now=NOW)
    where = {"project": cast.payments_api().pk, "environment": cast.production().pk, "mode": "warn"}
    assert untranslated(owner.get(path, where)) == []
    assert untranslated(owner.post(path, {"mode": "odd"})) == []
    again = owner.post(f"/policies/{stage.policy.pk}/propose", {**where, "mode": "enforce"})
    assert again.status_code == 400
    assert untranslated(again) == []
    staging = Environment.objects.create(slug="staging", name="Staging", tier=2, team=cast.payments())
    assert untranslated(owner.get(path, {**where, "environment": staging.pk})) == []
    assert untranslated(owner.post(path, {**where, "note": "Taxi"}, follow=True)) == []


def test_expectations_and_other_ones(owner: Client) -> None:
    make.set_stage(source=make.BY_PROJECT, now=NOW)
    changes.frank(now=NOW)
    path = f"/policies/expectations/{cast.payments_api().pk}/propose"
    first = expectations_change.source()
    assert untranslated(owner.get(path)) == []
    assert untranslated(owner.post(path, {"source": "", "note": "", "act": "propose"})) == []
    assert untranslated(owner.post(path, {"source": first, "note": "", "act": "compare"})) == []
    assert untranslated(owner.post(path, {"source": first, "note": "Taxi", "act": "propose"}, follow=True)) == []
    version = ExpectationsVersion.objects.get()
    assert untranslated(owner.get(f"/policies/expectations/{version.pk}")) == []
    expectations_change.change(2, "nightly", now=NOW)
    newest = ExpectationsVersion.objects.get(version="2")
    for shown in (version, newest):
        assert untranslated(owner.get(f"/policies/expectations/{shown.pk}")) == []
        assert untranslated(owner.get(f"{path}?from={shown.pk}")) == []
    assert untranslated(owner.post(path, {"source": expectations_change.source(3), "note": "", "act": "compare"})) == []
    assert untranslated(owner.get("/policies")) == []


def test_a_draft_tried_on_the_past(owner: Client, draft: PolicyDraft) -> None:
    stage = make.set_stage(now=timezone.now() - timedelta(hours=1))
    make.send_provenance(stage, now=timezone.now())
    make.approve(make.ask(now=timezone.now()), cast.alice(now=NOW), now=timezone.now())
    post_text(owner, draft, SOURCE.replace("count: 1", "count: 2"))
    asked = {"environment": cast.production().pk, "days": 30}
    url = owner.post(f"/policies/{draft.pk}/dry-run", asked)["Location"]
    assert untranslated(owner.get(url)) == []
    assert untranslated(owner.get(f"/policies/{draft.pk}/edit")) == []
    assert work_dry_runs(clock=timezone.now) == 1
    for each in owner.get(url).context["shown"].counts:
        assert untranslated(owner.get(f"{url}?show={each['name']}")) == []
    post_text(owner, draft, SOURCE.replace("count: 1", "count: 3"), number=2)
    assert untranslated(owner.get(url)) == []
    second = owner.post(f"/policies/{draft.pk}/dry-run", {**asked, "days": 1})["Location"]
    assert untranslated(owner.post(f"{second}/cancel", follow=True)) == []
    assert untranslated(owner.post(f"{second}/cancel", follow=True)) == []
    assert untranslated(owner.post(f"/policies/{draft.pk}/dry-run", {"environment": "", "days": 99}, follow=True)) == []
