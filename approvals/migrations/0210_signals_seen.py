"""What somebody saw on the pages they decided is kept, so that the next page tells them what is new to them; also of the newest answers before this."""

import json
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex

# What is older is told once more as new.
MOST_ANSWERS = 10_000
MOST_KEPT = 200


def fill(apps: Any, schema_editor: Any) -> None:
    """Write it from the snapshots of the newest answers, each read by itself: they may be long."""
    Approval, Seen = apps.get_model("approvals", "Approval"), apps.get_model("approvals", "SignalsSeen")
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    last: dict[tuple[str, str, str], Any] = {}
    for pk in list(Approval.objects.order_by("-signed_at", "-pk").values_list("pk", flat=True)[:MOST_ANSWERS]):
        answer = Approval.objects.select_related("revision__request", "revision__snapshot").defer("payload").get(pk=pk)
        request = answer.revision.request
        place = (answer.identity_id, request.project_id, request.environment_id)
        comparison = json.loads(bytes(answer.revision.snapshot.content)).get("comparison")
        for signal in (comparison or {"signals": []})["signals"]:
            words = found.setdefault(place, {})
            last.setdefault(place, answer.signed_at)
            if len(words) < MOST_KEPT:
                words.setdefault(_words_of(signal), int(answer.signed_at.timestamp()))
    Seen.objects.bulk_create(
        [
            Seen(identity_id=place[0], project_id=place[1], environment_id=place[2], words=words, seen_at=last[place])
            for place, words in found.items()
        ],
        batch_size=500,
    )


def _words_of(signal: Any) -> str:
    # As `approvals.seen.signals_seen` had it when this was written.
    return sha256_hex(canonical_bytes({name: str(signal[name]) for name in ("id", "about", "sentence")}))[:32]


def _to(model: str) -> Any:
    return models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=model)


class Migration(migrations.Migration):
    dependencies = [("approvals", "0190_digest_tail")]

    operations = [
        migrations.CreateModel(
            name="SignalsSeen",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", models.JSONField()),
                ("seen_at", models.DateTimeField(db_index=True)),
                ("identity", _to("identities.identity")),
                ("project", _to("identities.project")),
                ("environment", _to("identities.environment")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("identity", "project", "environment"), name="seen_once_a_place")]},
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
