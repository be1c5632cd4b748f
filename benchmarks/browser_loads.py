"""What a real Chromium loads for a page, from the portal's own web server, with nothing kept from before."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.live import ROOT

# Long, for a machine that others use.
START_SECONDS = 300
PAINTED = (
    "() => new Promise(found => new PerformanceObserver(list => found(list.getEntries().at(-1).startTime))"
    ".observe({type: 'largest-contentful-paint', buffered: true}))"
)
ANSWERED = "() => performance.getEntriesByType('navigation')[0].responseStart"
OWN_SCRIPT = "/static/js/"


@dataclass(frozen=True)
class Loaded:
    """Bytes as they came, with their headers; the median and the quickest of the times, in milliseconds."""

    wire: int
    script: int
    requests: int
    paint: float
    quickest: float
    answered: float


def load_pages(pages: Mapping[str, Any], *, environment: Mapping[str, str], loads: int) -> dict[str, Loaded]:
    """Load each of the `pages` (path and session) so often, in turn, each time in a browser context of its own."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
    with _web_server(environment) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for number in range(loads + 1):
            for name, page in pages.items():
                seen = _load(browser, origin + page["path"], page["cookie"], page["session"])
                if number:  # The first only wakes the server and the browser.
                    found[name].append(seen)
        browser.close()
    return {name: _sum_up(seen) for name, seen in found.items()}


@contextlib.contextmanager
def _web_server(environment: Mapping[str, str]) -> Iterator[str]:
    """Run the command that `manage.py up` runs for the web, with one worker."""
    origin = environment["COUNTERSIGN_ORIGIN"]
    command = (
        "import os, django; django.setup(); from portal.processes import web; "
        f"child = web(host='localhost', port={urlsplit(origin).port}, workers=1); os.execvp(child.command[0], child.command)"
    )
    with subprocess.Popen([sys.executable, "-c", command], env=dict(environment), cwd=ROOT) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{origin}/healthz", timeout=5).close()
                    break
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError("the web server did not answer")
                time.sleep(0.2)
            yield origin
        finally:
            process.terminate()


def _load(browser: Any, address: str, cookie: str, session: str) -> dict[str, float]:
    context = browser.new_context()
    context.add_cookies([{"name": cookie, "value": session, "url": address}])
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    loaded: dict[str, float] = {"wire": 0, "script": 0, "requests": 0}
    own: set[str] = set()
    network.on(
        "Network.responseReceived",
        lambda event: own.add(event["requestId"]) if urlsplit(event["response"]["url"]).path.startswith(OWN_SCRIPT) else None,
    )

    def finished(event: dict[str, Any]) -> None:
        loaded["requests"] += 1
        loaded["wire"] += event["encodedDataLength"]
        loaded["script"] += event["encodedDataLength"] if event["requestId"] in own else 0

    network.on("Network.loadingFinished", finished)
    answer = page.goto(address)
    assert answer.status == 200, answer.status
    page.wait_for_load_state("networkidle")
    loaded["paint"], loaded["answered"] = page.evaluate(PAINTED), page.evaluate(ANSWERED)
    context.close()
    return loaded


def _sum_up(seen: list[dict[str, float]]) -> Loaded:
    return Loaded(
        wire=int(max(each["wire"] for each in seen)),
        script=int(max(each["script"] for each in seen)),
        requests=int(max(each["requests"] for each in seen)),
        paint=statistics.median(each["paint"] for each in seen),
        quickest=min(each["paint"] for each in seen),
        answered=statistics.median(each["answered"] for each in seen),
    )
