"""Addresses of `/scim/v2`, as RFC 7644 section 3.2 spells them."""

from __future__ import annotations

from django.urls import path

from identities.scim import api

urlpatterns = [
    path("scim/v2/ServiceProviderConfig", api.ServiceView.as_view(), name="scim_service"),
    path("scim/v2/ResourceTypes", api.TypesView.as_view(), name="scim_types"),
    path("scim/v2/ResourceTypes/<str:key>", api.TypesView.as_view(), name="scim_type"),
    path("scim/v2/Schemas", api.SchemasView.as_view(), name="scim_schemas"),
    path("scim/v2/Schemas/<str:key>", api.SchemasView.as_view(), name="scim_schema"),
    path("scim/v2/Users", api.UsersView.as_view(), name="scim_users"),
    path("scim/v2/Users/<str:key>", api.UserView.as_view(), name="scim_user"),
    path("scim/v2/Groups", api.GroupsView.as_view(), name="scim_groups"),
    path("scim/v2/Groups/<str:key>", api.GroupView.as_view(), name="scim_group"),
    path("scim/v2/<path:rest>", api.NothingView.as_view(), name="scim_nothing"),
]
