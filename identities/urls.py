"""Pages about who: one identity, one's own approval keys; and the door where a workload token becomes a credential."""

from __future__ import annotations

from django.urls import path

from identities import openapi as openapi
from identities import views
from identities.audit import views as audit_views
from identities.bulk import views as bulk_views
from identities.grants import views as grant_views
from identities.keys import api as key_api
from identities.keys import views as key_views
from identities.lifecycle import rotate_views
from identities.lifecycle import views as change_views
from identities.oidc import views as oidc_views
from identities.people import api as people_api
from identities.people import views as people_views
from identities.people.accounts import views as account_views
from identities.people.recovery import views as recovery_views
from identities.preferences import views as preference_views
from identities.review import views as review_views
from identities.scim import views as scim_views
from identities.scim.urls import urlpatterns as scim_patterns
from identities.sso.pages import views as sso_views
from identities.workload import api

app_name = "identities"
urlpatterns = [
    *scim_patterns,
    path("api/v1/token", api.TokenView.as_view(), name="token"),
    path("identities/import", bulk_views.import_file, name="import"),
    path("identities/export.<str:form>", bulk_views.export, name="export"),
    path("identities/<str:identity_id>", views.identity, name="identity"),
    path("identities/<str:identity_id>/grants/add", grant_views.grant_add, name="grant_add"),
    path("identities/<str:identity_id>/grants/<str:grant_id>/end", grant_views.grant_end, name="grant_end"),
    path("identities/<str:identity_id>/signers/<int:signer_id>/rotate", rotate_views.signer_rotate, name="signer_rotate"),
    path("identities/<str:identity_id>/accounts/add", account_views.account_add, name="account_add"),
    path("identities/<str:identity_id>/accounts/<str:account_id>/end", account_views.account_end, name="account_end"),
    path("identities/<str:identity_id>/recertify", review_views.recertify, name="recertify"),
    path("identities/<str:identity_id>/<str:change>", change_views.change, name="change"),
    path("settings", preference_views.overview, name="settings"),
    path("settings/appearance", preference_views.appearance, name="appearance"),
    path("settings/notifications", preference_views.notifications, name="notifications"),
    path("settings/away", preference_views.away, name="away"),
    path("settings/sessions", preference_views.sessions, name="sessions"),
    path("settings/sessions/end", preference_views.sessions_end, name="sessions_end"),
    path("settings/sessions/<int:session_id>/end", preference_views.session_end, name="session_end"),
    path("settings/accounts", account_views.own_accounts, name="own_accounts"),
    path("settings/activity", audit_views.activity, name="activity"),
    path("audit", audit_views.audit, name="audit"),
    path("audit/export.csv", audit_views.audit_export, name="audit_export"),
    path("sign-in/bound", oidc_views.bound, name="bound_sign_in"),
    path("people", people_views.people, name="people"),
    path("people/add", people_views.person_add, name="person_add"),
    path("people/<str:identity_id>/roles", people_views.roles, name="roles"),
    path("people/<str:identity_id>/roles/add", people_views.role_add, name="role_add"),
    path("people/<str:identity_id>/roles/<int:role_id>/end", people_views.role_end, name="role_end"),
    path("people/<str:identity_id>/<str:change>", people_views.person_change, name="person_change"),
    path("may", people_views.may_page, name="may"),
    path("api/v1/may", people_api.MayView.as_view(), name="api_may"),
    path("settings/keys", key_views.keys, name="keys"),
    path("settings/keys/add", key_views.add_key, name="add_key"),
    path("settings/keys/add/introduce", key_views.introduce_key, name="introduce_key"),
    path("settings/keys/add/confirm", key_views.confirm_key, name="confirm_key"),
    path("settings/keys/bound/<str:bound_id>", key_views.bound_key, name="bound_key"),
    path("settings/keys/recovery", recovery_views.recovery, name="recovery"),
    path("settings/keys/recovery/end", recovery_views.recovery_end, name="recovery_end"),
    path("settings/keys/<str:key_id>/rename", key_views.rename_key, name="rename_key"),
    path("settings/keys/<str:key_id>/revoke", key_views.revoke_key, name="revoke_key"),
    path("officers/recoveries", recovery_views.recoveries, name="recoveries"),
    path("officers/recoveries/<str:recovery_id>", recovery_views.recovery_answer, name="recovery_answer"),
    path("api/v1/signers", key_api.SignersView.as_view(), name="api_signers"),
    path("api/v1/signers/me/log", key_api.MyKeyLogView.as_view(), name="api_my_key_log"),
    path("signers/allowed_signers", key_api.AllowedSignersView.as_view(), name="allowed_signers"),
    path("signers/revoked.krl", key_api.RevokedView.as_view(), name="revoked_signers"),
    path("settings/sign-in-providers", sso_views.providers, name="sign_in_providers"),
    path("settings/sign-in-providers/add/<str:protocol>", sso_views.add, name="sign_in_provider_add"),
    path("settings/sign-in-providers/local", sso_views.local, name="local_sign_in"),
    path("settings/sign-in-providers/<slug:slug>", sso_views.provider, name="sign_in_provider"),
    path("settings/sign-in-providers/<slug:slug>/change", sso_views.change, name="sign_in_provider_change"),
    path("settings/sign-in-providers/<slug:slug>/provisioning", scim_views.provisioning, name="provisioning"),
    path(
        "settings/sign-in-providers/<slug:slug>/provisioning/<str:token_id>/revoke",
        scim_views.revoke_token,
        name="revoke_provisioning_token",
    ),
    path("settings/sign-in-providers/<slug:slug>/remove", sso_views.remove, name="sign_in_provider_remove"),
    path("settings/sign-in-providers/<slug:slug>/groups", sso_views.groups, name="group_rules"),
    path("settings/sign-in-providers/<slug:slug>/groups/change", sso_views.groups_change, name="group_rules_change"),
]
