"""Under which client id a bound sign-in was made, so that it stays provable when the provider's row names another one."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from ledger.append_only import FreezeColumns
from proofs.errors import Refusal
from proofs.tokens.compact import read_token


def read_audiences(apps: Any, _: Any) -> None:
    """Take it from the token, which was verified for that client when it came; what was never answered proves nothing and stays without."""
    rows = apps.get_model("identities", "BoundSignIn").objects.exclude(id_token="").only("pk", "id_token")
    for row in rows.iterator():
        try:
            said = read_token(row.id_token).claims.get("aud")
        except Refusal:
            continue
        audience = said[0] if isinstance(said, list) and len(said) == 1 else said
        if isinstance(audience, str):
            row.audience = audience[:300]
            row.save(update_fields=["audience"])


class Migration(migrations.Migration):
    dependencies = [("identities", "0018_event_subjects")]

    operations = [
        migrations.AddField(
            model_name="boundsignin",
            name="audience",
            field=models.CharField(blank=True, max_length=300, null=True),
        ),
        migrations.RunPython(read_audiences, migrations.RunPython.noop),
        FreezeColumns("identities", "BoundSignIn", ["audience"], "frozen_audience"),
    ]
