"""The fields of what people say about a request. Shape only."""

from __future__ import annotations

from django import forms

from approvals.conversation.add_comment import MAX_COMMENT


class InputComment(forms.Form):
    """What somebody says; `replaces` is the comment of theirs that this one says better."""

    text = forms.CharField(label="Comment", max_length=MAX_COMMENT)
    replaces = forms.CharField(required=False, max_length=40)
