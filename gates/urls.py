"""The gate's URLs: pages here, the API under /api/v1."""

from __future__ import annotations

from django.urls import path

from gates import api, views

app_name = "gates"

urlpatterns = [
    path("gates/decisions", views.decisions, name="decisions"),
    path("api/v1/gate/decisions", api.DecisionsView.as_view(), name="api_decisions"),
    path("api/v1/requests/<str:request_id>/status", api.StatusView.as_view(), name="api_status"),
    path("api/v1/records/<str:digest>/status", api.RecordStatusView.as_view(), name="api_record_status"),
    path("api/v1/revocations", api.RevocationsView.as_view(), name="api_revocations"),
]
