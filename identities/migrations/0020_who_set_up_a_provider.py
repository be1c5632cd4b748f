"""Who said how an identity provider is spoken to: they could come in as its people, and do not also give them power."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


def take_over(apps: Any, schema_editor: Any) -> None:
    """Keep those who are known already: whoever added a provider or made a provisioning token of it."""
    for provider in apps.get_model("identities", "IdentityProvider").objects.all():
        tokens = apps.get_model("identities", "ProvisioningToken").objects.filter(provider=provider, made_by__isnull=False)
        known = {provider.added_by_id, *tokens.values_list("made_by_id", flat=True)} - {None}
        provider.set_up_by.add(*known)


class Migration(migrations.Migration):
    dependencies = [("identities", "0019_audience_of_bound_sign_ins")]

    operations = [
        migrations.AddField(
            model_name="identityprovider",
            name="set_up_by",
            field=models.ManyToManyField(blank=True, related_name="+", to="identities.identity"),
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
