"""What the question "may they, and why?" is answered with."""

from __future__ import annotations

from rest_framework import serializers


class OutputMay(serializers.Serializer):
    """Yes or no, the reason, and what would be needed."""

    identity = serializers.CharField()
    action = serializers.CharField()
    project = serializers.CharField(allow_null=True)
    team = serializers.CharField(allow_null=True)
    allowed = serializers.BooleanField()
    reason = serializers.CharField()
    neededRoles = serializers.ListField(child=serializers.CharField(), help_text="Any one of them would do; empty where no role would.")
    needed = serializers.CharField(help_text="What would be needed, in words; empty where it is allowed.", allow_blank=True)
    givers = serializers.ListField(child=serializers.CharField(), help_text="Who could give that; where nobody is named, the operator.")
    besides = serializers.CharField(help_text="A rule that comes on top.", allow_blank=True)
