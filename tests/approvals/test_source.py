"""A policy is read from YAML with the place of every part, and what is wrong is told with its line."""

from __future__ import annotations

import pytest

from approvals.policies.source import find_troubles, read_source
from tests import make_approvals as make

pytestmark = pytest.mark.once

SOURCE = make.POLICY.format(version=1, count=1)


def lines_of(source: str) -> list[tuple[int, str]]:
    return [(trouble.line, trouble.code) for trouble in find_troubles(source)]


def line_of(source: str, words: str) -> int:
    """The last line with these words."""
    return max(number for number, line in enumerate(source.splitlines(), start=1) if words in line)


class TestReadSource:
    def test_knows_where_everything_stands(self) -> None:
        read = read_source(SOURCE)
        assert read.find_place("rules[1].count").line == line_of(SOURCE, "count: 1")
        assert read.find_place("rules[0].builders[0].workflow").line == line_of(SOURCE, "workflow:")
        assert read.find_place("rules[1].role").column == 5

    def test_what_is_missing_stands_where_it_would_be(self) -> None:
        read = read_source(SOURCE)
        assert read.find_place("rules[1].nothing") == read.find_place("rules[1]")
        assert read.find_place("nothing").line == 1

    def test_comments_mean_nothing(self) -> None:
        assert read_source("# first\na: 1 # one\n").value == {"a": 1}
        assert read_source("# first\na: 1 # one\n").find_place("a").line == 2


class TestFindTroubles:
    def test_finds_none_in_what_can_be_stored(self) -> None:
        assert find_troubles(SOURCE) == []

    @pytest.mark.parametrize(
        ("old", "new", "code"),
        [
            ("count: 1", "count: none", "policy.malformed"),
            ("count: 1", "count: 1\n    colour: red", "policy.malformed"),
            ("kind: approvals", "kind: wishes", "policy.unknown_rule"),
            ("validityHours: 72", "validityHours: 7.5", "json.float"),
            ("validityHours: 72", "validityHours: 2026-01-01", "json.unrepresentable"),
            ("minimumAssurance: H2", "minimumAssurance: H9", "policy.malformed"),
            ("id: four-eyes", "id: approval", "policy.malformed"),
            ("requesterMayApprove: false", "requesterMayApprove: true", "policy.widening"),
            ("registeredSigner: true", "registeredSigner: *other", "policy.yaml"),
            ("minimumAssurance: H2", "minimumAssurance: H2\nminimumAssurance: H1", "policy.duplicate_key"),
            ("minimumAssurance: H2", "minimumAssurance: [}", "policy.yaml"),
            ("minimumAssurance: H2", "minimumAssurance: 2026-02-31", "policy.yaml"),
        ],
    )
    def test_tells_the_line(self, old: str, new: str, code: str) -> None:
        source = SOURCE.replace(old, new)
        (trouble,) = find_troubles(source)
        assert trouble.code == code
        assert trouble.line == line_of(source, new.splitlines()[-1])

    @pytest.mark.parametrize(
        "value",
        [
            "!!bool maybe",
            "!!timestamp soon",
            '!!int ""',
            '!!float ""',
            "1:" * 400 + "1.0",
            "1:" * 4000 + "1",
            "0x" + "f" * 20_000,
            r'"\UFFFFFFFF"',
            r'"\U00110000"',
            "9007199254740992",
        ],
    )
    def test_a_value_that_there_cannot_be_is_told_at_its_line(self, value: str) -> None:
        assert lines_of(f"schema: countersign-policy/v1\nvalidityHours: {value}\n") == [(2, "policy.yaml")]

    def test_a_character_that_no_yaml_has(self) -> None:
        assert lines_of("title: \0") == [(1, "policy.yaml")]

    def test_tells_the_first_of_every_rule_at_once(self) -> None:
        source = SOURCE.replace("count: 1", "count: 99").replace("requesterMayApprove: false", "exclude: [the-boss]")
        assert lines_of(source) == [(line_of(source, "count: 99"), "policy.malformed"), (line_of(source, "the-boss"), "policy.malformed")]

    def test_a_ref_that_means_too_much_is_found_in_its_rule(self) -> None:
        source = SOURCE.replace("repository: https://github.com/payments/api\n", 'repository: https://x\n        refs: ["^refs/.*"]\n')
        assert lines_of(source) == [(line_of(source, "id: provenance"), "expectation.pattern")]

    def test_text_that_is_no_mapping(self) -> None:
        assert lines_of("just text") == [(1, "policy.malformed")]
        assert lines_of("") == [(1, "policy.malformed")]
        assert lines_of("x: " + "y" * 70_000) == [(1, "policy.too_large")]
