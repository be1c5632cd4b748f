"""A policy input with its evidence in order: read once, and found by predicate type and subject, so that many rules do not each read all of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from proofs.policy.reading import listed, name_of, objects
from proofs.policy.word import Place, Word, by_signer

__all__ = ["IndexedInput", "by_signer", "first_words"]

_NOTHING: dict[str, list[Word]] = {}


class IndexedInput(dict[str, Any]):
    """A policy input, the same in every field, which must not change while it is in use.

    `names` lists its artifacts in words; `first_words` holds for each item what its first signer says. `vouchers` are what another module finds out once about its evidence.
    """

    def __init__(self, policy_input: dict[str, Any]) -> None:
        super().__init__(policy_input)
        self.first_words: list[Word] = []
        self.vouchers: list[tuple[dict[str, Any], frozenset[str]]] | None = None
        self._factless: list[Word] = []
        self._about: dict[str, dict[str, list[Word]]] = {}
        place = Place(policy_input)
        count = 0
        for item in policy_input["evidence"]:
            own = item["verdict"]
            word = Word(item, own, place, count)
            self.first_words.append(word)
            self._add(word)
            count += 1
            if "coSigners" in word.facts:
                for signed in by_signer(item)[1:]:
                    self._add(Word(signed, own, place, count))
                    count += 1

    @cached_property
    def names(self) -> str:
        """Its artifacts, of which there is at least one, as sentences list them."""
        return listed([name_of(artifact) for artifact in self["artifacts"]])

    def words_about(self, predicate_types: tuple[str, ...], digest: str) -> list[Word]:
        """Return what any signer says of these types about this digest, and what says nothing we could read, in the input's order."""
        if len(predicate_types) == 1 and not self._factless:
            return self._about.get(predicate_types[0], _NOTHING).get(digest, [])
        found = {word.order: word for kind in predicate_types for word in self._about.get(kind, _NOTHING).get(digest, ())}
        found.update((word.order, word) for word in self._factless)
        return [found[order] for order in sorted(found)]

    def _add(self, word: Word) -> None:
        kind = word.predicate_type
        if not word.facts:
            self._factless.append(word)
        elif isinstance(kind, str):
            about = self._about.get(kind)
            if about is None:
                about = self._about[kind] = {}
            for digest in word.subjects:
                said = about.get(digest)
                if said is None:
                    about[digest] = [word]
                elif said[-1] is not word:
                    said.append(word)


def first_words(policy_input: dict[str, Any]) -> list[Word]:
    """Return for each item of an input what its first signer says; read once where the input can keep it."""
    if isinstance(policy_input, IndexedInput):
        return policy_input.first_words
    place = Place(policy_input)
    return [Word(item, item.get("verdict") or {}, place) for item in objects(policy_input.get("evidence"))]
