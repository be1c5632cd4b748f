"""A policy input with its evidence in order: found by predicate type and subject, so that many rules do not each walk through all of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proofs.policy.reading import objects, part_of, texts

# One signer's word: the item as this signer gives it, and the verdict as it stands in the input.
Word = tuple[dict[str, Any], dict[str, Any]]


class IndexedInput(dict[str, Any]):
    """A policy input, the same in every field, which must not change while it is in use.

    `vouchers` and `vouched` are what other modules find out once about its evidence.
    """

    def __init__(self, policy_input: dict[str, Any]) -> None:
        super().__init__(policy_input)
        self.vouchers: list[tuple[dict[str, Any], frozenset[str]]] | None = None
        self.vouched: dict[int, tuple[dict[str, Any], bool]] = {}
        self._words: list[Word] = []
        self._factless: list[int] = []
        self._places: dict[tuple[str, str], list[int]] = {}
        for item in policy_input["evidence"]:
            facts = part_of(item["verdict"], "facts")
            for signed in by_signer(item):
                self._place(facts, len(self._words))
                self._words.append((signed, item["verdict"]))

    def words_about(self, predicate_types: Iterable[str], digest: str) -> list[Word]:
        """Return what any signer says of these types about this digest, and what says nothing we could read, in the input's order."""
        found = {place for kind in predicate_types for place in self._places.get((kind, digest), ())}
        return [self._words[place] for place in sorted(found.union(self._factless))]

    def _place(self, facts: dict[str, Any], place: int) -> None:
        if not facts:
            self._factless.append(place)
            return
        kind = facts.get("predicateType")
        if isinstance(kind, str):
            for digest in {digest for subject in objects(facts.get("subjects")) for digest in texts(subject.get("digests"))}:
                self._places.setdefault((kind, digest), []).append(place)


def by_signer(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the item as each of its proven signers gives it: one for the signer, one more for each co-signer of the same envelope."""
    verdict = item["verdict"]
    facts = part_of(verdict, "facts")
    signers = objects(facts.get("coSigners"))
    if not signers:
        return [item]
    known = {str(each.get("keyId")): each for each in objects(verdict.get("coIdentities") if isinstance(verdict, dict) else None)}
    others = []
    for signer in signers:
        who = known.get(str(signer.get("keyId")), {})
        said = {"identity": who.get("identity"), "because": who.get("because")}
        others.append({**verdict, "facts": {**facts, "signer": signer}, **said})
    return [item, *({**item, "verdict": other} for other in others)]
