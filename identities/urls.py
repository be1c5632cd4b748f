"""Pages about who: the register, one identity, one's own approval keys."""

from __future__ import annotations

from django.urls import path

from identities import openapi as openapi
from identities import views

app_name = "identities"
urlpatterns = [
    path("identities", views.register, name="list"),
    path("identities/<str:identity_id>", views.identity, name="identity"),
    path("settings/keys", views.keys, name="keys"),
    path("settings/keys/add", views.add_key, name="add_key"),
    path("settings/keys/<str:key_id>/revoke", views.revoke_key, name="revoke_key"),
]
