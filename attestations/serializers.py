"""The JSON shapes of evidence in and verdicts out."""

from __future__ import annotations

from rest_framework import serializers

from attestations.collection.follow import REFUSED
from attestations.collection.receive import KNOWN, NEW
from attestations.models import Finding, Verdict, VerificationJob
from proofs.collection.read import KINDS


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


class OutputEarlierVerdict(serializers.Serializer):
    """One verdict in the history of an attestation, and why it was given."""

    number = serializers.IntegerField()
    result = serializers.ChoiceField(choices=Verdict.Result.choices)
    code = serializers.CharField()
    sentence = serializers.CharField(source="reason")
    because = serializers.CharField(allow_blank=True, help_text="What had changed; empty for the first.")
    verifier = serializers.CharField(allow_blank=True, help_text="Version of the verifier.")
    verdictDigest = serializers.SerializerMethodField(help_text="SHA-256 of the verdict document, `sha256:<hex>`.")
    verifiedAt = serializers.DateTimeField(source="verified_at")

    def get_verdictDigest(self, verdict: Verdict) -> str:  # noqa: N802  # the library finds it by the name of the field
        return f"sha256:{verdict.document_id}"


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
    verdicts = OutputEarlierVerdict(many=True, help_text="All verdicts, the newest first, at most 50.")


class OutputItemAnswer(serializers.Serializer):
    """The answer to one item of a collection: an attestation, or why it was refused."""

    position = serializers.IntegerField(help_text="Place in the file, from 1.")
    name = serializers.CharField()
    unsignedLabel = serializers.CharField(allow_blank=True, help_text="What the file says the item is. Nobody signed this.")
    answer = serializers.ChoiceField(choices=[NEW, KNOWN, REFUSED])
    id = serializers.CharField(allow_null=True)
    digest = serializers.CharField(allow_null=True, help_text="SHA-256 of the item's bytes as they stand in the file, `sha256:<hex>`.")
    statusUrl = serializers.URLField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    sentence = serializers.CharField(allow_null=True)


class OutputCollection(serializers.Serializer):
    """A file of several pieces of evidence, as it was received."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    digest = serializers.CharField(help_text="SHA-256 of the whole file, which is not kept.")
    statusUrl = serializers.URLField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="How many items stand where.")


class OutputCollectionReceipt(OutputCollection):
    """The answer to a collection sent: `counts` by answer, and one answer for each item."""

    items = OutputItemAnswer(many=True)


class OutputItemState(serializers.Serializer):
    """Where one item of a collection stands. `state` is `refused`, `waiting`, `claimed`, or the result of the newest verdict."""

    position = serializers.IntegerField()
    name = serializers.CharField()
    unsignedLabel = serializers.CharField(allow_blank=True, help_text="What the file says the item is. Nobody signed this.")
    isMislabelled = serializers.BooleanField(help_text="Whether the file calls it something else than what was signed.")
    state = serializers.CharField()
    id = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    sentence = serializers.CharField(allow_null=True)
    predicateType = serializers.CharField(allow_null=True, help_text="What the verified statement says it is.")


class OutputSetAnswer(serializers.Serializer):
    """Whether npm's attestations of a package version hold together."""

    result = serializers.ChoiceField(choices=["verified", "rejected"])
    code = serializers.CharField()
    sentence = serializers.CharField()


class OutputCollectionProgress(OutputCollection):
    """A collection and where each item stands; `counts` by state, `open` while a verdict is missing."""

    open = serializers.BooleanField()
    unanswered = serializers.IntegerField(help_text="Items that were not reached because the sending was cut off. Send the file again.")
    items = OutputItemState(many=True)
    asSet = OutputSetAnswer(
        allow_null=True, help_text="For npm's answer about a package version, once every item has its verdict; else null."
    )
