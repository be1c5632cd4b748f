"""Who registered an identity is kept, and never changes. A nullable column is added in place: the table's triggers stay."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import FreezeColumns


class Migration(migrations.Migration):
    dependencies = [("identities", "0005_sign_ins_can_be_forgotten")]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="registered_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="identities.identity",
            ),
        ),
        FreezeColumns("identities", "Identity", ["registered_by_id"], "frozen_registrar"),
    ]
