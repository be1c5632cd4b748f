"""The JSON shapes of evidence in and verdicts out."""

from __future__ import annotations

from rest_framework import serializers

from attestations.models import Finding, Verdict, VerificationJob


class OutputReceipt(serializers.Serializer):
    """The answer to evidence sent: what it is called here, and where its verdict will stand."""

    id = serializers.CharField()
    digest = serializers.CharField(help_text="SHA-256 of the bytes as received, `sha256:<hex>`.")
    status = serializers.ChoiceField(choices=VerificationJob.State.choices)
    statusUrl = serializers.URLField()


class OutputSigner(serializers.Serializer):
    """The registered identity that signed."""

    id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    issuer = serializers.CharField()
    subject = serializers.CharField()


class OutputSubject(serializers.Serializer):
    """An artifact the attestation is about; `claimed` when nothing proves it."""

    name = serializers.CharField()
    digest = serializers.CharField(source="artifact_id")
    claimed = serializers.BooleanField()


class OutputFinding(serializers.Serializer):
    """One check's answer."""

    check = serializers.CharField(source="check_name")
    outcome = serializers.ChoiceField(choices=Finding.Outcome.choices)
    code = serializers.CharField()
    sentence = serializers.CharField()


class OutputAttestationWithVerdict(OutputReceipt):
    """An attestation and its newest verdict; `result` and what follows are null or empty while it is being verified."""

    format = serializers.CharField()
    receivedAt = serializers.DateTimeField()
    result = serializers.ChoiceField(choices=Verdict.Result.choices, allow_null=True)
    code = serializers.CharField(allow_null=True)
    sentence = serializers.CharField(allow_null=True)
    predicateType = serializers.CharField(allow_null=True)
    signer = OutputSigner(allow_null=True, help_text="null when nobody registered the signer.")
    subjects = OutputSubject(many=True)
    findings = OutputFinding(many=True)
    notChecked = serializers.ListField(child=serializers.CharField())
    verdictDigest = serializers.CharField(allow_null=True)
    verifiedAt = serializers.DateTimeField(allow_null=True)
