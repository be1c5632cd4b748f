"""URLs of the pages that read across rooms."""

from __future__ import annotations

from django.urls import path

from reports import api, views
from reports.compromise import views as compromise_views

app_name = "reports"

urlpatterns = [
    path("artifacts", views.artifacts, name="artifacts"),
    path("artifacts/<str:digest>", views.artifact, name="artifact"),
    path("identities/<str:identity_id>/compromised", compromise_views.compromised, name="compromised"),
    path("requests/<str:request_id>/pack.zip", views.pack, name="pack"),
    path("api/v1/artifacts/<str:digest>/observations", api.ArtifactObservationsView.as_view(), name="api_artifact_observations"),
    path("api/v1/artifacts/<str:digest>", api.ArtifactView.as_view(), name="api_artifact"),
]
