"""The JSON form of how an identity used its rights in a window."""

from __future__ import annotations

from rest_framework import serializers

from reports.identity_use.answer import AS_EXPECTED, CANNOT_TELL, MISUSED, OVERPRIVILEGED
from reports.identity_use.compare import NOT_GRANTED, UNKNOWN, UNUSED, USED
from reports.identity_use.use import FAIL, INDETERMINATE, NOT_APPLICABLE, PASS, REVIEW

WORDS = [MISUSED, OVERPRIVILEGED, AS_EXPECTED, CANNOT_TELL]


class OutputUseRecord(serializers.Serializer):
    """A record behind a word: what it is, its id, the page that shows it, and what it says here."""

    kind = serializers.CharField()
    id = serializers.CharField()
    url = serializers.CharField(help_text="The page, from the portal's own address on.")
    at = serializers.DateTimeField(allow_null=True)
    words = serializers.CharField()


class OutputUseWord(serializers.Serializer):
    """One word of the answer, and the one finding that makes it so."""

    word = serializers.ChoiceField(choices=WORDS)
    code = serializers.CharField(allow_blank=True, help_text="The finding's code; empty where the lack of records makes it so.")
    sentence = serializers.CharField()
    records = OutputUseRecord(many=True)


class OutputUseFinding(serializers.Serializer):
    """One check's answer, and what it did not look at."""

    code = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[PASS, FAIL, REVIEW, NOT_APPLICABLE, INDETERMINATE])
    sentence = serializers.CharField()
    records = OutputUseRecord(many=True)
    notLookedAt = serializers.ListField(source="not_looked_at", child=serializers.CharField())


class OutputUseRow(serializers.Serializer):
    """A right beside its use, or a kind of deed that no right covered (`not_granted`)."""

    right = serializers.CharField()
    object = serializers.CharField()
    project = serializers.CharField(allow_blank=True)
    environment = serializers.CharField(allow_blank=True)
    heldBy = serializers.CharField(
        source="source", allow_blank=True, help_text="grant, credential or binding; empty where it was not granted."
    )
    granted = OutputUseRecord(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(choices=[USED, UNUSED, UNKNOWN, NOT_GRANTED])
    deeds = serializers.IntegerField(allow_null=True, help_text="Null where nothing tells; never 0 for that.")
    lastUsed = OutputUseRecord(source="last_used", allow_null=True)
    suggestion = serializers.CharField()


class OutputDeed(serializers.Serializer):
    """One thing it did, and the record that shows it."""

    right = serializers.CharField()
    object = serializers.CharField()
    project = serializers.CharField(allow_blank=True)
    environment = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    record = OutputUseRecord()


class OutputUse(serializers.Serializer):
    """Whether an identity was overprivileged or misused in a window, with the record behind each word."""

    identity = serializers.CharField(source="identity.pk")
    name = serializers.CharField(source="identity.name")
    since = serializers.DateTimeField(source="use.window.since")
    until = serializers.DateTimeField(source="use.window.until", help_text="Not part of the window itself.")
    answers = serializers.ListField(source="answer.said", child=serializers.CharField(), help_text="The different words of `because`.")
    sentence = serializers.CharField(source="answer.sentence")
    because = OutputUseWord(source="answer.words", many=True)
    hasTelemetry = serializers.BooleanField(
        source="use.has_telemetry", help_text="Whether any record in or before the window shows it doing anything."
    )
    findings = OutputUseFinding(many=True)
    comparison = OutputUseRow(source="rows", many=True)
    deeds = OutputDeed(many=True, allow_null=True, help_text="Null where there is no telemetry.")
    cutOff = serializers.ListField(source="use.cut_off", child=serializers.CharField(), help_text="What was too much to read.")
