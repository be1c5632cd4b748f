"""The addresses of this room."""

from __future__ import annotations

from django.urls import path

from approvals import api, views
from approvals.editor import views as editor

app_name = "approvals"
urlpatterns = [
    path("queue", views.queue, name="queue"),
    path("requests/new", views.request_new, name="request_new"),
    path("requests/<str:request_id>", views.request_page, name="request"),
    path("requests/<str:request_id>/sign", views.sign, name="sign"),
    path("ceremonies/<str:ceremony_id>", views.ceremony, name="ceremony"),
    path("ceremonies/<str:ceremony_id>/complete", views.ceremony_complete, name="ceremony_complete"),
    path("ceremonies/<str:ceremony_id>/confirm", views.ceremony_confirm, name="ceremony_confirm"),
    path("approvals/bound/<str:bound_id>", views.bound, name="bound"),
    path("records/<str:digest>", views.record, name="record"),
    path("policies/new", editor.policy_new, name="policy_new"),
    path("policies/schema.json", editor.schema, name="policy_schema"),
    path("policies/<str:draft_id>/edit", editor.policy_edit, name="policy_edit"),
    path("policies/<str:draft_id>/store", editor.policy_store, name="policy_store"),
    path("policies/<str:draft_id>/dry-run", editor.dry_run_new, name="dry_run_new"),
    path("dry-runs/<str:run_id>", editor.dry_run, name="dry_run"),
    path("dry-runs/<str:run_id>/cancel", editor.dry_run_cancel, name="dry_run_cancel"),
    path("policies/<str:digest>", views.policy, name="policy"),
    path("api/v1/observations", api.ObservationsView.as_view(), name="api_observations"),
    path("api/v1/requests", api.RequestsView.as_view(), name="api_requests"),
    path("api/v1/requests/<str:request_id>", api.RequestView.as_view(), name="api_request"),
    path("api/v1/requests/<str:request_id>/approvals", api.ApprovalsView.as_view(), name="api_approvals"),
]
