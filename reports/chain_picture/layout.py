"""Where everything of a chain picture stands: boxes in columns and lanes, lines between them, in whole numbers. Pure; draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.chain_picture.graph import LANE_WORDS, LANES, PEOPLE, WAY, Edge, Graph, Node, layer_nodes

BOX_WIDTH, BOX_HEIGHT = 176, 60
GUTTER, ROW_GAP = 56, 12
MARGIN, LANE_HEAD, LANE_GAP = 14, 24, 12
WORD_WIDTH = 60
# About so many letters fit into a box.
TITLE_LETTERS = 20


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place. `ahead` and `behind` are the keys that the arrow keys walk to along the edges, `above` and `below` beside it."""

    node: Node
    x: int
    y: int
    column: int
    ahead: tuple[str, ...]
    behind: tuple[str, ...]

    @property
    def title(self) -> str:
        """The title, as much of it as fits."""
        return _fit(self.node.title, TITLE_LETTERS)

    @property
    def width(self) -> int:
        return BOX_WIDTH

    @property
    def height(self) -> int:
        return BOX_HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as a path, and where its word and its cross stand."""

    edge: Edge
    path: str
    x: int
    y: int
    word_middle: int

    @property
    def cross(self) -> str:
        """The path of the cross over a broken line."""
        return f"M{self.x - 5} {self.y - 5}l10 10m-10 0l10 -10"

    @property
    def word_x(self) -> int:
        return self.word_middle - WORD_WIDTH // 2

    @property
    def word_y(self) -> int:
        return self.y - 23


@dataclass(frozen=True, slots=True)
class Band:
    """One lane: its name and where it lies."""

    words: str
    y: int
    height: int

    @property
    def words_y(self) -> int:
        return self.y + 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A laid out graph: its size, lanes, lines, and the boxes in the order in which they are read."""

    graph: Graph
    width: int
    height: int
    bands: tuple[Band, ...]
    lines: tuple[Line, ...]
    boxes: tuple[Box, ...]


def lay_out(graph: Graph) -> Picture:
    """Return the picture of a graph: columns by the longest way, lanes from top to bottom, and what shares both below each other."""
    columns = layer_nodes(graph)
    rows: dict[str, int] = {}
    used: dict[tuple[str, int], int] = {}
    for node in graph.nodes:
        cell = (node.lane, columns[node.key])
        rows[node.key] = used.get(cell, 0)
        used[cell] = rows[node.key] + 1
    bands, tops, bottom = _lanes(used)
    width = 2 * MARGIN + (max(columns.values(), default=0) + 1) * (BOX_WIDTH + GUTTER)
    deepest = max((number for (lane, _), number in used.items() if lane == PEOPLE), default=0)
    boxes = []
    for node in sorted(graph.nodes, key=lambda node: (columns[node.key], LANES.index(node.lane), rows[node.key])):
        x = MARGIN + GUTTER + columns[node.key] * (BOX_WIDTH + GUTTER) - GUTTER // 2
        row = rows[node.key]
        if node.lane == PEOPLE:
            # People stand right above what they did.
            row += deepest - used[node.lane, columns[node.key]]
        y = tops[node.lane] + row * (BOX_HEIGHT + ROW_GAP)
        ahead = tuple(edge.end for edge in graph.edges if edge.start == node.key)
        behind = tuple(edge.start for edge in graph.edges if edge.end == node.key)
        boxes.append(Box(node, x, y, columns[node.key], ahead, behind))
    placed = {box.node.key: box for box in boxes}
    lines = tuple(_line(edge, placed[edge.start], placed[edge.end]) for edge in graph.edges)
    return Picture(graph, width, bottom + MARGIN, bands, lines, tuple(boxes))


def _lanes(used: Mapping[tuple[str, int], int]) -> tuple[tuple[Band, ...], dict[str, int], int]:
    bands, tops, y = [], {}, MARGIN
    for lane in LANES:
        deepest = max((number for (of, _), number in used.items() if of == lane), default=0)
        if not deepest:
            continue
        tops[lane] = y + LANE_HEAD
        height = LANE_HEAD + deepest * (BOX_HEIGHT + ROW_GAP)
        bands.append(Band(LANE_WORDS[lane], y, height))
        y += height + LANE_GAP
    return tuple(bands), tops, y - LANE_GAP


def _line(edge: Edge, start: Box, end: Box) -> Line:
    if start.node.lane == WAY and end.node.lane == WAY:
        x1, y1 = start.x + BOX_WIDTH, start.y + BOX_HEIGHT // 2
        x2, y2 = end.x - 2, end.y + BOX_HEIGHT // 2
        middle = (x1 + x2) // 2
        # Past a column in between, the line bends in the gutter before its end, and so goes around what stands there.
        if end.column - start.column > 1:
            bend, under = end.x - GUTTER // 2, start.y + BOX_HEIGHT + ROW_GAP // 2
            out = x1 + GUTTER // 3
            return Line(edge, f"M{x1} {y1}H{out}V{under}H{bend}V{y2}H{x2}", (out + bend) // 2, under, (out + bend) // 2)
        return Line(edge, f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", middle, (y1 + y2) // 2, middle)
    # From above and below into the side of the box, along the gutter: no line crosses a box of its own column.
    from_above = start.node.lane == PEOPLE
    gutter = end.x - (13 if from_above else 20)
    y1 = start.y + BOX_HEIGHT // 2
    y2 = end.y + (BOX_HEIGHT // 4 if from_above else 3 * BOX_HEIGHT // 4)
    return Line(edge, f"M{start.x} {y1}H{gutter}V{y2}H{end.x - 2}", gutter, (y1 + y2) // 2, end.x - GUTTER // 2)


def _fit(text: str, letters: int) -> str:
    # Of a path the end tells one from another.
    if "/" in text and len(text) > letters:
        return f"…{text[1 - letters :]}"
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
