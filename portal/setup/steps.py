"""The steps of setting up, and how each stands: what can be seen is seen, and only what cannot be is taken from an answer. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.checks import CheckMessage, Error

from attestations.trust.roots import list_trust_roots
from identities.models import Identity, IdentityProvider, RoleAssignment
from identities.permissions import readable_whole_teams
from portal.models import SetUpAnswer
from portal.setup.sample import list_samples
from portal.system_checks import check_origin, check_stand_ins


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name in addresses, what it is called, why it matters, and how it stands (`open`, `done`, `skipped`, `attention`)."""

    name: str
    title: str
    why: str
    state: str
    found: str
    is_answered: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing has to be done about it any more."""
        return self.state in ("done", "skipped")


@dataclass(frozen=True, slots=True)
class _Kind:
    title: str
    why: str
    # What can be seen of it: whether it is done (None: only a person can tell), and a sentence.
    look: Callable[[Identity], tuple[bool | None, str]]


def list_steps(person: Identity) -> list[Step]:
    """Return every step as it stands for this administrator."""
    answers = dict(SetUpAnswer.objects.values_list("step", "answer"))
    return [_step(name, kind, person, answers.get(name)) for name, kind in KINDS.items()]


def find_step(name: str, person: Identity) -> Step | None:
    """Return one step, or None when there is none of that name."""
    return next((step for step in list_steps(person) if step.name == name), None)


def is_untouched() -> bool:
    """Say whether no step of a portal that is not the demo was ever answered, so that its first administrator is led there."""
    return not settings.DEMO and not SetUpAnswer.objects.exists()


def list_address_problems() -> list[CheckMessage]:
    """Return what is wrong with the address the portal is called by, as the start-up checks say it."""
    return [message for message in (*check_origin(), *check_stand_ins()) if isinstance(message, Error)]


def _step(name: str, kind: _Kind, person: Identity, answer: str | None) -> Step:
    done, found = kind.look(person)
    if done is False:
        state = "skipped" if answer == SetUpAnswer.Answer.SKIPPED else "attention" if answer else "open"
    elif done or answer == SetUpAnswer.Answer.DONE:
        state = "done"
    else:
        state = answer or "open"
    return Step(name, kind.title, kind.why, state, found, is_answered=answer is not None)


def _address(person: Identity) -> tuple[bool | None, str]:
    problems = list_address_problems()
    if problems:
        return False, str(problems[0].msg)
    return None, f"People come to {settings.ORIGIN}; their passkeys belong to {settings.RP_ID}."


def _sign_in(person: Identity) -> tuple[bool | None, str]:
    names = list(IdentityProvider.objects.filter(removed_at__isnull=True).order_by("name").values_list("name", flat=True))
    return bool(names), f"People sign in through {', '.join(names)}." if names else "People sign in with accounts of this portal alone."


def _people(person: Identity) -> tuple[bool | None, str]:
    held = RoleAssignment.objects.held().filter(
        role=RoleAssignment.Role.ADMINISTRATOR, project__isnull=True, identity__status=Identity.Status.ACTIVE
    )
    found = held.values("identity").distinct().count()
    return found >= 2, f"{found} active administrator{'' if found == 1 else 's'}."


def _environment(person: Identity) -> tuple[bool | None, str]:
    teams = readable_whole_teams(person, "places.add").prefetch_related("environments")
    slugs = sorted(environment.slug for team in teams for environment in team.environments.all())
    return bool(slugs), f"Your team has {', '.join(slugs)}." if slugs else "Your team has no environment yet."


def _trust(person: Identity) -> tuple[bool | None, str]:
    names = [root.name for root in list_trust_roots()]
    return bool(
        names
    ), f"Evidence is verified under {', '.join(names)}." if names else "No evidence can be verified: nothing is trusted yet."


def _sample(person: Identity) -> tuple[bool | None, str]:
    on = list_samples(person).exists()
    return (True, "Sample data is on.") if on else (None, "There is no sample data.")


KINDS: dict[str, _Kind] = {
    "address": _Kind(
        "Address and passkeys", "Passkeys and signed statements are bound to it, so it has to be right before anybody enrols.", _address
    ),
    "sign-in": _Kind("Single sign-on", "People then come and go with your identity provider, and its word can back their keys.", _sign_in),
    "people": _Kind("A second administrator", "One person who is away, or leaves, must not lock everybody out.", _people),
    "environment": _Kind("First environment", "Requests ask for an environment, and gates answer for it.", _environment),
    "trust": _Kind("First trust root", "It says which authorities and logs evidence is verified under.", _trust),
    "sample": _Kind(
        "Sample data", "Something to look at before your own evidence comes. It is marked as sample and can be switched off.", _sample
    ),
}
