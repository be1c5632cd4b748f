"""What the queue's forms send: until when, why, and under which name."""

from __future__ import annotations

from django import forms

from approvals.conversation.add_comment import MAX_COMMENT
from approvals.desk.snooze import NEXT_WEEK, TOMORROW
from approvals.requests.plain_text import MAX_NOTE


class InputSnooze(forms.Form):
    """Until when: a word for a day, or the day itself."""

    until = forms.ChoiceField(choices=[(TOMORROW, "Tomorrow"), (NEXT_WEEK, "Next week"), ("day", "A day")])
    day = forms.DateField(required=False)


class InputWithdrawal(forms.Form):
    """Why they are taken back."""

    reason = forms.CharField(max_length=MAX_NOTE)


class InputRemark(forms.Form):
    """What is said on each of them."""

    text = forms.CharField(max_length=MAX_COMMENT)


class InputView(forms.Form):
    """The name of a way to look at the queue."""

    name = forms.CharField(max_length=60)
