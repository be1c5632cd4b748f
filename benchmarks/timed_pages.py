"""A filled portal in a process of its own: fills the database that the environment names, and then times the pages it is asked for by name."""

from __future__ import annotations

import gc
import json
import sys
import time

TEAMS, READERS = 1000, (1, 50, 1000)


def main() -> None:
    """Fill, tell in one line what can be asked, and answer each line that names a page with the seconds it took."""
    import django

    begun = time.monotonic()
    django.setup()
    from benchmarks.filled_portal import FilledPortal

    portal = FilledPortal(teams=TEAMS, readers=READERS)
    portal.fill(int(sys.argv[1]))
    pages = portal.pages()
    told = {"teams": TEAMS, "pages": list(pages), "loads": portal.loads(), "seconds": time.monotonic() - begun}
    print(json.dumps(told), flush=True)
    for ask in pages.values():
        ask()
    # A collection would be paid for by whichever page it falls into; what is made once is left out of those between the pages.
    gc.disable()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        ask = pages[line.strip()]
        gc.collect()
        began = time.perf_counter()
        ask()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
