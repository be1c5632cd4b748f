"""The addresses of this room."""

from __future__ import annotations

from django.urls import path

from approvals import api, views
from approvals.attention import views as attention_views
from approvals.conversation import api as conversation_api
from approvals.conversation import views as conversation_views

app_name = "approvals"
urlpatterns = [
    path("queue", views.queue, name="queue"),
    path("requests/new", views.request_new, name="request_new"),
    path("requests/<str:request_id>", views.request_page, name="request"),
    path("requests/<str:request_id>/sign", views.sign, name="sign"),
    path("requests/<str:request_id>/comments", conversation_views.comment, name="comment"),
    path("requests/<str:request_id>/comments/<str:comment_id>/withdraw", conversation_views.comment_withdraw, name="comment_withdraw"),
    path("requests/<str:request_id>/leave", attention_views.leave, name="leave"),
    path("ceremonies/<str:ceremony_id>", views.ceremony, name="ceremony"),
    path("ceremonies/<str:ceremony_id>/complete", views.ceremony_complete, name="ceremony_complete"),
    path("ceremonies/<str:ceremony_id>/confirm", views.ceremony_confirm, name="ceremony_confirm"),
    path("approvals/bound/<str:bound_id>", views.bound, name="bound"),
    path("records/<str:digest>", views.record, name="record"),
    path("policies/<str:digest>", views.policy, name="policy"),
    path("api/v1/observations", api.ObservationsView.as_view(), name="api_observations"),
    path("api/v1/requests", api.RequestsView.as_view(), name="api_requests"),
    path("api/v1/requests/<str:request_id>", api.RequestView.as_view(), name="api_request"),
    path("api/v1/requests/<str:request_id>/approvals", api.ApprovalsView.as_view(), name="api_approvals"),
    path("api/v1/requests/<str:request_id>/comments", conversation_api.CommentsView.as_view(), name="api_comments"),
]
