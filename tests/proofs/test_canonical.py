"""Canonical JSON: one way to write, one strict way to read."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.canonical import _CANONICAL, MAX_DEPTH, MAX_DIGITS, MAX_INTEGER, MOST_KEPT, canonical_bytes, parse_canonical, parse_json
from proofs.errors import Malformed, Refusal, TooLarge

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refusal_of(raw: bytes, **options: bool) -> str:
    with pytest.raises(Refusal) as refused:
        parse_json(raw, **options)
    return refused.value.code


class TestWriting:
    def test_sorts_keys_by_utf16_and_leaves_no_blank(self) -> None:
        assert canonical_bytes({"b": 1, "a": [True, None, "é"], "\U0001f600": 0, "\ufb33": 0}) == (
            '{"a":[true,null,"é"],"b":1,"\U0001f600":0,"\ufb33":0}'.encode()
        )

    @pytest.mark.parametrize("value", [1.0, {"a": [0.5]}, float("nan")])
    def test_refuses_floats(self, value: Any) -> None:
        with pytest.raises(Malformed) as refused:
            canonical_bytes(value)
        assert refused.value.code == "json.float"

    @pytest.mark.parametrize("value", [MAX_INTEGER + 1, {1: 2}, {"a": object()}])
    def test_refuses_what_has_no_canonical_form(self, value: Any) -> None:
        with pytest.raises(Malformed) as refused:
            canonical_bytes(value)
        assert refused.value.code == "json.unrepresentable"

    @settings(max_examples=100, deadline=None)
    @given(documents)
    def test_what_is_written_is_read_back_as_itself(self, value: Any) -> None:
        assert parse_canonical(canonical_bytes(value)) == value

    @settings(max_examples=300, deadline=None)
    @given(documents | st.dictionaries(st.text(alphabet='a\x00\x1f\x7f"\\/\n\ud7ff\ue000\uffff\U0001f600\U0010ffff'), documents))
    def test_is_what_the_reference_writes(self, value: Any) -> None:
        assert canonical_bytes(value) == rfc8785.dumps(value)

    @pytest.mark.parametrize(
        "value", [MAX_INTEGER, -MAX_INTEGER, [MAX_INTEGER], {"a": -MAX_INTEGER}, "9" * 20, {"b:9999999999999999": (1, ())}]
    )
    def test_writes_long_numbers_and_what_looks_like_one_as_the_reference_does(self, value: Any) -> None:
        assert canonical_bytes(value) == rfc8785.dumps(value)

    @pytest.mark.parametrize(
        "value", [MAX_INTEGER + 1, -MAX_INTEGER - 1, [10**16], {"a": -(10**17)}, "\ud800", ["a\udfff"], {True: 1}, {None: 1}]
    )
    def test_refuses_in_every_place(self, value: Any) -> None:
        with pytest.raises(Malformed) as refused:
            canonical_bytes(value)
        assert refused.value.code == "json.unrepresentable"


class TestReadAgain:
    def test_gives_a_value_of_its_own_each_time(self) -> None:
        raw = b'{"read again":[1]}'
        parse_canonical(raw)["read again"].append(2)
        assert parse_canonical(raw) == {"read again": [1]}

    def test_is_not_written_anew_to_compare(self) -> None:
        raw = b'{"written":"once"}'
        parse_canonical(raw)
        with patch("proofs.canonical.canonical_bytes", side_effect=AssertionError("written anew")):
            assert parse_canonical(raw) == {"written": "once"}

    def test_other_bytes_of_the_same_value_are_refused_still(self) -> None:
        parse_canonical(b'{"same":1}')
        with pytest.raises(Malformed) as refused:
            parse_canonical(b'{"same": 1}')
        assert refused.value.code == "json.not_canonical"

    def test_keeps_a_bounded_number_of_them(self) -> None:
        for number in range(MOST_KEPT + 10):
            parse_canonical(str(number).encode())
        assert len(_CANONICAL) == MOST_KEPT


class TestReading:
    @pytest.mark.parametrize(
        "raw", [b"", b"{", b"{}x", b"{'a':1}", b"\xff", b"\xef\xbb\xbf{}", b'"\\ud800"', b'{"\\udc00":1}', b'"', b'"\\', b"[1,]"]
    )
    def test_refuses_what_is_not_json(self, raw: bytes) -> None:
        assert refusal_of(raw) == "json.invalid"

    @pytest.mark.parametrize("sign", [b"", b"-"])
    @pytest.mark.parametrize("allow_floats", [True, False])
    def test_refuses_integers_of_absurd_length_before_they_are_numbers(self, allow_floats: bool, sign: bytes) -> None:
        longest = sign + b"9" * MAX_DIGITS
        assert parse_json(b"[%b]" % longest, allow_floats=allow_floats) == [int(longest)]
        for digits in (MAX_DIGITS + 1, 4_000, 900_000):
            assert refusal_of(b'{"a":%b}' % (sign + b"9" * digits), allow_floats=allow_floats) == "json.invalid"

    @pytest.mark.parametrize("raw", [b"NaN", b"[Infinity]", b'{"a":-Infinity}', b'{"a":1e999}', b"[-1.5E400]"])
    def test_refuses_numbers_json_does_not_have(self, raw: bytes) -> None:
        assert refusal_of(raw) == "json.float"

    @pytest.mark.parametrize("raw", [b'{"a":1,"a":1}', b'{"a":{"b":1,"\\u0062":2}}', b'[{"":0,"":0}]'])
    def test_refuses_a_key_given_twice(self, raw: bytes) -> None:
        assert refusal_of(raw) == "json.duplicate_key"

    def test_refuses_floats_on_demand_only(self) -> None:
        assert parse_json(b"[1.5]") == [1.5]
        assert refusal_of(b"[1.5]", allow_floats=False) == "json.float"
        assert refusal_of(b"[1e2]", allow_floats=False) == "json.float"

    def test_counts_depth_outside_strings_only(self) -> None:
        deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
        assert parse_json(deepest) is not None
        with pytest.raises(TooLarge):
            parse_json(b"[" + deepest + b"]")
        assert parse_json(json.dumps("[{" * 500 + '"\\').encode()) == "[{" * 500 + '"\\'

    def test_reads_a_whole_surrogate_pair(self) -> None:
        assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"

    @pytest.mark.parametrize("raw", [b'{"a": 1}', b'{"b":1,"a":2}', b'"\\u00e9"', b"[1]\n", b"-0"])
    def test_refuses_another_spelling_of_a_canonical_document(self, raw: bytes) -> None:
        with pytest.raises(Malformed) as refused:
            parse_canonical(raw)
        assert refused.value.code == "json.not_canonical"
