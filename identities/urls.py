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
from identities.people import api as people_api
from identities.people import views as people_views
from identities.review import views as review_views
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
    path("people", people_views.people, name="people"),
    path("people/add", people_views.person_add, name="person_add"),
    path("people/<str:identity_id>/roles", people_views.roles, name="roles"),
    path("people/<str:identity_id>/roles/add", people_views.role_add, name="role_add"),
    path("people/<str:identity_id>/roles/<int:role_id>/end", people_views.role_end, name="role_end"),
    path("may", people_views.may_page, name="may"),
    path("api/v1/may", people_api.MayView.as_view(), name="api_may"),
    path("settings/keys", key_views.keys, name="keys"),
    path("settings/keys/add", key_views.add_key, name="add_key"),
    path("settings/keys/<str:key_id>/revoke", key_views.revoke_key, name="revoke_key"),
]
