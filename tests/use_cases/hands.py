"""Two ways to use a page in a browser: with a pointer, and with nothing but the keyboard."""

from __future__ import annotations

from typing import Protocol

from playwright.sync_api import Locator, Page, expect

MOST_STOPS = 400
HAS_FOCUS = "element => element === document.activeElement"


class Hands(Protocol):
    """What a person does with a page."""

    def use(self, control: Locator) -> None:
        """Follow a link, press a button, tick a box."""

    def write(self, field: Locator, words: str) -> None:
        """Write into a field."""


class Pointer:
    """A mouse or a finger."""

    def use(self, control: Locator) -> None:
        control.click()

    def write(self, field: Locator, words: str) -> None:
        field.fill(words)


class Keyboard:
    """Tab, Enter and Space, and nothing else."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def use(self, control: Locator) -> None:
        self.reach(control)
        is_box = control.evaluate("element => element.matches('input[type=checkbox], input[type=radio]')")
        self.page.keyboard.press("Space" if is_box else "Enter")

    def write(self, field: Locator, words: str) -> None:
        self.reach(field)
        self.page.keyboard.type(words)

    def reach(self, control: Locator) -> None:
        """Press Tab until the control has the focus. Fails where it is not among the stops, or something holds the focus."""
        expect(control).to_be_visible()
        for _ in range(MOST_STOPS):
            if control.evaluate(HAS_FOCUS):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{control} is not reached with {MOST_STOPS} times Tab on {self.page.url}")
