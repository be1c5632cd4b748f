"""What holds of an artifact at this moment: the four answers, what each gate says, and what each project accepts.

Asked of the gates' own code, so that it costs what a gate costs for each environment the artifact was asked for, and nothing for each piece of
evidence. It decides nothing and writes nothing. The rest of the passport does not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.policies.acceptance import ProjectAcceptance, list_acceptances
from attestations.trace import trace_verdicts
from identities.models import Identity
from identities.read_once import reading_once
from proofs.answers.told import Answer, ReviewFacts
from reports.passport.build import Passport, build_passport
from reports.passport.since_review import read_reviews


@dataclass(frozen=True)
class Now:
    """What the page of this moment shows, beside the passport it was asked about."""

    passport: Passport
    questions: tuple[Answer, ...]
    reviews: list[ReviewFacts]
    acceptances: list[ProjectAcceptance]


def ask_now(digest: str, *, reader: Identity, now: datetime) -> Now:
    """Return the passport of `digest`, and what gates and projects of the reader's make of the artifact at `now`."""
    with reading_once():
        passport = build_passport(digest, reader=reader, now=now, with_past=True)
        expecting = passport.projects.filter(expectations__activations__isnull=False).distinct().select_related("team").order_by("slug")
        reviews = read_reviews(digest, requests=passport.requests, verdicts=passport.verdicts, now=now)
        trace = trace_verdicts(digest, passport.verdicts, seen_by=passport.viewpoint, reviews=reviews, path=passport.path.facts)
        acceptances = list_acceptances(digest, projects=expecting) if passport.artifact else []
        return Now(passport, trace.questions, reviews, acceptances)
