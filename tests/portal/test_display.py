"""How values look: digests, states, times, navigation. No database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import RequestFactory

from portal.templatetags.display import MESSAGE_TONES, NAVIGATION, STATES, TONES, monogram, say_when
from portal.templatetags.icons import SHAPES

pytestmark = pytest.mark.once

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HEX = "4f2a9c11" + "0" * 52 + "e7b0"


def render(source: str, **context: object) -> str:
    return Template("{% load display %}" + source).render(Context(context))


class TestDigest:
    def test_is_short_and_whole_at_once(self) -> None:
        shown = render("{% digest value %}", value=f"sha256:{HEX}")
        assert "4f2a 9c11…<b>e7b0</b>" in shown
        assert f'data-copy="sha256:{HEX}"' in shown
        assert f'<code class="digest-full">sha256:{HEX}</code>' in shown

    def test_a_bare_one_has_no_algorithm(self) -> None:
        assert "sha256:" not in render("{% digest value %}", value=HEX)

    def test_what_is_not_a_digest_is_escaped_and_left_whole(self) -> None:
        shown = render("{% digest value %}", value='<script>"')
        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown


class TestState:
    @pytest.mark.parametrize("word", sorted(STATES))
    def test_is_word_icon_and_colour(self, word: str) -> None:
        shown = render("{% state word %}", word=word)
        label, tone, _ = STATES[word]
        assert label in shown
        assert f'class="tag {tone}"' in shown
        assert "<svg" in shown

    def test_no_label_promises_too_much(self) -> None:
        said = " ".join(label.lower() for label, _, _ in STATES.values())
        assert not re.search("trusted|secure|safe|compliant", said)

    def test_an_unknown_word_is_shown_plainly(self) -> None:
        shown = render("{% state word %}", word="break_glass <b>")
        assert 'class="tag plain"' in shown
        assert "Break glass &lt;b&gt;" in shown

    def test_tone_and_label_may_be_given(self) -> None:
        shown = render('{% state "yes" "bad" label="Altered" %}')
        assert 'class="tag bad"' in shown
        assert "Altered" in shown

    def test_every_icon_exists(self) -> None:
        used = {symbol for _, _, symbol in STATES.values()} | set(TONES.values()) | {symbol for _, symbol in MESSAGE_TONES.values()}
        templates = " ".join(path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html"))
        used |= set(re.findall(r'{% icon "(\w+)"', templates)) | set(re.findall(r'symbol="(\w+)"', templates))
        assert used <= set(SHAPES)


class TestWhen:
    @pytest.mark.parametrize(
        ("ago", "said"),
        [
            (timedelta(seconds=3), "just now"),
            (timedelta(minutes=4), "4 min ago"),
            (timedelta(minutes=59), "59 min ago"),
            (timedelta(hours=3), "3 h ago"),
            (timedelta(days=1), "1 day ago"),
            (timedelta(days=12), "12 days ago"),
            (timedelta(days=40), "21 Jan 2026"),
            (timedelta(seconds=-3), "in a moment"),
            (timedelta(hours=-3), "in 3 h"),
            (timedelta(days=-400), "6 Apr 2027"),
        ],
    )
    def test_says_it_as_people_do(self, ago: timedelta, said: str) -> None:
        assert say_when(NOW - ago, NOW) == said

    def test_the_exact_time_is_in_the_title(self) -> None:
        shown = render("{% when value %}", value=NOW)
        assert 'datetime="2026-03-02T12:00:00+00:00"' in shown
        assert 'title="2 March 2026, 12:00:00 UTC"' in shown

    def test_never_is_a_word(self) -> None:
        assert render("{% when value %}", value=None) == "never"


class TestNavigation:
    @pytest.mark.parametrize(
        ("path", "room"),
        [
            ("/queue", "Queue"),
            ("/requests/req_1/sign", "Queue"),
            ("/artifacts/sha256:00", "Artifacts"),
            ("/identities", "Identities"),
            ("/gates/decisions", "Gates"),
            ("/log/checkpoint", "Log"),
            ("/logout", ""),
            ("/settings/keys", ""),
        ],
    )
    def test_marks_the_room_of_the_page(self, path: str, room: str) -> None:
        shown = render("{% navigation %}", request=RequestFactory().get(path))
        assert re.findall(r'aria-current="page">(\w+)<', shown) == ([room] if room else [])
        assert len(re.findall("<a ", shown)) == len(NAVIGATION)


def test_a_monogram_is_two_letters_at_most() -> None:
    assert [monogram(name) for name in ("Alice Chen", "alice", "Ana de la Cruz", "")] == ["AC", "A", "AC", ""]


def _scripts(template: str) -> set[str]:
    """Return the own scripts a template loads, with those of the layouts and parts it names."""
    source = (settings.BASE_DIR / "templates" / template).read_text()
    named = re.findall(r"""{% (?:extends|include) "([^"]+)\"""", source)
    own = set(re.findall(r"static 'js/([^']+)'", source))
    return own.union(*(_scripts(name) for name in named if name != template and (settings.BASE_DIR / "templates" / name).exists()))


def test_no_page_loads_more_than_15_kb_of_own_script() -> None:
    templates = settings.BASE_DIR / "templates"
    folder = settings.BASE_DIR / "static" / "js"
    loaded = {}
    for path in templates.rglob("*.html"):
        scripts = _scripts(str(path.relative_to(templates)))
        scripts |= {name for script in scripts for name in re.findall(r'from "\./([^"]+)"', (folder / script).read_text())}
        loaded[path.name] = sum((folder / script).stat().st_size for script in scripts)
    assert max(loaded.values()) > 0
    assert {name: size for name, size in loaded.items() if size > 15_000} == {}
