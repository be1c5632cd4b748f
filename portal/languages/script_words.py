"""What the scripts say, read from the scripts: every sentence stands there once, in English, as `said("…")`."""

from __future__ import annotations

import re
from functools import cache

from django.conf import settings
from django.utils.translation import gettext

# Scripts of the frame, which is translated whatever page it surrounds.
OF_THE_FRAME = ("palette",)
SAID = re.compile(r'\bsaid\(\s*"((?:[^"\\]|\\.)+)"')


@cache
def list_script_words() -> dict[str, tuple[str, ...]]:
    """Return, by the name of a script, what it says."""
    scripts = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
    return {path.stem: tuple(SAID.findall(path.read_text(encoding="utf-8"))) for path in scripts}


def words_for(*, is_translated: bool) -> dict[str, str]:
    """Return what the scripts of a page say, English to the reader's language, where that differs."""
    every = list_script_words()
    said = [words for name in every if is_translated or name in OF_THE_FRAME for words in every[name]]
    return {words: shown for words in said if (shown := gettext(words)) != words}
