"""Looks at one page after another in Chromium, as one person or another, and says in sentences what is wrong with it."""

from __future__ import annotations

import contextvars
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page, Response, Route

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE_OPTIONS = json.dumps({"runOnly": AXE_TAGS, "resultTypes": ["violations", "incomplete"]})
Look = tuple[str, int]
ALL_LOOKS: tuple[Look, ...] = tuple((theme, width) for width in (1280, 390, 320) for theme in ("light", "dark"))
# Nothing may move while it is measured: a colour on its way from one to the other is neither.
STILL = "reduce"
# What the browser itself says of an answer that is no page of ours to worry about: the state asked for is that answer.
OF_THE_STATUS = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
HEAR_REPORTS = "window.reports = []; addEventListener('securitypolicyviolation', (event) => reports.push(event.violatedDirective + ' ' + event.blockedURI));"
# Every place the keyboard reaches is drawn with an outline or a shadow while it has the focus; a box that is drawn by its label counts too.
UNSEEN_FOCUS = """() => {
  const drawn = (style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
  const places = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
  const unseen = [];
  for (const place of places) {
    if (place.disabled || !place.checkVisibility({ visibilityProperty: true })) continue;
    place.focus({ preventScroll: true });
    if (document.activeElement !== place) continue;
    // A box of a picture shows it on what is drawn in it.
    const drawnIn = place.closest("svg") ? [...place.querySelectorAll("*")] : [];
    const shownBy = [place, place.closest("label"), ...drawnIn].filter(Boolean);
    if (!shownBy.some((part) => drawn(getComputedStyle(part)))) {
      unseen.push(place.outerHTML.slice(0, 90));
    }
  }
  document.activeElement.blur();
  return unseen;
}"""
# A name within the words of a flexible box is laid out as a part of its own: its sentence is torn there, for the eye and for a screen reader.
TORN_SENTENCES = """() => [...document.querySelectorAll("bdi")].map((name) => name.parentElement).filter((box) =>
  getComputedStyle(box).display.endsWith("flex") && [...box.childNodes].some((each) => each.nodeType === 3 && each.data.trim())
).map((box) => box.outerHTML.slice(0, 120))"""
# What is folded away is there for whoever unfolds it; says whether there was anything.
UNFOLD = """() => {
  const folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((each) => { each.open = true; });
  return folded.length > 0;
}"""
# After a form came back: the focus stands on the first field that is wrong, where one is.
FOCUS_IS_ELSEWHERE = """() => {
  const wrong = document.querySelector("main :is(input, select, textarea)[aria-invalid=true]");
  return wrong !== null && document.activeElement !== wrong;
}"""
# The first form of the page's own part that has something to fill in.
FORM = """[...document.querySelectorAll("main form[method=post]")].find((each) =>
  each.querySelector("input:not([type=hidden], [type=submit]), textarea, select"))"""
# Submits it with everything in it taken away, past what the browser would stop.
SEND_EMPTY = f"""() => {{
  const form = {FORM};
  for (const each of form.elements) {{
    if (["checkbox", "radio"].includes(each.type)) each.checked = false;
    else if (each.matches("textarea, input:not([type=hidden], [type=submit], [type=file])")) each.value = "";
  }}
  HTMLFormElement.prototype.submit.call(form);
}}"""
PATIENCE = 10_000


