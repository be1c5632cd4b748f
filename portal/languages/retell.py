"""Say in the reader's language a sentence that the code wrote in English, where it is one of those that are known; else leave it alone.

Sentences that are signed, kept in a row, or made where no framework is, are English and stay so. A page may show them in the reader's
language beside what they are: the sentence is held against the patterns in `portal.languages.sentences`, its parts are put into the
translated one, and what fits no pattern is shown as it is and marked as English. Nothing that is retold here is signed or kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from portal.languages.sentences import SENTENCES

ENGLISH = "en"
_PART = re.compile(r"%\((\w+)\)s")
# Parts whose words are the code's own, and are retold in turn. Every other part was given by people or by evidence, and stays what it is.
RETOLD = frozenset({"role", "roles", "many", "answer", "why", "doing", "wanted", "what"})
# Parts that are a list, with what stands between its pieces; each piece is retold.
LISTED = {"held": " and ", "signers": "; "}
# Parts that are a sentence of their own, signed or a program's, which stays English inside of the translated one.
KEPT = frozenset({"signal", "got", "expected"})
_JOINT = re.compile("(, | and | or )")


def retell(sentence: str) -> SafeString | None:
    """Return a sentence in the reader's language, ready for a page, or nothing where it fits no pattern."""
    for pattern, message in _patterns():
        found = pattern.fullmatch(sentence)
        if found is None:
            continue
        if not found.groupdict():
            return conditional_escape(gettext(message))
        parts = {name: _part(name, words) for name, words in found.groupdict().items()}
        return mark_safe(conditional_escape(gettext(message)) % parts)  # noqa: S308  both sides are escaped
    return None


def told(sentence: str) -> SafeString:
    """Return a sentence ready for a page: retold, or as it is and marked as English."""
    if not sentence or (get_language() or ENGLISH) == ENGLISH:
        return conditional_escape(sentence)
    return retell(sentence) or format_html('<span lang="en">{}</span>', sentence)


def told_list(words: str) -> SafeString:
    """Return what the code joined by commas and “and” ready for a page, each of it retold, or as it is and marked as English."""
    if not words or (get_language() or ENGLISH) == ENGLISH:
        return conditional_escape(words)
    known = retell(words)
    if known is not None:
        return known
    said = ((told(piece) if at % 2 == 0 else _piece(piece)) for at, piece in enumerate(_JOINT.split(words)))
    return mark_safe("".join(said))  # noqa: S308  every piece is escaped


def _part(name: str, words: str) -> SafeString:
    if name in KEPT:
        return format_html('<span lang="en">{}</span>', words)
    if name in LISTED:
        joint = LISTED[name]
        return format_html_join(_joint(joint), "{}", ((_piece(piece),) for piece in words.split(joint)))
    if name not in RETOLD:
        return format_html("<bdi>{}</bdi>", words)
    whole = retell(words)
    if whole is not None:
        return whole
    return mark_safe("".join(_piece(piece) for piece in _JOINT.split(words)))  # noqa: S308  every piece is escaped


def _piece(piece: str) -> SafeString:
    if _JOINT.fullmatch(piece):
        return conditional_escape(_joint(piece))
    return retell(piece) or format_html("<bdi>{}</bdi>", piece)


def _joint(joint: str) -> str:
    return {" and ": f" {gettext('and')} ", " or ": f" {gettext('or')} "}.get(joint, joint)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns, those with the most words of their own first, so that a narrow one is not hidden by a wide one."""
    return tuple((_pattern(message), message) for message in sorted(SENTENCES, key=_own_length, reverse=True))


def _own_length(message: str) -> int:
    return len(_PART.sub("", message))


def _pattern(message: str) -> re.Pattern[str]:
    pieces: Iterable[str] = _PART.split(message)
    written = "".join(re.escape(piece) if at % 2 == 0 else f"(?P<{piece}>.+?)" for at, piece in enumerate(pieces))
    return re.compile(written, re.DOTALL)
