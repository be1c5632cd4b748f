"""The JSON shapes of a passport and of what was observed."""

from __future__ import annotations

from rest_framework import serializers

from approvals.models import PathFinding
from attestations.models import Place


class OutputCited(serializers.Serializer):
    """One piece of evidence that an answer rests on or is about."""

    id = serializers.CharField()
    words = serializers.CharField()


class OutputQuestion(serializers.Serializer):
    """One of the four questions: the check that answers it, its answer, the reasons, the evidence and what was not looked at."""

    question = serializers.CharField()
    check = serializers.CharField()
    code = serializers.CharField()
    answer = serializers.ChoiceField(choices=["yes", "no", "unknown"])
    tone = serializers.ChoiceField(choices=["ok", "bad", "unknown"], help_text="Whether that answer is good.")
    words = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    evidence = OutputCited(many=True)
    notLookedAt = serializers.ListField(source="not_looked_at", child=serializers.CharField())


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


class OutputClause(serializers.Serializer):
    """One clause of the sentence on top: its words, whether that is good, and a moment to say after it."""

    words = serializers.CharField()
    tone = serializers.ChoiceField(choices=["ok", "warn", "bad", "unknown", "glass"])
    at = serializers.DateTimeField(allow_null=True)


class OutputTarget(serializers.Serializer):
    """One project and environment it was asked for: the request that counts there, how it stands, and whoever approves."""

    project = serializers.CharField(source="request.project.slug")
    environment = serializers.CharField(source="request.environment.slug")
    request = serializers.CharField(source="request.pk")
    status = serializers.CharField(source="request.state.status")
    state = serializers.CharField()
    approvedBy = serializers.ListField(source="people", child=serializers.CharField())


class OutputGateReason(serializers.Serializer):
    """Why a gate stays shut."""

    code = serializers.CharField()
    sentence = serializers.CharField()


class OutputGate(serializers.Serializer):
    """What the gate of one project and environment says now."""

    target = serializers.CharField()
    opens = serializers.BooleanField()
    reasons = OutputGateReason(source="gate", many=True)


class OutputPassport(serializers.Serializer):
    """Everything the page of an artifact shows."""

    digest = serializers.CharField()
    known = serializers.BooleanField()
    name = serializers.CharField()
    sentence = OutputClause(many=True)
    questions = OutputQuestion(many=True)
    chain = OutputLink(many=True)
    environments = OutputTarget(many=True)
    gates = OutputGate(many=True)
    attestations = OutputAttestation(many=True)


class OutputPlaceNow(serializers.Serializer):
    """A place as it stands now; `isStale` when nobody has looked lately."""

    kind = serializers.ChoiceField(source="now.place.kind", choices=Place.Kind.choices)
    location = serializers.CharField(source="now.place.location")
    reference = serializers.CharField(source="now.observation.reference", allow_blank=True)
    environment = serializers.CharField(source="now.place.environment.slug", default=None, allow_null=True)
    digest = serializers.CharField(source="now.observation.digest", help_text="What was seen there last.")
    observedAt = serializers.DateTimeField(source="now.observation.observed_at")
    observer = serializers.CharField(source="now.observation.identity.name")
    owner = serializers.CharField(source="now.observation.identity.owner.name", default=None, allow_null=True)
    code = serializers.CharField(source="now.check.code")
    outcome = serializers.ChoiceField(source="now.check.outcome", choices=PathFinding.Outcome.choices)
    sentence = serializers.CharField(source="now.check.sentence")
    expected = serializers.CharField(source="now.check.expected.digest", default=None, allow_null=True)
    isStale = serializers.BooleanField(source="is_stale")
    notLookedAt = serializers.ListField(source="now.check.not_looked_at", child=serializers.CharField())


class OutputFound(serializers.Serializer):
    """What a check made of an observation when it came in."""

    code = serializers.CharField()
    outcome = serializers.ChoiceField(choices=PathFinding.Outcome.choices)
    sentence = serializers.CharField()


class OutputObservation(serializers.Serializer):
    """One observation, as it was told."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(source="place.kind", choices=Place.Kind.choices)
    location = serializers.CharField(source="place.location")
    reference = serializers.CharField(allow_blank=True)
    environment = serializers.CharField(source="place.environment.slug", default=None, allow_null=True)
    digest = serializers.CharField()
    observedAt = serializers.DateTimeField(source="observed_at")
    receivedAt = serializers.DateTimeField(source="received_at")
    observer = serializers.CharField(source="identity.name")
    owner = serializers.CharField(source="identity.owner.name", default=None, allow_null=True)
    findings = OutputFound(many=True)


class OutputObserved(serializers.Serializer):
    """Whether the path was intact, every place, and the newest observations."""

    digest = serializers.CharField()
    answer = serializers.ChoiceField(choices=["yes", "no", "unknown"])
    code = serializers.CharField()
    sentence = serializers.CharField()
    places = OutputPlaceNow(many=True)
    observations = OutputObservation(many=True)
