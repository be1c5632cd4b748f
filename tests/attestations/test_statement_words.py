"""What a collection holds is named on the page of its evidence."""

from __future__ import annotations

from typing import Any

import pytest

from attestations.statement_words import list_claims
from proofs.facts import extract_facts
from tests.proofs.factory import STATEMENT, bundle, verify
from tests.proofs.test_predicates import CHAINLOOP, COLLECTED, INSIDE, WITNESS

pytestmark = pytest.mark.once


def claims_of(kind: str, predicate: dict[str, Any]) -> list[tuple[str, str]]:
    return list_claims(extract_facts(verify(bundle(statement=STATEMENT | {"predicateType": kind, "predicate": predicate}))))


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (WITNESS, ("Contains", f"https://witness.dev/attestations/git/v0.1, {INSIDE}")),
        (CHAINLOOP, ("Materials", "sbom, one without a name")),
        (CHAINLOOP, ("Run", "run-1")),
    ],
)
def test_a_collection_says_what_is_in_it(kind: str, row: tuple[str, str]) -> None:
    assert row in claims_of(kind, COLLECTED[kind])


def test_a_long_list_of_materials_is_cut_and_an_empty_one_is_no_row() -> None:
    many = {"materials": [{"name": f"m{number}"} for number in range(20)]}
    assert ("Materials", ", ".join(f"m{number}" for number in range(12)) + " and 8 more") in claims_of(CHAINLOOP, many)
    assert "Materials" not in dict(claims_of(CHAINLOOP, {}))
