"""End the browser sessions of a person, wherever they are signed in."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from identities.models import Identity, User


def end_sessions(*, identity: Identity, keep: str = "") -> int:
    """Delete every session of the person's account but the one with the key `keep`, and return how many there were.

    Must run in the transaction of the act; checks nothing.

    A session holds its account inside its sealed content, so that all of them are looked at.
    """
    account = User.objects.filter(identity=identity).values_list("pk", flat=True).first()
    if account is None:
        return 0
    rows = Session.objects.exclude(session_key=keep).iterator()
    theirs = [row.pk for row in rows if row.get_decoded().get(SESSION_KEY) == str(account)]
    Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)
