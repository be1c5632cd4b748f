"""The URLs of the ledger, mounted by the shell: the ledger stands below the identities and cannot know who may come in."""

from __future__ import annotations

from django.urls import path

from identities.permissions import requires
from ledger import views

app_name = "ledger"

urlpatterns = [
    path("log", requires("ledger.read")(views.log), name="log"),
    path("log/checkpoint", views.checkpoint, name="checkpoint"),
]
