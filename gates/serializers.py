"""What the gate's API reads and writes."""

from __future__ import annotations

from rest_framework import serializers


class InputDecision(serializers.Serializer):
    """The question: a digest and the environment's slug."""

    digest = serializers.CharField(max_length=140, help_text="The artifact's digest, for example sha256:… ; a tag is never accepted.")
    environment = serializers.CharField(max_length=64, help_text="The slug of the environment.")
    project = serializers.CharField(
        max_length=64,
        required=False,
        allow_blank=True,
        default="",
        help_text="The slug of the project; needed where several projects go to the environment.",
    )
    purpose = serializers.ChoiceField(
        choices=["promote", "run"],
        required=False,
        default="promote",
        help_text="promote: a promotion begins. run: what was promoted there before starts again, for example a pod that is moved.",
    )


class OutputReason(serializers.Serializer):
    """One reason of a deny, or of the deny it would have been without broken glass."""

    code = serializers.CharField(help_text="Stable and dotted, for example approval.missing.")
    sentence = serializers.CharField()
    request = serializers.CharField(allow_null=True)


class OutputDecision(serializers.Serializer):
    """The answer, as it stands in the ledger."""

    id = serializers.CharField()
    decision = serializers.ChoiceField(
        choices=["allow", "deny", "break_glass"],
        help_text="break_glass: denied by the policy, and let through because somebody broke the glass.",
    )
    reasons = OutputReason(many=True)
    enforced = serializers.BooleanField(help_text="False where the policy in force is not enforced yet, and this would have been a deny.")
    would = OutputReason(many=True, help_text="The reasons of the deny it would have been.")
    breakGlass = serializers.CharField(allow_null=True, help_text="SHA-256 of the statement with which the glass was broken.")
    purpose = serializers.ChoiceField(choices=["promote", "run"])
    validUntil = serializers.DateTimeField(
        allow_null=True,
        help_text="Until when time alone does not turn an allow into a deny; null for a deny. Other things may at any time.",
    )
    digest = serializers.CharField()
    environment = serializers.CharField()
    request = serializers.CharField(allow_null=True)
    requestUrl = serializers.CharField(allow_null=True)
    ledgerIndex = serializers.IntegerField()
    decidedAt = serializers.DateTimeField()


class OutputStatusEnvelope(serializers.Serializer):
    """A DSSE envelope, signed by the portal's recorder key."""

    payload = serializers.CharField(help_text="Base64 of the in-toto statement.")
    payloadType = serializers.CharField()
    signatures = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
