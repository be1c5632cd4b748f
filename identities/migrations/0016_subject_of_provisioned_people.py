"""What a provider calls somebody whom it provisioned, since their first sign-in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identities", "0015_people_stay")]

    operations = [
        migrations.AddField(
            model_name="provisionedperson",
            name="subject",
            field=models.CharField(blank=True, default="", max_length=300),
            preserve_default=False,
        ),
    ]
