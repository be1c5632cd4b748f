"""Who is named as having made what a request asks about."""

from __future__ import annotations

from django.db import models

from approvals.models.requests import Request
from ledger.append_only import AppendOnly


class NamedPerson(AppendOnly):
    """An account of somebody who took part in making what a request asks about: stated when it was opened, or proved by the token it came with.

    Whose it is, is asked again each time it matters.
    """

    class Because(models.TextChoices):
        COMMIT_AUTHOR = "commit-author", "Author of a commit"
        CO_AUTHOR = "co-author", "Co-author of a commit"
        COMMITTER = "committer", "Committer"
        BUILD_TRIGGER = "build-trigger", "Set off the build"
        AGENT_OPERATOR = "agent-operator", "Operates the agent"

    class Source(models.TextChoices):
        STATED = "stated", "Stated by the requester"
        TOKEN = "token", "Proved by the workload token"

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="named_people")
    because = models.CharField(max_length=24, choices=Because.choices)
    provider = models.CharField(max_length=90)
    account = models.CharField(max_length=200)
    source = models.CharField(max_length=8, choices=Source.choices)

    def __str__(self) -> str:
        return f"{self.because} {self.provider}:{self.account}"
