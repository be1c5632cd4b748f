"""What the API of comments reads and writes."""

from __future__ import annotations

from rest_framework import serializers

from approvals.conversation.add_comment import MAX_COMMENT


class InputComment(serializers.Serializer):
    """A comment: plain text."""

    text = serializers.CharField(max_length=MAX_COMMENT)
    replaces = serializers.CharField(
        max_length=40, required=False, allow_blank=True, default="", help_text="The id of a comment of yours that this one says better."
    )


class OutputComment(serializers.Serializer):
    """A comment as it stands."""

    id = serializers.CharField()
    revision = serializers.IntegerField()
    by = serializers.CharField(help_text="The author's name, a label.")
    isProgram = serializers.BooleanField()
    text = serializers.CharField(allow_blank=True, help_text="Plain text, never markup; empty where it was taken back or said better.")
    gone = serializers.CharField(allow_blank=True, help_text="Why the text is not here; empty where it is.")
    at = serializers.DateTimeField()


class OutputCommented(OutputComment):
    """A comment that was added."""

    unknown = serializers.ListField(child=serializers.CharField(), help_text="Names in it that stand for nobody who may read the request.")


class OutputComments(serializers.Serializer):
    """All comments on a request, oldest first."""

    items = OutputComment(many=True)