@dataclass
class Looker:
    """One browser page, the portal behind it, and what was seen. `client` is whose eyes it looks with, `language` what their browser asks for."""

    page: Page
    origin: str
    client: Client = field(default_factory=Client)
    language: str = ""
    heard: list[str] = field(default_factory=list)
    looks: int = 0
    document: str = ""

    def listen(self) -> None:
        """Route the portal's addresses to its own views in this test's transaction, and hear what the browser complains about."""
        # Playwright calls back in a context of its own, which would see another database connection than the test's.
        here = contextvars.copy_context()
        self.page.route(f"{self.origin}/**", lambda route: here.copy().run(self._serve, route))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.heard.append(f"script error: {error}"))
        self.page.add_init_script(HEAR_REPORTS)
        self.page.emulate_media(reduced_motion=STILL)

    def open(self, path: str) -> Response | None:
        """Open an address and return the answer."""
        self.heard.clear()
        return self.page.goto(self.origin + path, wait_until="load")

    def send_empty(self) -> bool:
        """Send the page's form with nothing in it. False where it has none, or where it takes that."""
        if not self.page.evaluate(f"() => Boolean({FORM})"):
            return False
        self.heard.clear()
        with self.page.expect_event("load", timeout=PATIENCE):
            self.page.evaluate(SEND_EMPTY)
        return bool(self.page.locator("main [aria-invalid=true], main .error:visible, main [role=alert]:visible").count())

    def look_for_focus(self) -> list[str]:
        """Return what is wrong with where the focus stands after a form came back."""
        elsewhere = self.page.evaluate(FOCUS_IS_ELSEWHERE)
        return ["the focus is not on the first field that is wrong"] if elsewhere else []

    def look(self, looks: Sequence[Look] = ALL_LOOKS) -> list[str]:
        """Return what is wrong with the page as it stands, in each theme at each width."""
        # First, because what axe and this do themselves to the page is none of its own breaches.
        found = [f"content security policy: {report}" for report in self.page.evaluate("window.reports ?? []")]
        found += [f"console: {words}" for words in self.heard]
        found += self._of_the_document()
        self.page.evaluate(AXE_SCRIPT)
        for look in looks:
            found += self._look_once(*look)
        if self.page.evaluate(UNFOLD):
            # Once wide and once narrow: what is folded has no layout of its own in between.
            found += [f"unfolded, {words}" for look in dict.fromkeys((looks[0], looks[-1])) for words in self._look_once(*look)]
        return found + [f"focus is not seen on {place}" for place in self._unseen_focus()]

    def _look_once(self, theme: str, width: int) -> list[str]:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        self.looks += 1
        return [f"{theme} {width}: {words}" for words in self._axe()] + self._of_the_width(width)

    def _of_the_document(self) -> list[str]:
        titles, headings = self.page.title(), self.page.locator("h1").count()
        found = [] if titles.strip(" ·") else ["it has no title"]
        found += [f"a name tears its sentence in {place}" for place in self.page.evaluate(TORN_SENTENCES)]
        spoken = self.page.evaluate("document.documentElement.lang")
        found += [f"its frame is in {spoken}, expected {self.language}"] if self.language and spoken != self.language else []
        return found + ([] if headings == 1 else [f"it has {headings} h1, expected one"])

    def _axe(self) -> list[str]:
        result = self.page.evaluate(f"axe.run({AXE_OPTIONS}).then((all) => ({{violations: all.violations, incomplete: all.incomplete}}))")
        said = []
        for kind in ("violations", "incomplete"):
            for rule in result[kind]:
                said += [f"{rule['id']} ({kind}) {_of_node(node)}" for node in rule["nodes"]]
        return said

    def _of_the_width(self, width: int) -> list[str]:
        wide: Any = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        return [f"{width}: it is {wide[0]} px wide on {wide[1]} px"] if wide[0] > wide[1] else []

    def _unseen_focus(self) -> list[str]:
        # A key first: a browser draws the focus for those who use keys.
        self.page.keyboard.press("Tab")
        return list(self.page.evaluate(UNSEEN_FOCUS))

    def _hear(self, message: ConsoleMessage) -> None:
        # Only the page's own answer may be a refusal: a style, a script or a part of it that is not there is missed by somebody.
        is_own = message.location["url"].partition("#")[0] == self.document.partition("#")[0]
        if message.type == "error" and not (is_own and OF_THE_STATUS.match(message.text)):
            self.heard.append(f"{message.text} {message.location['url'].removeprefix(self.origin)}")

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(self.origin)
        if route.request.is_navigation_request():
            self.document = route.request.url
        if path.startswith("/static/"):
            file = finders.find(path.removeprefix("/static/").partition("?")[0])
            route.fulfill(path=Path(str(file))) if file else route.fulfill(status=404)
            return
        body = route.request.post_data_buffer or b""
        kind = route.request.headers.get("content-type", "text/plain")
        speaks = {"HTTP_ACCEPT_LANGUAGE": self.language} if self.language else {}
        accept = route.request.headers.get("accept", "text/html")
        response: Any = self.client.generic(route.request.method, path, body, content_type=kind, HTTP_ACCEPT=accept, **speaks)
        for _ in range(5):
            if response.status_code not in (301, 302):
                break
            response = self.client.get(response.headers["Location"], HTTP_ACCEPT="text/html", **speaks)
        kept = {name: value for name, value in response.headers.items() if name.lower() in ("content-type", "content-security-policy")}
        content = b"".join(response.streaming_content) if response.streaming else response.content
        route.fulfill(status=response.status_code, headers=kept, body=content)


def _of_node(node: dict[str, Any]) -> str:
    words = "; ".join(each["message"] for each in [*node["any"], *node["all"], *node["none"]])
    return f"at {' '.join(str(each) for each in node['target'])}: {words[:220]}"
