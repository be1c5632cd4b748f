"""What people and programs say about a request. None of it counts as an answer."""

from __future__ import annotations

from django.db import models

from approvals.models.requests import Request
from identities.ids import new_id
from identities.models import Identity
from ledger.append_only import AppendOnly
from ledger.models import Entry


def new_comment_id() -> str:
    return new_id("com")


class Comment(AppendOnly):
    """Plain text about one revision of a request. A better wording is another comment, which says what it takes the place of."""

    id = models.CharField(primary_key=True, max_length=40, default=new_comment_id)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="comments")
    revision_number = models.PositiveIntegerField()
    author = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=2000)
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    commented_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class CommentMention(AppendOnly):
    """A comment names a person who may read the request: it is their turn to say something."""

    comment = models.ForeignKey(Comment, on_delete=models.PROTECT, related_name="mentions")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "identity"], name="mentioned_once")]

    def __str__(self) -> str:
        return f"{self.comment_id} names {self.identity_id}"


class CommentWithdrawal(AppendOnly):
    """Its author took a comment back: pages say so in its place. The text stays in the database, as the ledger's digest does."""

    comment = models.OneToOneField(Comment, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.comment_id} withdrawn"
