"""What the command palette offers for a few letters: pages that the reader may open, then what a search finds.

The same pages as the navigation, the menu under one's name and the settings; nothing that a reader may not open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as noop

from identities.models import Identity
from identities.permissions import allowed_somewhere
from identities.read_once import reading_once
from portal.templatetags.display import NAVIGATION, SETTINGS, TOOLS
from reports.search.find import Group, Hit, search

MOST_PAGES = 8
# Pages that stand in no menu, and lead to what people do most.
MORE_PAGES = (
    ("requests.open", noop("Ask for a release"), "approvals:request_new"),
    ("attestations.send", noop("Send evidence"), "attestations:collection_new"),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """The groups that the palette lists, in their order."""

    groups: tuple[Group, ...]


def offer(query: str, *, reader: Identity) -> Offer:
    """Return what to list for `query`: without one the pages alone."""
    words = query.strip()
    with reading_once():
        pages = _pages(words, reader)
        found = search(words, reader=reader).found if words else ()
    named = (replace(group, name=gettext(group.name)) for group in found)
    return Offer((*((Group(gettext("Pages"), pages),) if pages else ()), *named))


def _pages(words: str, reader: Identity) -> tuple[Hit, ...]:
    allowed = allowed_somewhere(reader, {action for action, *_ in (*TOOLS, *MORE_PAGES)})
    rows = [(label, href, "") for label, href, _ in NAVIGATION]
    rows += [(label, reverse(name), "") for action, label, name in MORE_PAGES if action in allowed]
    rows += [(label, reverse(name), "") for action, label, _, name in TOOLS if action in allowed]
    rows += [(label, reverse(name), noop("Settings")) for label, _, name, _ in SETTINGS]
    rows += [(noop("Notices"), reverse("portal:notices"), ""), (noop("Search"), reverse("reports:search"), "")]
    rows = [(gettext(label), href, line and gettext(line)) for label, href, line in rows]
    wanted = words.lower()
    fitting = [row for row in rows if wanted in f"{row[0]} {row[2]}".lower()]
    # What begins with the letters comes before what holds them somewhere.
    fitting.sort(key=lambda row: not row[0].lower().startswith(wanted))
    return tuple(Hit(label, line, href) for label, href, line in fitting[:MOST_PAGES])
