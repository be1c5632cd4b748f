"""The editor's pages: the same draft as text and form, without a script; errors at their line; what somebody else saved is not lost."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from approvals.dry_run.work import work_dry_runs
from approvals.models import DryRun, PolicyDraft, PolicyVersion
from approvals.policies.drafts import begin_draft, save_draft
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
SOURCE = make.POLICY.format(version=7, count=1)


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(cast.account_of(make.erin()), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def draft() -> PolicyDraft:
    return begin_draft(project=cast.payments_api(), source=SOURCE, by=make.erin(), now=make.NOW)


def post_text(client: Client, draft: PolicyDraft, source: str, **more: Any) -> Any:
    return client.post(f"/policies/{draft.pk}/edit", {"source": source, "base": SOURCE, "number": 1, "do": "save", **more})


def test_a_draft_is_begun_empty_or_from_a_version(owner: Client) -> None:
    stage = make.set_stage()
    assert "No draft yet" in owner.get("/policies/new").content.decode()
    answer = owner.post(f"/policies/new?from={stage.policy.pk}", {"project": cast.payments_api().pk})
    draft = PolicyDraft.objects.get()
    assert answer["Location"] == f"/policies/{draft.pk}/edit" and draft.source == stage.policy.source
    assert f"/policies/new?from={stage.policy.pk}" in owner.get(f"/policies/{stage.policy.pk}").content.decode()


def test_text_is_saved_with_plain_line_ends(owner: Client, draft: PolicyDraft) -> None:
    assert post_text(owner, draft, (SOURCE + "# mine\n").replace("\n", "\r\n")).status_code == 302
    draft.refresh_from_db()
    assert draft.source == SOURCE + "# mine\n"
    page = owner.get(f"/policies/{draft.pk}/edit").content.decode()
    assert "# mine" in page and "Can be stored" in page


def test_what_is_wrong_is_told_with_a_link_to_its_line(owner: Client, draft: PolicyDraft) -> None:
    post_text(owner, draft, SOURCE.replace("count: 1", "count: 99"))
    page = owner.get(f"/policies/{draft.pk}/edit").content.decode()
    line = SOURCE.splitlines().index("    count: 1") + 1
    assert f'href="#line-{line}"' in page and f'id="line-{line}" class="wrong"' in page and "policy.malformed" in page


def test_the_form_shows_the_text_and_writes_it(owner: Client, draft: PolicyDraft) -> None:
    page = owner.get(f"/policies/{draft.pk}/edit?view=form").content.decode()
    assert 'name="rules-1-count" value="1"' in page and "comments in it are lost" in page and "<datalist" in page
    fields = {"base": SOURCE, "number": 1, "schema": "countersign-policy/v1", "id": "x", "version": "1", "title": "X", "minimumAssurance": "H2",
              "validityHours": "5", "rules-count": "0", "do": "add", "new_kind": "approvals"}  # fmt: skip
    assert owner.post(f"/policies/{draft.pk}/edit?view=form", fields)["Location"].endswith("?view=form")
    draft.refresh_from_db()
    assert draft.policy_id == "x" and "kind: approvals" in draft.source


def test_the_form_of_a_text_that_cannot_be_read_says_so(owner: Client, draft: PolicyDraft) -> None:
    post_text(owner, draft, "rules: [")
    assert "Mend the line" in owner.get(f"/policies/{draft.pk}/edit?view=form").content.decode()


def test_the_form_of_a_text_it_cannot_hold_is_not_offered(owner: Client, draft: PolicyDraft) -> None:
    post_text(owner, draft, SOURCE.replace("kind: approvals", "kind: aprovals").replace("validityHours:", "colour: red\nvalidityHours:"))
    page = owner.get(f"/policies/{draft.pk}/edit?view=form").content.decode()
    assert "<code>colour</code>, <code>rules[1]</code>" in page
    assert "Save and check" not in page


def test_both_texts_are_shown_where_both_changed_the_same(owner: Client, draft: PolicyDraft) -> None:
    theirs, mine = SOURCE.replace("count: 1", "count: 2"), SOURCE.replace("count: 1", "count: 3")
    save_draft(draft=draft, source=theirs, base=SOURCE, number=1, by=make.erin(), now=make.NOW)
    answer = post_text(owner, draft, mine)
    page = answer.content.decode()
    assert answer.status_code == 422 and "rule approval" in page and "count: 2" in page and "count: 3" in page
    # Saving again is meant.
    assert post_text(owner, draft, mine, base=theirs, number=2).status_code == 302
    draft.refresh_from_db()
    assert draft.source == mine


def test_a_draft_becomes_a_version(owner: Client, draft: PolicyDraft) -> None:
    owner.post(f"/policies/{draft.pk}/store", {"number": 1})
    assert PolicyVersion.objects.filter(version="7").exists()
    assert "Stored last" in owner.get(f"/policies/{draft.pk}/edit").content.decode()
    owner.post(f"/policies/{draft.pk}/store", {"number": 9})
    assert PolicyVersion.objects.filter(version="7").count() == 1


def test_what_is_no_form_changes_nothing(owner: Client, draft: PolicyDraft) -> None:
    for odd in ({"number": "x"}, {"source": "x" * 70_000}):
        assert owner.post(f"/policies/{draft.pk}/edit", {"source": "y", "base": "", "number": 1, **odd}).status_code == 422
    draft.refresh_from_db()
    assert draft.source == SOURCE


def test_a_dry_run_is_asked_for_watched_and_called_off(owner: Client, draft: PolicyDraft) -> None:
    stage = make.set_stage(now=timezone.now() - timedelta(hours=1))
    make.send_provenance(stage, now=timezone.now())
    make.ask(now=timezone.now())
    url = owner.post(f"/policies/{draft.pk}/dry-run", {"environment": cast.production().pk, "days": 30})["Location"]
    page = owner.get(url).content.decode()
    assert "Under way" in page and "hx-get" in page and "0 of 1 request" in page
    assert work_dry_runs(clock=timezone.now) == 1
    page = owner.get(url).content.decode()
    assert "Done" in page and "Still denied" in page and "hx-get" not in page and "would deny none" in page
    second = owner.post(f"/policies/{draft.pk}/dry-run", {"environment": cast.production().pk, "days": 30})["Location"]
    owner.post(f"{second}/cancel")
    assert DryRun.objects.get(pk=second.rsplit("/", 1)[1]).state == DryRun.State.CANCELLED
    assert owner.post(f"/policies/{draft.pk}/dry-run", {"environment": "", "days": 99})["Location"] == f"/policies/{draft.pk}/edit"


def test_nobody_else_sees_a_draft(client: Client, draft: PolicyDraft) -> None:
    client.force_login(cast.account_of(cast.alice()), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(f"/policies/{draft.pk}/edit").status_code == 403
    zoe = cast.person("zed", "Zed", "policy-owner", team=make.other_teams_bot().team)
    client.force_login(cast.account_of(zoe), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(f"/policies/{draft.pk}/edit").status_code == 404


def test_the_schema_is_there_for_editors(client: Client) -> None:
    answer = client.get("/policies/schema.json")
    assert answer["Content-Type"] == "application/schema+json" and json.loads(answer.content)["title"] == "Countersign policy, version 1"
