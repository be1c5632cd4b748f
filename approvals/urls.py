"""The addresses of this room."""

from __future__ import annotations

from django.urls import path

from approvals import api, views
from approvals.attention import views as attention_views
from approvals.beside import views as beside
from approvals.changes import views as changes
from approvals.changes.expectations import views as expectations
from approvals.conversation import api as conversation_api
from approvals.conversation import views as conversation_views
from approvals.desk import views as desk
from approvals.editor import views as editor
from approvals.exceptions import views as waivers
from approvals.pages.delegations import views as delegations
from approvals.pages.emergency import views as emergency
from approvals.pages.statements import views as statements
from approvals.reading import views as reading

app_name = "approvals"
urlpatterns = [
    path("queue", desk.queue, name="queue"),
    path("queue/new", desk.queue_new, name="queue_new"),
    path("queue/beside/<str:request_id>", desk.queue_beside, name="queue_beside"),
    path("queue/export.csv", desk.queue_export, name="queue_export"),
    path("queue/snooze", desk.queue_snooze, name="queue_snooze"),
    path("queue/unsnooze", desk.queue_unsnooze, name="queue_unsnooze"),
    path("queue/withdraw", desk.queue_withdraw, name="queue_withdraw"),
    path("queue/comment", desk.queue_comment, name="queue_comment"),
    path("queue/v", desk.queue_view_keep, name="queue_view_keep"),
    path("queue/v/<slug:slug>", desk.queue_view, name="queue_view"),
    path("queue/v/<slug:slug>/delete", desk.queue_view_drop, name="queue_view_drop"),
    path("requests/new", views.request_new, name="request_new"),
    path("requests/<str:request_id>", views.request_page, name="request"),
    path("requests/<str:request_id>/compare", beside.beside, name="beside"),
    path("requests/<str:request_id>/changes", beside.changes, name="changes"),
    path("requests/<str:request_id>/live", views.request_live, name="request_live"),
    path("requests/<str:request_id>/reading", reading.reading, name="reading"),
    path("settings/reviews", reading.own_readings, name="own_readings"),
    path("reviews/indicators", reading.indicators, name="indicators"),
    path("requests/<str:request_id>/review.txt", views.review_text, name="review_text"),
    path("requests/<str:request_id>/now", views.request_now, name="request_now"),
    path("requests/<str:request_id>/outcome.jsonl", views.outcome, name="outcome"),
    path("requests/<str:request_id>/sign", views.sign, name="sign"),
    path("requests/<str:request_id>/comments", conversation_views.comment, name="comment"),
    path("requests/<str:request_id>/comments/<str:comment_id>/withdraw", conversation_views.comment_withdraw, name="comment_withdraw"),
    path("requests/<str:request_id>/leave", attention_views.leave, name="leave"),
    path("requests/<str:request_id>/withdraw", views.withdraw, name="withdraw"),
    path("requests/<str:request_id>/submit", views.submit, name="submit"),
    path("requests/<str:request_id>/answer-changes", views.answer, name="answer_changes"),
    path("ceremonies/<str:ceremony_id>", views.ceremony, name="ceremony"),
    path("ceremonies/<str:ceremony_id>/complete", views.ceremony_complete, name="ceremony_complete"),
    path("ceremonies/<str:ceremony_id>/confirm", views.ceremony_confirm, name="ceremony_confirm"),
    path("approvals/bound/<str:bound_id>", views.bound, name="bound"),
    path("approvals/<str:approval_id>/revoke", statements.revoke, name="revoke"),
    path("statements/<str:statement_id>", statements.statement, name="statement"),
    path("statements/<str:statement_id>/complete", statements.statement_complete, name="statement_complete"),
    path("records/<str:digest>", views.record, name="record"),
    path("policies/new", editor.policy_new, name="policy_new"),
    path("policies/schema.json", editor.schema, name="policy_schema"),
    path("policies/<str:draft_id>/edit", editor.policy_edit, name="policy_edit"),
    path("policies/<str:draft_id>/store", editor.policy_store, name="policy_store"),
    path("policies/<str:draft_id>/dry-run", editor.dry_run_new, name="dry_run_new"),
    path("dry-runs/<str:run_id>", editor.dry_run, name="dry_run"),
    path("dry-runs/<str:run_id>/cancel", editor.dry_run_cancel, name="dry_run_cancel"),
    path("policies", changes.policies, name="policies"),
    path("policies/expectations/<str:digest>", expectations.expectations, name="expectations"),
    path("policies/expectations/<str:project_id>/propose", expectations.expectations_propose, name="expectations_propose"),
    path("policies/<str:digest>", views.policy, name="policy"),
    path("policies/<str:digest>/propose", changes.policy_propose, name="policy_propose"),
    path("break-glass", emergency.break_glasses, name="break_glasses"),
    path("break-glass/new/<str:digest>", emergency.break_glass_new, name="break_glass_new"),
    path("break-glass/<str:glass_id>/withdraw", emergency.break_glass_end, name="break_glass_end"),
    path("delegations", delegations.delegations, name="delegations"),
    path("delegations/new", delegations.delegation_new, name="delegation_new"),
    path("delegations/<str:delegation_id>/end", delegations.delegation_end, name="delegation_end"),
    path("exceptions", waivers.exceptions, name="exceptions"),
    path("exceptions/<str:digest>/withdraw", waivers.exception_end, name="exception_end"),
    path("requests/<str:request_id>/exception", waivers.exception_ask, name="exception_ask"),
    path("api/v1/observations", api.ObservationsView.as_view(), name="api_observations"),
    path("api/v1/requests", api.RequestsView.as_view(), name="api_requests"),
    path("api/v1/requests/<str:request_id>", api.RequestView.as_view(), name="api_request"),
    path("api/v1/requests/<str:request_id>/withdrawal", api.WithdrawalView.as_view(), name="api_withdrawal"),
    path("api/v1/requests/<str:request_id>/submission", api.SubmissionView.as_view(), name="api_submission"),
    path("api/v1/requests/<str:request_id>/changes", api.ChangesView.as_view(), name="api_changes"),
    path("api/v1/requests/<str:request_id>/execution", api.ExecutionView.as_view(), name="api_execution"),
    path("api/v1/requests/<str:request_id>/approvals", api.ApprovalsView.as_view(), name="api_approvals"),
    path("api/v1/requests/<str:request_id>/comments", conversation_api.CommentsView.as_view(), name="api_comments"),
    path("api/v1/requests/<str:request_id>/outcome", api.OutcomeView.as_view(), name="api_outcome"),
]
