"""Mail notices, each at least once and as a rule once: one process claims a notice, sends it, and then notes that it was sent.

Killed between the last two, it is sent again after a while. A server that does not take it is tried again for a day. A mail names the
portal's own address only and has no secret in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q, QuerySet

from identities.models import User
from portal.models import Notice
from portal.notices.receipt import KIND, write_receipt

BATCH = 20
CLAIM = timedelta(minutes=5)
GIVE_UP = timedelta(days=1)
WORDS = """{sentence}

{link}

You get this mail because it concerns you at {origin}.
Which notices are mailed you choose there: {settings}
"""
log = structlog.get_logger(__name__)


def mail_notices(*, clock: Callable[[], datetime], limit: int = BATCH) -> int:
    """Mail what is due, at most `limit` notices, and return how many were sent."""
    sent = 0
    for notice in _due(clock()).select_related("identity", "entry").order_by("pk")[:limit]:
        now = clock()
        if not _due(now).filter(pk=notice.pk).update(mail_tried_at=now):
            continue
        try:
            if not _send(notice):
                Notice.objects.filter(pk=notice.pk).update(mail_wanted=False)
                continue
        except ValueError:
            # An address that a provider sent and that is none: no mail can be made for it, and nobody else is to wait for that.
            log.warning("a notice has no address it can be mailed to", notice=notice.pk)
            Notice.objects.filter(pk=notice.pk).update(mail_wanted=False)
            continue
        except (SMTPException, OSError) as error:
            # The rest would wait for the same server.
            log.warning("a notice is not mailed", notice=notice.pk, error=type(error).__name__)
            break
        Notice.objects.filter(pk=notice.pk).update(mailed_at=clock())
        sent += 1
    return sent


def _due(now: datetime) -> QuerySet[Notice]:
    free = Q(mail_tried_at__isnull=True) | Q(mail_tried_at__lte=now - CLAIM)
    return Notice.objects.filter(free, mail_wanted=True, mailed_at__isnull=True, created_at__gt=now - GIVE_UP)


def _send(notice: Notice) -> bool:
    address = User.objects.filter(identity=notice.identity).values_list("email", flat=True).first()
    if not address:
        return False
    origin = settings.ORIGIN
    # One line, whatever people call their keys and write as a reason: only the lines of ours are lines.
    sentence = " ".join(notice.sentence.split())
    said = (write_receipt(notice.entry) if notice.kind == KIND else None) or sentence
    body = WORDS.format(sentence=said, link=f"{origin}{notice.link}", origin=origin, settings=f"{origin}/settings/notifications")
    EmailMessage(subject=f"Countersign: {sentence}"[:150], body=body, to=[address]).send()
    return True
