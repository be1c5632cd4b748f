"""Find artifacts, requests, identities, people, commits and packages by a few words, a digest, a commit or a package URL.

Only what the reader may read, a few of each kind, in as many queries whatever there is. Commits and packages are found in all verified evidence;
where something of it may be missing, the group says so. Reads only; nothing is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext

from approvals.models import Request, RequestArtifact
from attestations.models import Artifact, VerdictSubject
from attestations.names import with_proven_names
from identities.models import Identity
from identities.permissions import may, readable_projects
from identities.read_once import reading_once
from proofs.digest import parse_digest
from proofs.errors import Refusal
from reports.search.in_evidence import find_commit, find_package

MAX_QUERY = 200
MIN_WORDS = 2
MOST = 10
_DIGEST = re.compile(r"(?:sha(?:256|384|512):)?([0-9a-f]{6,128})", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: what it is called, a line under it, and where it is."""

    words: str
    line: str
    href: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind, a few of it; where there may be more `more` leads there, and `note` says what was not looked at."""

    name: str
    hits: tuple[Hit, ...]
    more: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found, by kind; `is_too_short` where there was too little to look for, `looked_at` what it went through."""

    query: str
    groups: tuple[Group, ...] = ()
    is_too_short: bool = False
    looked_at: tuple[str, ...] = field(default=())

    @property
    def found(self) -> tuple[Group, ...]:
        """The groups that hold something."""
        return tuple(group for group in self.groups if group.hits)

    @property
    def count(self) -> int:
        return sum(len(group.hits) for group in self.groups)


def whole_digest(query: str) -> str:
    """Return the digest that `query` is, as it is spelled here; nothing where it is none, or only the beginning of one."""
    try:
        return str(parse_digest(query if ":" in query else f"sha256:{query}".lower()))
    except Refusal:
        return ""


def search(query: str, *, reader: Identity) -> Results:
    """Return what of everything `reader` may read fits `query`."""
    words = query.strip()[:MAX_QUERY]
    if len(words) < MIN_WORDS:
        return Results(words, is_too_short=True)
    with reading_once():
        looked = [(name, find) for action, name, find in _KINDS if may(reader, action).allowed]
        groups = [find(words, reader) for _, find in looked]
    return Results(words, tuple(group for group in groups if group is not None), looked_at=tuple(name for name, _ in looked))


def _artifacts(words: str, reader: Identity) -> Group:
    beginning = _DIGEST.fullmatch(words)
    if beginning:
        algorithm = words.partition(":")[0].lower() if ":" in words else "sha256"
        by_digest = Artifact.objects.filter(digest__startswith=f"{algorithm}:{beginning[1].lower()}")
        rows = list(with_proven_names(by_digest).order_by("digest")[: MOST + 1])
        return _group("Artifacts", [_artifact(row.digest, str(getattr(row, "proven_name", ""))) for row in rows])
    named = VerdictSubject.objects.filter(claimed=False, name__icontains=words).order_by("-pk").values_list("artifact_id", "name")
    asked = RequestArtifact.objects.filter(name__icontains=words, request__project__in=readable_projects(reader, "requests.read"))
    found = dict(asked.order_by("pk").values_list("artifact_id", "name")[: MOST * 5])
    # A proven name wins over what a requester called it.
    found |= dict(list(named[: MOST * 5])[::-1])
    more = f"{reverse('reports:artifacts')}?q="
    return _group("Artifacts", [_artifact(digest, name) for digest, name in found.items()], more=more, words=words)


def _artifact(digest: str, name: str) -> Hit:
    return Hit(name or "unnamed artifact", digest, reverse("reports:artifact", args=[digest]))


def _requests(words: str, reader: Identity) -> Group:
    fits = Q(title__icontains=words) | Q(pk=words)
    rows = Request.objects.filter(fits, project__in=readable_projects(reader, "requests.read"))
    rows = rows.select_related("project", "environment", "state").order_by("-opened_at", "-pk")[: MOST + 1]
    return _group(
        "Requests",
        [
            Hit(
                row.title,
                gettext("%(project)s to %(place)s: %(status)s")
                % {"project": row.project.name, "place": row.environment.name, "status": gettext(str(row.state.get_status_display()))},
                reverse("approvals:request", args=[row.pk]),
            )
            for row in rows
        ],
    )


def _registered(words: str, *, people: bool) -> list[Hit]:
    kind = Q(kind=Identity.Kind.PERSON)
    rows = Identity.objects.filter(kind if people else ~kind, Q(name__icontains=words) | Q(subject__icontains=words) | Q(pk=words))
    rows = rows.select_related("owner", "team").order_by("name", "pk")[: MOST + 1]
    found = []
    for row in rows:
        facts = [gettext(str(row.get_kind_display()))]
        facts += [gettext("team %(name)s") % {"name": row.team.name}] if row.team else []
        facts += [gettext("owned by %(name)s") % {"name": row.owner.name}] if row.owner else []
        facts.append(gettext(str(row.get_status_display())))
        found.append(Hit(row.name, " · ".join(facts), reverse("identities:identity", args=[row.pk])))
    return found


def _programs(words: str, reader: Identity) -> Group:
    return _group("Identities", _registered(words, people=False), more=f"{reverse('identities:list')}?q=", words=words)


def _people(words: str, reader: Identity) -> Group:
    return _group("People", _registered(words, people=True), more=f"{reverse('identities:list')}?kind=person&q=", words=words)


def _commits(words: str, reader: Identity) -> Group | None:
    if not _COMMIT.fullmatch(words):
        return None
    found, notes = find_commit(words.lower())
    hits = [
        Hit(item.name or "unnamed artifact", f"{item.repository} at {item.commit}", reverse("reports:artifact", args=[item.digest]))
        for item in found
    ]
    return _group("Commits", hits, note=" ".join(notes))


def _packages(words: str, reader: Identity) -> Group | None:
    if not words.lower().startswith("pkg:"):
        return None
    page = find_package(words, size=MOST)
    if page is None:
        return _group("Packages", [])
    hits = [
        Hit(
            item.purl,
            f"in {item.name or 'an unnamed artifact'}",
            f"{reverse('reports:artifact_contents', args=[item.digest])}?q={item.query}",
        )
        for item in page.found
    ]
    group = _group("Packages", hits, more=f"{reverse('reports:holding')}?purl=", words=words, note=" ".join(page.notes))
    # Each line is one bill of materials; whether more follow is known by those.
    return replace(group, more=f"{reverse('reports:holding')}?purl={quote(words, safe='')}") if page.next else group


def _group(name: str, hits: list[Hit], *, more: str = "", words: str = "", note: str = "") -> Group:
    left = len(hits) > MOST
    if left and not more:
        note = f"{note} More were found; type more letters.".strip()
    return Group(name, tuple(hits[:MOST]), f"{more}{quote(words, safe='')}" if left and more else "", note)


_KINDS: tuple[tuple[str, str, Callable[[str, Identity], Group | None]], ...] = (
    ("artifacts.read", "artifacts by name or digest", _artifacts),
    ("requests.read", "requests by title", _requests),
    ("identities.read", "identities", _programs),
    ("identities.read", "people", _people),
    ("attestations.read", "commits", _commits),
    ("attestations.read", "packages by package URL", _packages),
)
