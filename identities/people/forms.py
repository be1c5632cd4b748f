"""What people type about people and their roles. Rules live in the acts."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.db.models import QuerySet

from identities.models import Identity, Project, RoleAssignment, Team
from identities.people.list_people import SHOWN
from identities.people.roles import LONGEST_DAYS
from identities.permissions import ACTIONS

TEAM, PROJECT = "team", "project"


class InputPeopleFilter(forms.Form):
    """Which people to list."""

    q = forms.CharField(max_length=200, required=False, strip=True)
    show = forms.ChoiceField(choices=[("", "All"), *((name, label) for name, (label, _) in SHOWN.items())], required=False)
    role = forms.ChoiceField(choices=[("", "Any role"), *RoleAssignment.Role.choices], required=False, label="Role")


class InputRole(forms.Form):
    """A role, where it holds, and until when."""

    role = forms.ChoiceField(label="Role", choices=RoleAssignment.Role.choices)
    where = forms.ChoiceField(label="Where")
    valid_until = forms.DateField(
        label="Until",
        required=False,
        help_text=f"It holds through that day (UTC). Without a day it holds until somebody ends it; an auditor’s needs one, within {LONGEST_DAYS} days.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["where"]
        assert isinstance(chosen, forms.ChoiceField)
        self._places = places(teams)
        chosen.choices = [(value, label) for value, (label, _, _) in self._places.items()]

    def clean_valid_until(self) -> datetime | None:
        """Return the last second of the day, so that pages show the day that was typed; None without one."""
        day = self.cleaned_data["valid_until"]
        return datetime.combine(day, time(23, 59, 59), tzinfo=UTC) if day else None

    @property
    def place(self) -> tuple[Team, Project | None]:
        """The team, and the project where it is for one alone; of a valid form."""
        _, team, project = self._places[self.cleaned_data["where"]]
        return team, project


class InputPerson(forms.Form):
    """Who is registered."""

    name = forms.CharField(label="Name", max_length=200, help_text="As colleagues know them; it stands beside what they sign.")
    username = forms.CharField(
        label="Username",
        max_length=150,
        help_text="In lower case.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    email = forms.EmailField(label="Email", max_length=254, help_text="Where the link goes with which they choose their password.")
    team = forms.ModelChoiceField(label="Team", queryset=Team.objects.none(), empty_label=None)

    def __init__(self, *args: Any, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["team"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = teams


class InputMay(forms.Form):
    """Who, what and where."""

    identity = forms.ModelChoiceField(label="Who", queryset=Identity.objects.none(), empty_label=None)
    action = forms.ChoiceField(
        label="Does what", choices=[(action, words[0].upper() + words[1:]) for action, (words, _) in ACTIONS.items()]
    )
    where = forms.ChoiceField(label="Where", required=False)

    def __init__(self, *args: Any, who: QuerySet[Identity], teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked, where = self.fields["identity"], self.fields["where"]
        assert isinstance(asked, forms.ModelChoiceField)
        assert isinstance(where, forms.ChoiceField)
        asked.queryset = who
        self._places = places(teams)
        where.choices = [("", "Somewhere"), *((value, label) for value, (label, _, _) in self._places.items())]

    @property
    def place(self) -> tuple[Project | None, Team | None]:
        """The project or the team, or neither; of a valid form."""
        chosen = self._places.get(self.cleaned_data["where"])
        if chosen is None:
            return None, None
        return (chosen[2], None) if chosen[2] else (None, chosen[1])


def places(teams: QuerySet[Team]) -> dict[str, tuple[str, Team, Project | None]]:
    """Return the teams and their projects to choose from, by the value of the choice: label, team, and project or None."""
    found: dict[str, tuple[str, Team, Project | None]] = {}
    for team in teams.prefetch_related("projects"):
        found[f"{TEAM}:{team.slug}"] = (f"All of {team.name}", team, None)
        for project in sorted(team.projects.all(), key=lambda project: project.slug):
            found[f"{PROJECT}:{project.slug}"] = (f"{project.name} only", team, project)
    return found
