"""A gate says that it let something through because the glass was broken."""

import django.db.models.deletion
from django.db import migrations, models


def widen(apps, schema_editor):
    """Make room for the longer word. SQLite asks for no length, and would lose the table's guards if it were built anew."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE gates_decision ALTER COLUMN outcome TYPE varchar(16)")


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0100_break_glass"),
        ("gates", "0020_what_was_not_enforced"),
    ]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="break_glass",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="approvals.breakglass"
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(widen, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="decision",
                    name="outcome",
                    field=models.CharField(choices=[("allow", "Allow"), ("deny", "Deny"), ("break_glass", "Break glass")], max_length=16),
                )
            ],
        ),
    ]
