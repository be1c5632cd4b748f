"""The URLs of evidence: pages here, the API under /api/v1."""

from __future__ import annotations

from django.urls import path

from attestations import api, views
from attestations.trust import views as trust_views

app_name = "attestations"

urlpatterns = [
    path("attestations/<str:attestation_id>", views.attestation, name="attestation"),
    path("attestations/<str:attestation_id>/raw", views.raw, name="raw"),
    path("collections/new", views.collection_new, name="collection_new"),
    path("collections/<str:collection_id>", views.collection, name="collection"),
    path("trust", trust_views.trust, name="trust"),
    path("trust/propose", trust_views.trust_propose, name="trust_propose"),
    path("trust/roots/<str:digest>/remove", trust_views.trust_remove, name="trust_remove"),
    path("trust/proposals/<str:proposal_id>", trust_views.trust_proposal, name="trust_proposal"),
    path("trust/proposals/<str:proposal_id>/answer", trust_views.trust_answer, name="trust_answer"),
    path("api/v1/attestations", api.AttestationsView.as_view(), name="api_attestations"),
    path("api/v1/attestations/<str:attestation_id>", api.AttestationView.as_view(), name="api_attestation"),
    path("api/v1/collections", api.CollectionsView.as_view(), name="api_collections"),
    path("api/v1/collections/<str:collection_id>", api.CollectionView.as_view(), name="api_collection"),
]
