"""Every page × light and dark × 1280, 390 and 320 px × full, empty, error and no permission; and those of the demo's whole sample.

`make axe` runs it; the tests run a slice.
"""

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
from django.utils import timezone
from playwright.sync_api import Page

from portal.demo.sample import make_sample_data
from portal.languages import pseudo
from tests.axe.look import Looker
from tests.axe.pages import Seen, pages_of, pages_without_anything
from tests.axe.sample import pages_of_sample
from tests.axe.states import look_at, look_at_empty, look_at_full
from tests.house.url_examples import tell_story
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
NAMED = os.environ.get("COUNTERSIGN_AXE_PAGES", "").split()
# What asks for the demo's sample, which is not made for anything narrower.
SAMPLE = "sample"
CHOSEN = [word for word in NAMED if word != SAMPLE]
LANGUAGE = os.environ.get("COUNTERSIGN_AXE_LANGUAGE", "")


def test_every_page(page: Page, settings: Any, tmp_path: Path) -> None:
    """Go over all pages and print one line for each; fail with everything that was found."""
    if NAMED == [SAMPLE]:
        pytest.skip("the sample alone was asked for")
    begun = time.monotonic()
    looker = reader_of(page, settings)
    use_own_keys(settings, tmp_path / "empty")
    tally = Tally({}, {})
    tally.go_over(looker, list(pages_without_anything()), look_at_empty)
    seen, missing = pages_of(tell_story(settings, tmp_path / "full"))
    tally.found |= {f"not covered: {words}": [words] for words in missing}
    tally.go_over(looker, seen, look_at)
    tally.close(looker, begun)


def test_every_page_of_the_sample(page: Page, settings: Any, tmp_path: Path) -> None:
    """Go over what the demo's visitor reads, of every kind and in every state it is in."""
    if NAMED and SAMPLE not in NAMED:
        pytest.skip("PAGES narrows it, and does not name the sample")
    use_own_keys(settings, tmp_path)
    settings.DEMO = True
    say("\nMaking the demo's sample, which takes a while")
    make_sample_data(now=timezone.now())
    begun = time.monotonic()
    looker = reader_of(page, settings)
    tally = Tally({}, {})
    tally.go_over(looker, list(pages_of_sample()), look_at_full)
    tally.close(looker, begun)


def reader_of(page: Page, settings: Any) -> Looker:
    """Return somebody who looks, in the language that was chosen; the made-up ones are offered to them alone."""
    if LANGUAGE in pseudo.CODES:
        settings.PSEUDO_LANGUAGES = True
        pseudo.install()
    looker = Looker(page, portal_settings.ORIGIN, language=LANGUAGE)
    looker.listen()
    return looker


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
            for said in dict.fromkeys(said for words in looked.values() for said in words):
                say(f"        {said}")

    def close(self, looker: Looker, begun: float) -> None:
        """Say what was found, and fail with it."""
        for where, words in self.found.items():
            say(f"\n{where}\n  " + "\n  ".join(dict.fromkeys(words)))
        counted = ", ".join(f"{count} {state}" for state, count in self.states.items())
        seconds = time.monotonic() - begun
        say(f"\nPages: {counted}; {looker.looks} looks in {seconds:.0f} s; {len(self.found)} with something found")
        assert not self.found, f"{len(self.found)} pages have something wrong; the lines above say what"
