"""What the API of requests reads and writes."""

from __future__ import annotations

from rest_framework import serializers

from approvals.models import Approval, RequestState
from approvals.open_request import MAX_ARTIFACTS, MAX_NAME, MAX_NOTE, MAX_TITLE


class InputArtifact(serializers.Serializer):
    """An artifact by its digest."""

    digest = serializers.CharField(max_length=140, help_text="For example sha256:… ; a tag is never accepted.")
    name = serializers.CharField(max_length=MAX_NAME, required=False, allow_blank=True, default="")


class InputRequest(serializers.Serializer):
    """The question: may these artifacts go to this environment?"""

    project = serializers.SlugField(max_length=64)
    environment = serializers.SlugField(max_length=64)
    title = serializers.CharField(max_length=MAX_TITLE)
    artifacts = serializers.ListField(child=InputArtifact(), allow_empty=False, max_length=MAX_ARTIFACTS)
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")
    onBehalfOf = serializers.CharField(
        max_length=150,
        required=False,
        allow_null=True,
        default=None,
        help_text="Username of the person the program asks for; without it, the person who answers for the program.",
    )


class OutputRule(serializers.Serializer):
    """One rule of the policy and how it stands."""

    id = serializers.CharField()
    title = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["pass", "fail", "awaiting"])
    code = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()


class OutputAnswer(serializers.Serializer):
    """One person's signed answer."""

    by = serializers.CharField(help_text="The person's name, a label.")
    issuer = serializers.CharField()
    subject = serializers.CharField()
    decision = serializers.ChoiceField(choices=Approval.Decision.choices)
    level = serializers.CharField(help_text="How sure it is that this person signed, H0 to H4, computed by the portal.")
    signedAt = serializers.DateTimeField()
    notAfter = serializers.DateTimeField()
    record = serializers.CharField(help_text="SHA-256 of the record's payload.")
    ledgerIndex = serializers.IntegerField()


class OutputRequest(serializers.Serializer):
    """A request and where it stands."""

    id = serializers.CharField()
    url = serializers.CharField()
    title = serializers.CharField()
    project = serializers.CharField()
    environment = serializers.CharField()
    status = serializers.ChoiceField(choices=RequestState.Status.choices)
    revision = serializers.IntegerField()
    snapshot = serializers.CharField(help_text="SHA-256 of the frozen snapshot the review page is drawn from.")
    policy = serializers.CharField(help_text="SHA-256 of the policy document.")
    result = serializers.ChoiceField(choices=["pass", "fail"])
    artifacts = InputArtifact(many=True)
    rules = OutputRule(many=True)
    approvals = OutputAnswer(many=True)
    approvalsRequired = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it is not approved, in sentences; empty once it is.")
    openedAt = serializers.DateTimeField()
