"""The picture of a chain and its table twin as the template takes them: one graph, drawn and written."""

from __future__ import annotations

from typing import Any

from reports.chain_picture.graph import STATE_WORDS, STATES, Graph
from reports.chain_picture.layout import lay_out


def draw(graph: Graph) -> dict[str, Any]:
    """Return a laid out picture with the rows of its edges, each with the nodes it joins."""
    nodes = graph.by_key()
    rows = [
        {"edge": edge, "start": nodes[edge.start], "end": nodes[edge.end], "word": edge.word or STATE_WORDS[edge.state]}
        for edge in graph.edges
    ]
    return {"picture": lay_out(graph), "picture_edges": rows, "picture_states": STATES}
