"""The tables of this room in the Django admin, to look at. Power is granted by acts that write to the ledger, never here."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group

from identities.models import (
    ApiCredential,
    Environment,
    EvidenceSigner,
    Identity,
    Project,
    RoleAssignment,
    SignInEvent,
    SigningKey,
    Team,
    TokenExchange,
    TokenIssuer,
    User,
    WorkloadBinding,
)
from ledger.admin import ReadOnlyAdmin

# Django's groups give nothing here, and showing them would suggest otherwise. The sign-in library's tables hold secrets of
# people's second factors, and a superuser who could delete one would weaken somebody's sign-in unseen; its tables of
# providers are empty, and stay so.
for hidden in (Group, Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken, UserSession):
    admin.site.unregister(hidden)


@admin.register(Identity)
class IdentityAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "team", "owner", "status", "created_at"]
    list_filter = ["kind", "status"]
    search_fields = ["name", "subject"]
    list_select_related = ["team", "owner"]
    # The salt is what keeps ledger pseudonyms from being undone.
    exclude = ["actor_salt"]


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ["username", "identity", "is_active", "is_staff", "last_login"]
    list_select_related = ["identity"]
    fields = ["username", "identity", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"]


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin):
    list_display = ["identity", "role", "team", "project", "granted_by", "granted_at", "ended_at"]
    list_filter = ["role"]
    list_select_related = ["identity", "team", "project", "granted_by"]


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ["label", "identity", "key_id", "enrolled_at", "revoked_at"]
    list_select_related = ["identity"]


@admin.register(EvidenceSigner)
class EvidenceSignerAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "identity", "method", "valid_from", "valid_until", "revoked_at"]
    list_select_related = ["identity"]


@admin.register(ApiCredential)
class ApiCredentialAdmin(ReadOnlyAdmin):
    list_display = ["id", "identity", "expires_at", "last_used_at", "revoked_at"]
    list_select_related = ["identity"]
    exclude = ["secret_sha256"]


@admin.register(TokenIssuer)
class TokenIssuerAdmin(ReadOnlyAdmin):
    list_display = ["url", "name", "team", "source", "fetched_at", "removed_at"]
    list_select_related = ["team"]


@admin.register(WorkloadBinding)
class WorkloadBindingAdmin(ReadOnlyAdmin):
    list_display = ["id", "identity", "issuer", "valid_from", "revoked_at"]
    list_select_related = ["identity", "issuer"]


@admin.register(TokenExchange)
class TokenExchangeAdmin(ReadOnlyAdmin):
    list_display = ["credential", "binding", "subject", "exchanged_at"]
    list_select_related = ["credential", "binding"]


@admin.register(SignInEvent)
class SignInEventAdmin(ReadOnlyAdmin):
    list_display = ["happened_at", "username", "outcome", "address"]
    list_filter = ["outcome"]


@admin.register(Team, Project, Environment)
class PlaceAdmin(ReadOnlyAdmin):
    list_display = ["slug", "name"]
