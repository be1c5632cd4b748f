"""Values of build parameters: told, held against those before, and never shown where they look like secrets."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.comparison.compare_source import compare_builder
from proofs.comparison.settings import MAX_SETTINGS, read_settings

CLAIMS = {"sourceRepository": "https://git.example/pay", "sourceCommit": "a" * 40, "sourceRef": "refs/tags/v1", "workflowPath": "build.yml"}


def settings(external: Any = None, internal: Any = None, version: str = "1.0") -> list[list[str]]:
    definition = {"externalParameters": external, "internalParameters": internal}
    return read_settings({"buildDefinition": definition}, CLAIMS, frozenset({version}))


def value(external: Any) -> str:
    ((_, _, shown),) = settings(external)
    return shown


def signals(before: Any, now: Any, internal: tuple[Any, Any] = (None, None)) -> list[tuple[str, str, str]]:
    def picture(external: Any, internal: Any) -> dict[str, Any]:
        names = sorted(external) if isinstance(external, dict) else []
        builder = {"id": "b", "buildType": "t", "workflow": "w", "runner": "r", "issuer": "i", "parameters": names}
        return {"builder": [{**builder, "settings": settings(external, internal)}], "source": None}

    area, found = compare_builder(picture(before, internal[0]), picture(now, internal[1]))
    assert (area.state == "same") == (before == now and internal[0] == internal[1])
    return [(signal.id, signal.level, signal.sentence) for signal in found]


class TestRead:
    def test_each_is_told_by_its_path(self) -> None:
        read = settings({"inputs": {"debug": False, "level": 3, "to": ["a", None], "no": {}}}, {"id": "7"})
        told = {name: shown for kind, name, shown in read if kind == "external"}
        assert told == {"inputs.debug": "false", "inputs.level": "3", "inputs.to[0]": "a", "inputs.to[1]": "null", "inputs.no": "{}"}
        assert ["internal", "id", "7"] in read

    def test_what_repeats_the_release_itself_is_told_as_that(self) -> None:
        read = settings({"ref": "refs/tags/v1", "sha": "a" * 40, "version": "v1.0", "path": "build.yml", "fake": "(its version)"})
        assert {name: shown for _, name, shown in read} == {
            "ref": "(its branch or tag)",
            "sha": "(its commit)",
            "version": "(its version)",
            "path": "(its workflow)",
            "fake": '"(its version)"',
        }

    @pytest.mark.parametrize(
        "external",
        [
            {"inputs": {"deploy_token": "hunter2"}},
            {"password": 1234},
            {"credentials": {"user": "bob"}},
            {"x": "ghp_abcdefghij"},
            {"x": "https://bob:hunter2@git.example/pay"},
            {"x": "Zm9vYmFyQmF6MTIzNDU2Nzg5MA"},
            {"api-key": "abc"},
            {"args": "--registry https://bob:hunter2@host/x"},
            {"args": "clone https://hunter2@host/x"},
            {"run": "deploy --with ghp_abcdefghij"},
            {"run": "deploy --password hunter2"},
            {"run": "mysql -p hunter2"},
            {"run": "NPM_TOKEN=hunter2 npm publish"},
            {"body": '{"password": "hunter2"}'},
            {"query": "https://h/x?access_token=abc"},
            {"params": [{"name": "NPM_TOKEN", "value": "hunter2"}]},
            {"params": [{"key": "npmToken", "value": "hunter2"}]},
            {"MYKEY": "hunter2"},
            {"signingKey": "hunter2"},
            {"pw": "hunter2"},
            {"x": "0123456789abcdef" * 4},
        ],
    )
    def test_what_looks_like_a_secret_is_a_digest(self, external: dict[str, Any]) -> None:
        assert value(external).startswith("(hidden, sha256 ")

    @pytest.mark.parametrize(
        "harmless",
        [
            {"run": "make test -j 4"},
            {"source": "ssh://git@git.example/pay"},
            {"image": "registry.example/node:22"},
            {"keyboard": "de"},
            {"author": "Alice"},
            {"baseCommit": "0123456789" * 4},
            {"x": "https://git.example/pay?tag=v2"},
        ],
    )
    def test_what_does_not_is_shown(self, harmless: dict[str, str]) -> None:
        assert value(harmless) == next(iter(harmless.values()))

    def test_what_follows_a_flag_is_hidden_and_the_rest_is_not(self) -> None:
        told = {name: shown for _, name, shown in settings({"flags": ["--password", "hunter2", "--level", "3"]})}
        assert told.pop("flags[1](--password)").startswith("(hidden, sha256 ")
        assert told == {"flags[0]": "--password", "flags[2]": "--level", "flags[3]": "3"}

    def test_a_pair_is_told_by_its_name_wherever_it_stands(self) -> None:
        pairs = [{"name": "LEVEL", "value": "3"}, {"name": "DEBUG", "value": "no", "type": "string"}]
        assert settings({"params": pairs}) == settings({"params": pairs[::-1]})
        assert {name: shown for _, name, shown in settings({"params": pairs})} == {
            "params[DEBUG]": "no",
            "params[DEBUG].type": "string",
            "params[LEVEL]": "3",
        }

    @pytest.mark.parametrize("written", ["x" * 500, "a\u202eb", "a\nb"])
    def test_what_is_long_or_deceives_is_a_digest(self, written: str) -> None:
        assert value({"x": written}).startswith(f"({len(written)} letters, sha256 ")

    def test_too_many_differ_all_the_same(self) -> None:
        many = {f"p{number:04}": "a" for number in range(MAX_SETTINGS + 5)}
        one, other = settings(many), settings({**many, f"p{MAX_SETTINGS + 4:04}": "b"})
        assert len(one) == MAX_SETTINGS + 1 and one != other

    @pytest.mark.parametrize("odd", ["text", 7, [[[]]], True])
    def test_nothing_is_refused(self, odd: Any) -> None:
        assert len(settings(odd, odd)) == 2


class TestCompare:
    def test_the_same_says_nothing(self) -> None:
        assert signals({"inputs": {"debug": False}}, {"inputs": {"debug": False}}) == []

    @pytest.mark.parametrize(
        ("now", "words"),
        [
            ({"inputs": {"debug": True}}, "inputs.debug: false → true"),
            ({"inputs": {"debug": False, "skip": "scan"}}, "inputs.skip = scan"),
            ({"inputs": {}}, "inputs.debug = false"),
        ],
    )
    def test_another_value_of_a_caller_asks(self, now: Any, words: str) -> None:
        ((signal, level, sentence), *_) = signals({"inputs": {"debug": False}}, now)
        assert (signal, level) == ("BLD_PARAMS_UNTRUSTED", "ack")
        assert words in sentence

    def test_another_secret_asks_and_shows_neither(self) -> None:
        ((_, level, sentence),) = signals({"token": "hunter2"}, {"token": "hunter3"})
        assert level == "ack" and "hunter" not in sentence

    def test_what_the_builder_sets_is_a_notice(self) -> None:
        ((signal, level, sentence),) = signals({}, {}, ({"repository_id": "1"}, {"repository_id": "2"}))
        assert (signal, level) == ("BLD_PARAMS_UNTRUSTED", "notice")
        assert "repository_id: 1 → 2" in sentence

    def test_a_new_name_is_told_once(self) -> None:
        assert len(signals({}, {"inputs": {"debug": True}})) == 1
