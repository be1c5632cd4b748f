"""URLs of the pages that read across rooms."""

from __future__ import annotations

from django.urls import path

from reports import api, views
from reports.compromise import views as compromise_views
from reports.identity_use import api as use_api
from reports.identity_use import views as use_views
from reports.keys import views as key_views
from reports.passport import views as passport_views
from reports.search import views as search_views
from reports.signers import views as signer_views

app_name = "reports"

urlpatterns = [
    path("search", search_views.search_all, name="search"),
    path("packages", search_views.holding, name="holding"),
    path("artifacts", views.artifacts, name="artifacts"),
    path("artifacts/<str:digest>", passport_views.artifact, name="artifact"),
    path("artifacts/<str:digest>/now", passport_views.artifact_now, name="artifact_now"),
    path("artifacts/<str:digest>/contents", passport_views.artifact_contents, name="artifact_contents"),
    path("artifacts/<str:digest>/compare", passport_views.artifact_compare, name="artifact_compare"),
    path("signers/unknown", signer_views.signers_unknown, name="signers_unknown"),
    path("signers/adopt", signer_views.signer_adopt, name="signer_adopt"),
    path("signers/block", signer_views.signer_block, name="signer_block"),
    path("signers/blocks/<str:block_id>/lift", signer_views.block_lift, name="block_lift"),
    path("identities/<str:identity_id>/compromised", compromise_views.compromised, name="compromised"),
    path("identities/<str:identity_id>/use", use_views.identity_use, name="identity_use"),
    path("settings/keys/<str:key_id>/signatures", key_views.key_signatures, name="key_signatures"),
    path("requests/<str:request_id>/pack.zip", views.pack, name="pack"),
    path("api/v1/artifacts/<str:digest>/observations", api.ArtifactObservationsView.as_view(), name="api_artifact_observations"),
    path("api/v1/identities/<str:identity_id>/use", use_api.IdentityUseView.as_view(), name="api_identity_use"),
    path("api/v1/artifacts/<str:digest>", api.ArtifactView.as_view(), name="api_artifact"),
]
