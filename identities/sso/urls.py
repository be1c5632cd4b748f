"""Addresses of sign-in by identity provider: those that the sign-in library has, each with a view that is strict. No others of it are opened."""

from __future__ import annotations

from django.urls import path

from identities.sso import views

# Named as the library names them, because it looks some of them up.
urlpatterns = [
    path("oidc/<slug:slug>/login/", views.begin, name="openid_connect_login"),
    path("oidc/<slug:slug>/login/callback/", views.oidc_callback, name="openid_connect_callback"),
    path("saml/<slug:slug>/login/", views.begin, name="saml_login"),
    path("saml/<slug:slug>/acs/", views.saml_acs, name="saml_acs"),
    path("saml/<slug:slug>/acs/finish/", views.saml_finish_acs, name="saml_finish_acs"),
    path("saml/<slug:slug>/metadata/", views.saml_metadata, name="saml_metadata"),
    path("again/", views.again, name="sign_in_again"),
]
