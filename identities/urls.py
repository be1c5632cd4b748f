"""Pages about who: one identity, one's own approval keys; and the door where a workload token becomes a credential."""

from __future__ import annotations

from django.urls import path

from identities import openapi as openapi
from identities import views
from identities.bulk import views as bulk_views
from identities.grants import views as grant_views
from identities.keys import views as key_views
from identities.lifecycle import rotate_views
from identities.lifecycle import views as change_views
from identities.oidc import views as oidc_views
from identities.review import views as review_views
from identities.sso.pages import views as sso_views
from identities.workload import api

app_name = "identities"
urlpatterns = [
    path("api/v1/token", api.TokenView.as_view(), name="token"),
    path("identities/import", bulk_views.import_file, name="import"),
    path("identities/export.<str:form>", bulk_views.export, name="export"),
    path("identities/<str:identity_id>", views.identity, name="identity"),
    path("identities/<str:identity_id>/grants/add", grant_views.grant_add, name="grant_add"),
    path("identities/<str:identity_id>/grants/<str:grant_id>/end", grant_views.grant_end, name="grant_end"),
    path("identities/<str:identity_id>/signers/<int:signer_id>/rotate", rotate_views.signer_rotate, name="signer_rotate"),
    path("identities/<str:identity_id>/recertify", review_views.recertify, name="recertify"),
    path("identities/<str:identity_id>/<str:change>", change_views.change, name="change"),
    path("sign-in/bound", oidc_views.bound, name="bound_sign_in"),
    path("settings/keys", key_views.keys, name="keys"),
    path("settings/keys/add", key_views.add_key, name="add_key"),
    path("settings/keys/<str:key_id>/revoke", key_views.revoke_key, name="revoke_key"),
    path("settings/sign-in-providers", sso_views.providers, name="sign_in_providers"),
    path("settings/sign-in-providers/add/<str:protocol>", sso_views.add, name="sign_in_provider_add"),
    path("settings/sign-in-providers/local", sso_views.local, name="local_sign_in"),
    path("settings/sign-in-providers/<slug:slug>", sso_views.provider, name="sign_in_provider"),
    path("settings/sign-in-providers/<slug:slug>/change", sso_views.change, name="sign_in_provider_change"),
    path("settings/sign-in-providers/<slug:slug>/remove", sso_views.remove, name="sign_in_provider_remove"),
    path("settings/sign-in-providers/<slug:slug>/groups", sso_views.groups, name="group_rules"),
    path("settings/sign-in-providers/<slug:slug>/groups/change", sso_views.groups_change, name="group_rules_change"),
]
