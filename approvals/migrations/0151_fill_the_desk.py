"""What lists are ordered by is written beside the requests that are there. What changed in them is told from their next revision on."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import migrations
from django.db.models import Case, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

# As `approvals.attention.due` and `approvals.models.requests` had it when this was written; the hourly renewal puts it right.
_AGENT = "agent-action"
_RANKS = Case(When(kind="break-glass-review", then=Value(0)), When(kind=_AGENT, then=Value(1)), default=Value(2))


def fill(apps: Any, schema_editor: Any) -> None:
    """Write them, with a few statements for however many requests there are."""
    Request, State = apps.get_model("approvals", "Request"), apps.get_model("approvals", "RequestState")
    Revision, Attention = apps.get_model("approvals", "Revision"), apps.get_model("approvals", "Attention")
    asked = Request.objects.filter(pk=OuterRef("pk"))
    newest = Revision.objects.filter(request=OuterRef("pk"), number=OuterRef("revision_number"))
    State.objects.update(
        project_id=Subquery(asked.values("project_id")[:1]),
        opened_at=Subquery(asked.values("opened_at")[:1]),
        rank=Subquery(asked.annotate(place=_RANKS).values("place")[:1]),
        revision_id=Subquery(newest.values("pk")[:1]),
    )
    begun = Coalesce(Subquery(Revision.objects.filter(pk=OuterRef("revision_id")).values("frozen_at")[:1]), F("opened_at"))
    hours = settings.ANSWER_HOURS
    State.objects.update(due_at=begun + timedelta(hours=hours[max(hours)]))
    for tier, given in hours.items():
        State.objects.filter(request__environment__tier=tier).update(due_at=begun + timedelta(hours=given))
    State.objects.filter(request__kind=_AGENT).update(due_at=begun + timedelta(minutes=10))
    state = State.objects.filter(pk=OuterRef("request_id"))
    Attention.objects.update(rank=Subquery(state.values("rank")[:1]), due_at=Subquery(state.values("due_at")[:1]))


class Migration(migrations.Migration):
    dependencies = [("approvals", "0150_desk")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
