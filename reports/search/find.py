"""Find artifacts, requests, identities, people, commits and packages by a few words, a digest, a commit or a package URL.

Only what the reader may read, a few of each kind, in as many queries whatever there is. Commits and packages are found in all verified evidence;
where something of it may be missing, the group says so. Reads only; nothing is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from urllib.parse import quote

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext

from approvals.models import Request, RequestArtifact
from attestations.models import Artifact, VerdictSubject
from attestations.names import with_proven_names
from identities.models import Identity
from identities.permissions import may, readable_projects
from identities.read_once import reading_once
from proofs.digest import LENGTHS, parse_digest
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
        # Which algorithm it is of, its length tells.
        algorithm = next((name for name, length in LENGTHS.items() if length == len(query)), "sha256")
        return str(parse_digest(query if ":" in query else f"{algorithm}:{query}".lower()))
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
    by_name = _artifacts_by_name(words, reader)
    # Pages write a digest in groups, and so does whoever reads it off one.
    beginning = _DIGEST.fullmatch("".join(words.split()))
    if beginning is None:
        return _group("Artifacts", by_name, more=f"{reverse('reports:artifacts')}?q=", words=words)
    algorithms = [words.partition(":")[0].lower()] if ":" in words else list(LENGTHS)
    fits = reduce(or_, (Q(digest__startswith=f"{algorithm}:{beginning[1].lower()}") for algorithm in algorithms))
    rows = with_proven_names(Artifact.objects.filter(fits)).order_by("digest")[: MOST + 1]
    # A date or a number of a version may be the beginning of a digest as well.
    found = [_artifact(row.digest, str(getattr(row, "proven_name", ""))) for row in rows]
    return _group("Artifacts", list({hit.href: hit for hit in (*found, *by_name)}.values()))


def _artifacts_by_name(words: str, reader: Identity) -> list[Hit]:
    """Return artifacts that verified evidence, or a request of the reader's teams, calls so: each once, however often it was said."""
    proven = VerdictSubject.objects.filter(claimed=False, name__icontains=words)
    asked = RequestArtifact.objects.filter(name__icontains=words, request__project__in=readable_projects(reader, "requests.read"))
    rows = Artifact.objects.filter(Q(pk__in=proven.values("artifact")) | Q(pk__in=asked.values("artifact")))
    of_row = {"artifact": OuterRef("pk")}
    # A proven name wins over what a requester called it.
    called = Coalesce(
        Subquery(proven.filter(**of_row).order_by("-pk").values("name")[:1]),
        Subquery(asked.filter(**of_row).order_by("pk").values("name")[:1]),
    )
    return [
        _artifact(digest, name)
        for digest, name in rows.annotate(called=called).order_by("-first_seen_at", "digest").values_list("pk", "called")[: MOST + 1]
    ]


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
