"""The migration that writes beside older requests what lists are ordered by writes what the portal itself would have."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from approvals.models import Attention, RequestState
from identities.models import Project
from tests import cast
from tests import make_approvals as make
from tests.make_queue import copy_request

pytestmark = pytest.mark.django_db


def test_what_was_written_comes_out_again() -> None:
    cast.alice()
    make.send_provenance(make.set_stage())
    request = make.ask()
    copy_request(request, 2)
    copy_request(request, 1, kind="agent-action")
    RequestState.objects.filter(request__kind="agent-action").update(rank=1)
    Attention.objects.filter(request__kind="agent-action").update(rank=1)
    states = list(RequestState.objects.order_by("pk").values("project", "opened_at", "rank", "revision", "due_at"))
    turns = list(Attention.objects.order_by("pk").values("rank", "due_at"))
    elsewhere = Project.objects.create(slug="elsewhere", name="Elsewhere", team=cast.payments())
    wrong = {"rank": 9, "due_at": make.NOW - timedelta(days=9)}
    RequestState.objects.update(**wrong, opened_at=make.NOW - timedelta(days=9), revision=None, project=elsewhere)
    Attention.objects.update(**wrong)
    import_module("approvals.migrations.0151_fill_the_desk").fill(apps, None)
    assert list(RequestState.objects.order_by("pk").values("project", "opened_at", "rank", "revision", "due_at")) == states
    assert list(Attention.objects.order_by("pk").values("rank", "due_at")) == turns
