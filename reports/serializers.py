"""The JSON shape of a passport."""

from __future__ import annotations

from rest_framework import serializers


class OutputQuestion(serializers.Serializer):
    """One of the four questions, its answer and the reasons."""

    question = serializers.CharField()
    answer = serializers.ChoiceField(choices=["yes", "no", "unknown"])
    words = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())


class OutputLink(serializers.Serializer):
    """One link of the chain from source to artifact."""

    kind = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField()
    words = serializers.CharField()


class OutputAttestation(serializers.Serializer):
    """One attestation about the artifact and its verdict."""

    id = serializers.CharField(source="attestation_id")
    result = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()
    predicateType = serializers.CharField(source="predicate_type")
    signer = serializers.SerializerMethodField()
    verdictDigest = serializers.CharField(source="document_id")
    verifiedAt = serializers.DateTimeField(source="verified_at")

    def get_signer(self, verdict: object) -> str:
        signer = getattr(verdict, "signer", None)
        return signer.name if signer else "unknown"


class OutputPassport(serializers.Serializer):
    """Everything the page of an artifact shows."""

    digest = serializers.CharField()
    known = serializers.BooleanField()
    name = serializers.CharField()
    questions = OutputQuestion(many=True)
    chain = OutputLink(many=True)
    attestations = OutputAttestation(many=True)
