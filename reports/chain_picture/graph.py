"""What a chain picture shows, as a value: nodes in three lanes, and edges between them. Pure.

The same value is drawn as a picture and written as a table, so that both say the same. `group_beyond` keeps it small enough to be looked at:
nothing is left out, what is too much for one place stands in it together, with the worst state of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

PEOPLE, WAY, PROOF = "people", "way", "proof"
LANES = (PEOPLE, WAY, PROOF)
LANE_WORDS = {PEOPLE: "People and programs", WAY: "The way of the artifact", PROOF: "Evidence and approvals"}
# How far something is known, the worst last. `ghost` is what is expected and absent.
VERIFIED, CLAIMED, GHOST, BROKEN = "verified", "claimed", "ghost", "broken"
STATES = (VERIFIED, CLAIMED, GHOST, BROKEN)
STATE_WORDS = {VERIFIED: "Verified", CLAIMED: "Only claimed", GHOST: "Missing", BROKEN: "Broken"}
MOST_NODES = 60
# Of the word on a broken line.
MOST_LETTERS = 9
# At most so many beside each other in one column of a lane, before they are grouped.
MOST_IN_CELL = {PEOPLE: 4, WAY: 6, PROOF: 4}


@dataclass(frozen=True, slots=True)
class Node:
    """One thing: what kind it is, its title and a line under it, its state with the word for it, and where its evidence is."""

    key: str
    lane: str
    kind: str
    title: str
    state: str
    word: str
    href: str
    line: str = ""

    @property
    def spoken(self) -> str:
        """The node as it is read out."""
        return ", ".join(part for part in (f"{self.kind}: {self.title}", self.line, self.word) if part)


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another: what the one is to the other, and how far that is known; `word` says that more exactly."""

    start: str
    end: str
    words: str
    state: str
    word: str = ""

    @property
    def label(self) -> str:
        """What is written on the line, if it is broken: its word, where that is short enough to stand between two boxes."""
        if self.state != BROKEN:
            return ""
        return self.word.lower() if 0 < len(self.word) <= MOST_LETTERS else STATE_WORDS[BROKEN].lower()


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole picture. Every edge joins two nodes that are there, and no way along the edges leads back."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def by_key(self) -> Mapping[str, Node]:
        """Return the nodes by their keys."""
        return {node.key: node for node in self.nodes}

    @property
    def summary(self) -> str:
        """Say how much of it is verified, claimed, missing and broken."""
        parts = [(state, sum(node.state == state for node in self.nodes)) for state in STATES]
        return ", ".join(f"{number} {STATE_WORDS[state].lower()}" for state, number in parts if number)


def layer_nodes(graph: Graph) -> dict[str, int]:
    """Return the column of every node: along the way the longest way that leads to it, and beside it the column of what it is about.

    Refuses nothing: what no edge joins stands in the first column.
    """
    lanes = {node.key: node.lane for node in graph.nodes}
    before: dict[str, list[str]] = {key: [] for key in lanes}
    for edge in graph.edges:
        if lanes[edge.start] == WAY and lanes[edge.end] == WAY:
            before[edge.end].append(edge.start)
    columns: dict[str, int] = {}

    def column_of(key: str) -> int:
        if key not in columns:
            columns[key] = max((column_of(earlier) + 1 for earlier in before[key]), default=0)
        return columns[key]

    for node in graph.nodes:
        if node.lane == WAY:
            column_of(node.key)
    for node in graph.nodes:
        if node.lane != WAY:
            about = [columns[edge.end] for edge in graph.edges if edge.start == node.key and edge.end in columns]
            columns[node.key] = min(about, default=0)
    return columns


def group_beyond(graph: Graph, *, most: int = MOST_NODES) -> Graph:
    """Return the same graph with at most `most` nodes: what is too much for one column of a lane is put together there."""
    for less in range(max(MOST_IN_CELL.values())):
        grouped = _group(graph, {lane: max(number - less, 1) for lane, number in MOST_IN_CELL.items()})
        if len(grouped.nodes) <= most:
            return grouped
    return grouped


def _group(graph: Graph, allowed: Mapping[str, int]) -> Graph:
    columns = layer_nodes(graph)
    cells: dict[tuple[str, int], list[Node]] = {}
    for node in graph.nodes:
        cells.setdefault((node.lane, columns[node.key]), []).append(node)
    into: dict[str, str] = {}
    together: dict[str, Node] = {}
    for (lane, column), nodes in cells.items():
        if len(nodes) > allowed[lane]:
            # What is wrong or missing is shown by itself for as long as there is room.
            ordered = sorted(nodes, key=lambda node: -STATES.index(node.state))
            rest = [node for node in nodes if node in ordered[allowed[lane] - 1 :]]
            key = f"more-{lane}-{column}"
            together[key] = _put_together(key, rest)
            into |= {node.key: key for node in rest}
    alone = tuple(node for node in graph.nodes if node.key not in into)
    return replace(graph, nodes=(*alone, *together.values()), edges=_merge(graph.edges, into))


def _put_together(key: str, nodes: Sequence[Node]) -> Node:
    worst = max(nodes, key=lambda node: STATES.index(node.state))
    kinds = list(dict.fromkeys(node.kind for node in nodes))
    parts = [(state, sum(node.state == state for node in nodes)) for state in STATES]
    line = ", ".join(f"{number} {STATE_WORDS[state].lower()}" for state, number in parts if number)
    return Node(key, worst.lane, " and ".join(kinds[:2]), f"{len(nodes)} more", worst.state, worst.word, worst.href.split("?")[0], line)


def _merge(edges: Sequence[Edge], into: Mapping[str, str]) -> tuple[Edge, ...]:
    found: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        moved = replace(edge, start=into.get(edge.start, edge.start), end=into.get(edge.end, edge.end))
        known = found.get((moved.start, moved.end))
        if moved.start == moved.end:
            continue
        if known is None or STATES.index(moved.state) > STATES.index(known.state):
            found[moved.start, moved.end] = moved
    return tuple(found.values())
