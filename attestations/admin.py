"""Evidence, verdicts and trust roots in the Django admin: to look at, never to change."""

from __future__ import annotations

from django.contrib import admin

from attestations.models import (
    Artifact,
    Attestation,
    Collection,
    Observation,
    TrustAnswer,
    TrustProposal,
    TrustRoot,
    Verdict,
    VerificationJob,
)
from ledger.admin import ReadOnlyAdmin


@admin.register(Attestation)
class AttestationAdmin(ReadOnlyAdmin):
    list_display = ["id", "format", "received_at"]
    list_filter = ["format"]


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "name", "item_count", "identity", "received_at"]
    list_filter = ["kind"]
    list_select_related = ["identity"]


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdmin):
    list_display = ["id", "place", "reference", "digest", "identity", "observed_at", "received_at"]
    list_filter = ["place__kind"]
    list_select_related = ["place", "identity"]


@admin.register(VerificationJob)
class VerificationJobAdmin(ReadOnlyAdmin):
    list_display = ["attestation_id", "state", "attempts", "next_try_at", "lease_until", "last_error"]
    list_filter = ["state"]


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    list_display = ["attestation_id", "number", "result", "code", "signer", "verified_at"]
    list_filter = ["result", "code"]
    list_select_related = ["signer"]


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    list_display = ["digest", "name", "first_seen_at"]


@admin.register(TrustRoot)
class TrustRootAdmin(ReadOnlyAdmin):
    list_display = ["name", "digest", "added_at", "removed_at"]


@admin.register(TrustProposal)
class TrustProposalAdmin(ReadOnlyAdmin):
    list_display = ["id", "change", "name", "document_id", "proposed_by", "proposed_at", "lapses_at"]
    list_select_related = ["proposed_by"]


@admin.register(TrustAnswer)
class TrustAnswerAdmin(ReadOnlyAdmin):
    list_display = ["proposal_id", "word", "by", "answered_at"]
    list_select_related = ["by"]
