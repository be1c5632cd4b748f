"""The German catalogue is whole: every message of the code is in it and translated, and what Django reads is what people wrote. No database."""

from __future__ import annotations

import gettext
import io
import re
from string import Formatter

import pytest
from babel.messages.catalog import Message

from approvals.attention.turns import OpenRole, TurnFacts, decide_turns
from portal.languages.retell import retell
from portal.languages.script_words import list_script_words
from portal.languages.sentences import SENTENCES
from tests.languages import catalogues

GERMAN = catalogues.read()
MESSAGES = [message for message in GERMAN if message.id]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
MARKUP = re.compile(r"</?[a-z]+|href=\S+?>")


def forms(message: Message) -> list[tuple[str, str]]:
    """Each form of the original beside its translation."""
    if isinstance(message.id, str):
        return [(message.id, message.string)]
    return list(zip(message.id, message.string, strict=True))


def parts(words: str) -> list[str]:
    """What must be the same in every language: placeholders of Python and of scripts, and elements."""
    named = [f"{{{name}}}" for _, name, _, _ in Formatter().parse(words) if name] if "{" in words else []
    return sorted([*PLACEHOLDER.findall(words), *named, *MARKUP.findall(words)])


def test_every_message_of_the_code_is_in_it_and_nothing_else() -> None:
    assert catalogues.written(catalogues.brought_up_to_date()) == (catalogues.FOLDER / "django.po").read_bytes(), "run: make messages"


def test_every_message_is_translated_and_none_is_fuzzy() -> None:
    assert len(MESSAGES) > 1000
    assert [message.id for message in MESSAGES if message.fuzzy or not all(german.strip() for _, german in forms(message))] == []


def test_placeholders_and_elements_are_the_same() -> None:
    assert [english for message in MESSAGES for english, german in forms(message) if parts(english) != parts(german)] == []


def test_what_is_compiled_is_what_is_written() -> None:
    kept = gettext.GNUTranslations(io.BytesIO((catalogues.FOLDER / "django.mo").read_bytes()))
    fresh = gettext.GNUTranslations(io.BytesIO(catalogues.compiled(GERMAN)))
    wanted, found = fresh._catalog, kept._catalog  # type: ignore[attr-defined]
    assert {key: said for key, said in found.items() if key} == {key: said for key, said in wanted.items() if key}, "run: make catalogues"


def test_every_word_of_the_scripts_is_found() -> None:
    said = list_script_words()
    assert {"sign", "passkey", "palette", "queue", "review", "copy"} <= {name for name, words in said.items() if words}
    assert "Copied" in said["copy"]


@pytest.mark.parametrize("status", ["ready", "stale", "revoked", "changes_requested", "draft", "rejected"])
def test_every_reason_why_it_is_somebodys_turn_can_be_said(status: str) -> None:
    role = OpenRole("approver:release", "release approver", frozenset({"a", "b"}), {"c": "Alice"})
    for ended in (False, True):
        facts = TurnFacts(status, [role], askers=frozenset({"x"}), signed_before={"b": 1}, mentioned={"m": "Bob"}, an_approval_ended=ended)
        for turn in decide_turns(facts).values():
            assert retell(turn.sentence) is not None, turn.sentence


def test_no_sentence_is_there_twice() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES)
