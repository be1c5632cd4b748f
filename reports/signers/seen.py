"""Who signed verified evidence and answers to nobody here: each signer once, with what it signed, when, and who sent it.

Reads only, in a number of queries that does not grow with signers or evidence. Names are what certificates and keys say, and come from strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from attestations.models import Finding, Verdict, VerdictSubject
from attestations.queries import newest_verdicts
from attestations.signer import CHECK
from attestations.unknown_keys import list_unknown_keys
from identities.blocked import blocks_in_force
from identities.models import BlockedSigner, EvidenceSigner, Identity
from identities.signers.adopt_signer import SeenSigner
from identities.signers.block_signer import MAX_NAME
from proofs.errors import NotFound

WEEK = timedelta(days=7)
SHOWN = 4


@dataclass(frozen=True, slots=True)
class Sighting:
    """One signer as evidence shows it. `registered` and `block` say what became of it since; the lists hold the latest few."""

    signer: SeenSigner
    count: int
    first_at: datetime
    last_at: datetime
    artifact_count: int
    artifacts: tuple[tuple[str, str], ...]
    predicate_types: tuple[str, ...]
    senders: tuple[Identity, ...]
    registered: Identity | None
    block: BlockedSigner | None

    @property
    def more_artifacts(self) -> int:
        return self.artifact_count - len(self.artifacts)

    @property
    def more_senders(self) -> int:
        return len(self.senders) - SHOWN

    @property
    def is_whole(self) -> bool:
        """Whether its name is short enough to be kept whole; one that was cut can be neither registered nor blocked."""
        return len(self.signer.name) <= MAX_NAME

    @property
    def is_open(self) -> bool:
        """Whether it can be adopted or blocked."""
        return self.is_whole and self.registered is None and self.block is None


def list_unknown(*, since: datetime | None = None) -> QuerySet[Verdict, Any]:
    """Return issuer and name of each signer that nobody registered and whose evidence came in since then, the latest seen first."""
    rows = _unknown(since).values("signer_issuer", "signer_name").annotate(last=Max("attestation__received_at"))
    return rows.order_by("-last", "signer_issuer", "signer_name")


def count_unknown(*, since: datetime) -> int:
    """Return how many signers `list_unknown` lists, and on top how much evidence is rejected because nobody knows its key.

    Nothing tells which of the latter one key signed, so each piece counts.
    """
    named = _unknown(since).order_by().values("signer_issuer", "signer_name").distinct().count()
    return named + list_unknown_keys(since=since).order_by().count()


def find_sighting(*, issuer: str, name: str) -> Sighting:
    """Return a signer that verified evidence shows and that counts for nobody. Refuses with `signer.not_seen`."""
    found = describe([(issuer, name)])
    if not found:
        raise NotFound("signer.not_seen", "No verified evidence shows this signer, or an identity answers for all it signed.")
    return found[0]


def describe(names: Sequence[tuple[str, str]]) -> list[Sighting]:
    """Return the sightings of these signers (issuer and name), in that order; one that verified evidence does not show is left out."""
    if not names:
        return []
    wanted = Q()
    for issuer, name in names:
        wanted |= Q(signer_issuer=issuer, signer_name=name)
    rows = _unanswered().filter(wanted).order_by()
    totals = rows.values("signer_issuer", "signer_name").annotate(
        count=Count("pk", distinct=True),
        first=Min("attestation__received_at"),
        last=Max("attestation__received_at"),
        about=Count("subjects__artifact", distinct=True),
    )
    of = {(row["signer_issuer"], row["signer_name"]): row for row in totals}
    types = _grouped(rows.values_list("signer_issuer", "signer_name", "predicate_type").distinct())
    sent = _grouped(rows.values_list("signer_issuer", "signer_name", "attestation__submissions__identity").distinct())
    people = Identity.objects.select_related("owner").in_bulk({pk for _, pks in sent.items() for pk in pks})
    artifacts = _latest_artifacts(rows)
    registered, blocks = _registered(names), {(block.issuer, block.name): block for block in _blocks(names)}
    return [
        Sighting(
            signer=SeenSigner(*key),
            count=of[key]["count"],
            first_at=of[key]["first"],
            last_at=of[key]["last"],
            artifact_count=of[key]["about"],
            artifacts=tuple(artifacts.get(key, {}).items())[:SHOWN],
            predicate_types=tuple(sorted(types[key])),
            senders=tuple(sorted((people[pk] for pk in sent.get(key, ()) if pk in people), key=lambda each: each.name)),
            registered=registered.get(key),
            block=blocks.get(key),
        )
        for key in names
        if key in of
    ]


def _unanswered() -> QuerySet[Verdict]:
    """Return the newest verdicts that prove a signer for whom nobody answers, for whatever reason."""
    rows = newest_verdicts().select_related(None).filter(result=Verdict.Result.VERIFIED, signer__isnull=True)
    return rows.exclude(signer_name="")


def _unknown(since: datetime | None) -> QuerySet[Verdict]:
    nobody = Finding.objects.filter(verdict=OuterRef("pk"), check_name=CHECK, code="signer.unknown")
    rows = _unanswered().filter(Exists(nobody))
    return rows if since is None else rows.filter(attestation__received_at__gte=since)


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    for issuer, name, value in rows:
        found.setdefault((issuer, name), []).append(value)
    return found


def _latest_artifacts(rows: QuerySet[Verdict]) -> dict[tuple[str, str], dict[str, str]]:
    newest_first = Window(RowNumber(), partition_by=[F("verdict__signer_issuer"), F("verdict__signer_name")], order_by=F("pk").desc())
    subjects = VerdictSubject.objects.filter(verdict__in=rows.values("pk")).annotate(place=newest_first).filter(place__lte=SHOWN)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for issuer, name, digest, label in subjects.order_by("place").values_list(
        "verdict__signer_issuer", "verdict__signer_name", "artifact_id", "name"
    ):
        found.setdefault((issuer, name), {}).setdefault(digest, label)
    return found


def _registered(names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Identity]:
    """Return for whom each of these is registered, as `fitting_registrations` finds it, whatever became of that."""
    signers = [SeenSigner(*name) for name in names]
    exact = {signer.name for signer in signers}
    any_ref = {signer.workflow for signer in signers if signer.workflow}
    fitting = Q(any_ref=False, certificate_identity__in=exact) | Q(any_ref=True, certificate_identity__in=any_ref) | Q(key_id__in=exact)
    rows = EvidenceSigner.objects.filter(fitting).select_related("identity").order_by("valid_from", "pk")
    of = {(row.certificate_issuer, row.certificate_identity or row.key_id, row.any_ref): row.identity for row in rows}
    found = {}
    for signer in signers:
        identity = of.get((signer.issuer, signer.name, False)) or of.get((signer.issuer, signer.workflow, True))
        if identity is not None:
            found[signer.issuer, signer.name] = identity
    return found


def _blocks(names: Sequence[tuple[str, str]]) -> QuerySet[BlockedSigner]:
    return blocks_in_force().filter(name__in=[name for _, name in names])
