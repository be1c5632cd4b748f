"""Every page × light and dark × 1280, 390 and 320 px × full, empty, error and no permission. `make axe` runs it; the tests run a slice."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings
from playwright.sync_api import Page

from tests.axe.look import Looker
from tests.axe.pages import Seen, pages_of, pages_without_anything
from tests.axe.states import look_at, look_at_empty
from tests.house.url_examples import tell_story
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
CHOSEN = os.environ.get("COUNTERSIGN_AXE_PAGES", "").split()


def test_every_page(page: Page, settings: Any, tmp_path: Path) -> None:
    """Go over all pages and print one line for each; fail with everything that was found."""
    begun = time.monotonic()
    looker = Looker(page, portal_settings.ORIGIN)
    looker.listen()
    use_own_keys(settings, tmp_path / "empty")
    tally = Tally({}, {})
    tally.go_over(looker, list(pages_without_anything()), look_at_empty)
    seen, missing = pages_of(tell_story(settings, tmp_path / "full"))
    tally.found |= {f"not covered: {words}": [words] for words in missing}
    tally.go_over(looker, seen, look_at)
    for where, words in tally.found.items():
        say(f"\n{where}\n  " + "\n  ".join(dict.fromkeys(words)))
    counted = ", ".join(f"{count} {state}" for state, count in tally.states.items())
    say(f"\nPages: {counted}; {looker.looks} looks in {time.monotonic() - begun:.0f} s; {len(tally.found)} with something found")
    assert not tally.found, f"{len(tally.found)} pages have something wrong; the lines above say what"


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


@dataclass
class Tally:
    """What was found, by page and state, and how many pages were seen in each state."""

    found: dict[str, list[str]]
    states: dict[str, int]

    def go_over(self, looker: Looker, seen: list[Seen], look: Callable[[Looker, Seen], dict[str, list[str]]]) -> None:
        """Look at every chosen page and print a line for it."""
        chosen = [each for each in seen if not CHOSEN or any(word in each.name for word in CHOSEN)]
        for number, each in enumerate(chosen, 1):
            try:
                looked = look(looker, each)
            except Exception as error:  # noqa: BLE001  # one page that cannot be opened keeps nobody from the others
                looked = {"not opened": [f"{type(error).__name__}: {error}"]}
            for state, words in looked.items():
                self.states[state] = self.states.get(state, 0) + 1
                if words:
                    self.found[f"{each.name} ({state}) {each.path}"] = words
            troubles = sum(len(words) for words in looked.values())
            say(f"{number:>3}/{len(chosen)} {each.name:<42} {', '.join(looked):<32} {troubles or 'nothing'} found")
