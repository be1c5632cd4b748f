"""Shapes of what the directory of approval keys answers."""

from __future__ import annotations

from rest_framework import serializers


class OutputEnvelopeSignature(serializers.Serializer):
    """One signature of an envelope."""

    keyid = serializers.CharField()
    sig = serializers.CharField()


class OutputEnvelope(serializers.Serializer):
    """A DSSE envelope; its payload is the statement, in base64."""

    payload = serializers.CharField()
    payloadType = serializers.CharField()
    signatures = OutputEnvelopeSignature(many=True)


class OutputLoggedKey(serializers.Serializer):
    """Something that happened to one of your keys; `entry` is its place in the log, `digest` what the entry refers to."""

    keyId = serializers.CharField()
    name = serializers.CharField()
    event = serializers.ChoiceField(choices=["signer.enrolled", "signer.revoked"])
    at = serializers.CharField()
    digest = serializers.CharField()
    entry = serializers.IntegerField(allow_null=True)
