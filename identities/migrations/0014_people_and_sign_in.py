"""Identity providers and what they bring, keys that are bound and recovered, preferences, and what is kept of changes made on pages."""

import django.db.models.deletion
import identities.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0013_since_when"),
    ]

    operations = [
        migrations.CreateModel(
            name="LocalSignIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("allowed", models.BooleanField()),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "identity",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="preferences",
                        serialize=False,
                        to="identities.identity",
                    ),
                ),
                (
                    "theme",
                    models.CharField(
                        choices=[("system", "As the device says"), ("light", "Light"), ("dark", "Dark")], default="system", max_length=8
                    ),
                ),
                (
                    "density",
                    models.CharField(
                        choices=[("comfortable", "Comfortable"), ("compact", "Compact")], default="comfortable", max_length=12
                    ),
                ),
                ("language", models.CharField(default="en-gb", max_length=12)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("shortcuts", models.BooleanField(default=True)),
                ("unmailed", models.JSONField(default=list)),
                ("away_from", models.DateField(blank=True, null=True)),
                ("away_until", models.DateField(blank=True, null=True)),
                ("away_note", models.CharField(blank=True, max_length=200)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "preferences",
            },
        ),
        migrations.CreateModel(
            name="ProvisionedGroup",
            fields=[
                ("id", models.CharField(default=identities.ids.new_provisioned_group_id, max_length=40, primary_key=True, serialize=False)),
                ("display_name", models.CharField(max_length=300)),
                ("external_id", models.CharField(blank=True, max_length=300)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ProvisionedPerson",
            fields=[
                (
                    "id",
                    models.CharField(default=identities.ids.new_provisioned_person_id, max_length=40, primary_key=True, serialize=False),
                ),
                ("user_name", models.CharField(max_length=150)),
                ("external_id", models.CharField(blank=True, max_length=300)),
                ("attributes", models.JSONField(default=dict)),
                ("active", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "provisioned people",
            },
        ),
        migrations.CreateModel(
            name="ProvisioningToken",
            fields=[
                (
                    "id",
                    models.CharField(default=identities.ids.new_provisioning_token_id, max_length=40, primary_key=True, serialize=False),
                ),
                ("secret_sha256", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RecoveryConsent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("consented_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="identity",
            name="deactivated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="roleassignment",
            name="valid_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="signinevent",
            name="via",
            field=models.CharField(blank=True, max_length=48, null=True),
        ),
        migrations.AddField(
            model_name="signingkey",
            name="aaguid",
            field=models.CharField(blank=True, max_length=36, null=True),
        ),
        migrations.AddField(
            model_name="signingkey",
            name="attestation",
            field=models.BinaryField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="signingkey",
            name="compromised_from",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="signingkey",
            name="introduced_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="introduced", to="identities.signingkey"
            ),
        ),
        migrations.AddField(
            model_name="signingkey",
            name="introduction",
            field=models.BinaryField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="signingkey",
            name="matures_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.CharField(blank=True, max_length=150)),
                ("act", models.CharField(db_index=True, max_length=80)),
                ("path", models.CharField(max_length=300)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("status", models.PositiveSmallIntegerField()),
                ("happened_at", models.DateTimeField(db_index=True)),
                (
                    "identity",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BoundSignIn",
            fields=[
                ("id", models.CharField(default=identities.ids.new_bound_sign_in_id, max_length=40, primary_key=True, serialize=False)),
                ("purpose", models.CharField(choices=[("enrolment", "Enrol an approval key"), ("approval", "Approve")], max_length=16)),
                ("nonce", models.CharField(max_length=64, unique=True)),
                ("state_sha256", models.CharField(max_length=64, unique=True)),
                ("code_verifier", models.CharField(max_length=128)),
                ("session_hash", models.CharField(max_length=64)),
                ("begun_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("id_token", models.TextField(blank=True)),
                ("issuer_keys", models.BinaryField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("refused_code", models.CharField(blank=True, max_length=80)),
                (
                    "identity",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="bound_sign_ins", to="identities.identity"),
                ),
            ],
        ),
        migrations.AddField(
            model_name="signingkey",
            name="bound_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="signing_keys", to="identities.boundsignin"
            ),
        ),
        migrations.CreateModel(
            name="IdentityProvider",
            fields=[
                ("id", models.CharField(default=identities.ids.new_identity_provider_id, max_length=40, primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("protocol", models.CharField(choices=[("oidc", "OpenID Connect"), ("saml", "SAML 2.0")], max_length=8)),
                ("issuer", models.CharField(max_length=300)),
                ("client_id", models.CharField(blank=True, max_length=300)),
                ("sealed_secret", models.BinaryField(blank=True, null=True)),
                ("config", models.JSONField(default=dict)),
                ("groups_claim", models.CharField(default="groups", max_length=120)),
                ("admits_unregistered", models.BooleanField(default=False)),
                (
                    "source",
                    models.CharField(
                        choices=[("page", "Set up on a page"), ("file", "Set up in the operator's file")], default="page", max_length=8
                    ),
                ),
                ("added_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HeldGroups",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("groups", models.JSONField()),
                ("source", models.CharField(choices=[("sign_in", "At sign-in"), ("scim", "By SCIM")], max_length=8)),
                ("as_of", models.DateTimeField()),
                (
                    "identity",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="held_groups", to="identities.identity"),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="held_groups", to="identities.identityprovider"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "held groups",
            },
        ),
        migrations.CreateModel(
            name="GroupRules",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("rules", models.JSONField()),
                ("made_at", models.DateTimeField()),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="group_rules", to="identities.identityprovider"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="boundsignin",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="bound_sign_ins", to="identities.identityprovider"
            ),
        ),
        migrations.AddField(
            model_name="roleassignment",
            name="provider",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="roles", to="identities.identityprovider"
            ),
        ),
        migrations.CreateModel(
            name="KeyRecovery",
            fields=[
                ("id", models.CharField(default=identities.ids.new_key_recovery_id, max_length=40, primary_key=True, serialize=False)),
                ("reason", models.CharField(max_length=200)),
                ("opened_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="key_recoveries", to="identities.identity"),
                ),
            ],
            options={
                "verbose_name_plural": "key recoveries",
            },
        ),
        migrations.AddField(
            model_name="signingkey",
            name="recovery",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="signing_keys", to="identities.keyrecovery"
            ),
        ),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("bound_by__isnull", False)), fields=("bound_by",), name="sign_in_binds_one_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("recovery__isnull", False)), fields=("recovery",), name="recovery_gives_one_key"
            ),
        ),
        migrations.AddField(
            model_name="localsignin",
            name="changed_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
            ),
        ),
        migrations.AddField(
            model_name="provisionedgroup",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="provisioned_groups", to="identities.identityprovider"
            ),
        ),
        migrations.AddField(
            model_name="provisionedperson",
            name="identity",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="provisioned", to="identities.identity"),
        ),
        migrations.AddField(
            model_name="provisionedperson",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="provisioned_people", to="identities.identityprovider"
            ),
        ),
        migrations.AddField(
            model_name="provisionedgroup",
            name="members",
            field=models.ManyToManyField(blank=True, related_name="groups", to="identities.provisionedperson"),
        ),
        migrations.AddField(
            model_name="provisioningtoken",
            name="made_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
            ),
        ),
        migrations.AddField(
            model_name="provisioningtoken",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="provisioning_tokens", to="identities.identityprovider"
            ),
        ),
        migrations.AddField(
            model_name="recoveryconsent",
            name="officer",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"),
        ),
        migrations.AddField(
            model_name="recoveryconsent",
            name="recovery",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="identities.keyrecovery"),
        ),
        migrations.AddConstraint(
            model_name="identityprovider",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)), fields=("issuer",), name="identity_provider_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="heldgroups",
            constraint=models.UniqueConstraint(fields=("identity", "provider"), name="groups_of_a_person_once_per_provider"),
        ),
        migrations.AddConstraint(
            model_name="grouprules",
            constraint=models.UniqueConstraint(fields=("provider", "version"), name="group_rules_version_once"),
        ),
        migrations.AddConstraint(
            model_name="keyrecovery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True), ("used_at__isnull", True)),
                fields=("identity",),
                name="one_open_recovery_per_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionedperson",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)), fields=("provider", "user_name"), name="scim_user_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionedperson",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)), fields=("identity",), name="scim_person_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionedgroup",
            constraint=models.UniqueConstraint(fields=("provider", "display_name"), name="scim_group_once"),
        ),
        migrations.AddConstraint(
            model_name="recoveryconsent",
            constraint=models.UniqueConstraint(fields=("recovery", "officer"), name="recovery_consent_once"),
        ),
    ]
