"""What the door for workload tokens reads and writes."""

from __future__ import annotations

from rest_framework import serializers

from identities.models import ApiCredential
from proofs.tokens.compact import MAX_TOKEN_BYTES


class InputToken(serializers.Serializer):
    """The token, as the platform issued it to the job."""

    token = serializers.CharField(
        max_length=MAX_TOKEN_BYTES, trim_whitespace=False, help_text="The platform's OIDC token (a JWT), issued for this portal's address."
    )


class OutputExchange(serializers.Serializer):
    """What it was exchanged for."""

    credential = serializers.CharField(help_text="csk_…, for `Authorization: Bearer`; shown this once.")
    expiresAt = serializers.DateTimeField()
    identity = serializers.CharField(help_text="The identity that the token proved.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=ApiCredential.Scope.choices))
