"""`make axe`: every page of the URL map, in light and dark, at three widths, in every state it has. Exit code 1 on anything found.

Words after `--` choose pages by a part of their name: `python -m tests.axe -- approvals:queue`. `COUNTERSIGN_AXE_LANGUAGE` is the language
they are read in, for example `de`, or one of the made-up ones (`portal/languages/pseudo.py`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

SWEEP = Path(__file__).resolve().parent / "sweep.py"

if __name__ == "__main__":
    os.environ["COUNTERSIGN_AXE_PAGES"] = " ".join(word for word in sys.argv[1:] if word != "--")
    raise SystemExit(pytest.main(["-s", "-q", "-p", "no:cacheprovider", str(SWEEP)]))
