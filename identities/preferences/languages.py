"""Which language a page is written in: what its reader chose, else what their browser asks for first of what there is, else English."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation.trans_real import parse_accept_lang_header

# What is offered beside English when pages are looked over for words nobody translated: tests and DEBUG only.
PSEUDO_CODES = ("en-xa", "ar-xb")
ENGLISH = "en"


def language_for(chosen: str, asked: str) -> str:
    """Return the code of a language that pages are written in, for what a person chose (or nothing) and an Accept-Language header."""
    if chosen:
        return _known(chosen) or ENGLISH
    for code, weight in parse_accept_lang_header(asked):
        found = _known(code) if weight > 0 else None
        if found is not None:
            return found
    return ENGLISH


def _known(code: str) -> str | None:
    """Return the language behind a code, which may name a country too; nothing where there is none."""
    if settings.PSEUDO_LANGUAGES and code in PSEUDO_CODES:
        return code
    spoken = code.partition("-")[0]
    return spoken if spoken in dict(settings.LANGUAGES) else None
