"""The chain picture: a graph, its layout, and that picture and table say the same."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from reports.chain_picture.drawing import draw as drawing
from reports.chain_picture.graph import (
    BROKEN,
    CLAIMED,
    GHOST,
    MOST_NODES,
    PEOPLE,
    PROOF,
    VERIFIED,
    WAY,
    Edge,
    Graph,
    Node,
    group_beyond,
    layer_nodes,
)
from reports.chain_picture.layout import BOX_HEIGHT, BOX_WIDTH, lay_out
from tests import cast, make_break_glass
from tests import make_approvals as make
from tests.make_observations import observe, runs, said

EVIL = '"><script>alert(1)</script>'


def node(key: str, lane: str = WAY, state: str = VERIFIED, title: str = "") -> Node:
    return Node(key, lane, "Thing", title or key, state, "Verified", f"/{key}")


def edge(start: str, end: str, state: str = VERIFIED, word: str = "") -> Edge:
    return Edge(start, end, "leads to", state, word)


def chain(*more: Node, edges: tuple[Edge, ...] = ()) -> Graph:
    way = (node("source"), node("build"), node("artifact"))
    return Graph("Chain of it", (*way, *more), (edge("source", "build"), edge("build", "artifact"), *edges))


def draw(graph: Graph) -> str:
    return render_to_string("reports/chain_picture/_picture.html", drawing(graph))


def nodes_of(html: str) -> tuple[list[str], list[str]]:
    return re.findall(r'id="node-([^"]+)"', html), re.findall(r'data-node="([^"]+)"', html)


def edges_of(html: str) -> tuple[list[Any], list[Any]]:
    _, _, html = html.partition('<svg class="picture"')
    picture, table = html.split('<details class="twin">')[:2]
    pattern = r'data-from="([^"]+)" data-to="([^"]+)"'
    return re.findall(pattern, picture), re.findall(pattern, table)


class TestLayers:
    def test_a_node_stands_after_the_longest_way_that_leads_to_it(self) -> None:
        graph = chain(node("run"), edges=(edge("source", "run"), edge("artifact", "run")))
        assert layer_nodes(graph) == {"source": 0, "build": 1, "artifact": 2, "run": 3}

    def test_what_is_beside_the_way_stands_over_what_it_is_about(self) -> None:
        graph = chain(node("alice", PEOPLE), node("tests", PROOF), edges=(edge("alice", "artifact"), edge("tests", "build")))
        columns = layer_nodes(graph)
        assert (columns["alice"], columns["tests"]) == (2, 1)


class TestGrouping:
    def many(self, number: int, **states: str) -> Graph:
        evidence = tuple(node(f"e{i}", PROOF, states.get(f"e{i}", VERIFIED)) for i in range(number))
        places = tuple(node(f"p{i}", WAY) for i in range(number))
        people = tuple(node(f"h{i}", PEOPLE) for i in range(number))
        edges = [edge(item.key, "artifact") for item in evidence + people] + [edge("artifact", item.key) for item in places]
        return chain(*evidence, *places, *people, edges=tuple(edges))

    @pytest.mark.parametrize("number", [1, 50, 300])
    def test_it_never_shows_more_than_can_be_looked_at_and_leaves_nothing_out(self, number: int) -> None:
        graph = group_beyond(self.many(number))
        assert len(graph.nodes) <= MOST_NODES
        told = sum(int(item.title.split()[0]) if item.key.startswith("more-") else 1 for item in graph.nodes)
        assert told == 3 * number + 3
        keys = graph.by_key()
        assert all(item.start in keys and item.end in keys for item in graph.edges)

    def test_what_is_broken_is_not_put_among_others_while_there_is_room(self) -> None:
        graph = group_beyond(self.many(50, e37=BROKEN))
        assert graph.by_key()["e37"].state == BROKEN

    def test_a_group_is_as_bad_as_the_worst_in_it(self) -> None:
        graph = group_beyond(self.many(50, **{f"e{i}": BROKEN for i in range(10, 20)}))
        assert graph.by_key()["more-proof-2"].state == BROKEN


class TestLayout:
    def test_no_two_boxes_overlap_and_all_are_within(self) -> None:
        graph = chain(
            *(node(f"p{i}") for i in range(5)),
            *(node(f"h{i}", PEOPLE) for i in range(3)),
            edges=tuple([edge("artifact", f"p{i}") for i in range(5)] + [edge(f"h{i}", "p0") for i in range(3)]),
        )
        picture = lay_out(graph)
        taken = {(box.x, box.y) for box in picture.boxes}
        assert len(taken) == len(picture.boxes)
        for box in picture.boxes:
            assert box.x >= 0 and box.x + BOX_WIDTH <= picture.width and box.y + BOX_HEIGHT <= picture.height
        columns = sorted({box.x for box in picture.boxes})
        assert all(right - left > BOX_WIDTH for left, right in itertools.pairwise(columns))

    def test_the_boxes_come_in_the_order_in_which_they_are_read(self) -> None:
        graph = chain(node("proof", PROOF), node("alice", PEOPLE), edges=(edge("proof", "source"), edge("alice", "source")))
        assert [box.node.key for box in lay_out(graph).boxes] == ["alice", "source", "proof", "build", "artifact"]

    def test_an_empty_graph_is_drawn(self) -> None:
        assert lay_out(Graph("Nothing", (), ())).boxes == ()


class TestDrawing:
    def test_picture_and_table_have_the_same_nodes_and_edges(self) -> None:
        graph = chain(node("alice", PEOPLE), edges=(edge("alice", "artifact", BROKEN, "taken back"),))
        html = draw(graph)
        drawn, written = nodes_of(html)
        assert drawn == written and len(drawn) == 4
        lines, rows = edges_of(html)
        assert sorted(lines) == sorted(rows) and len(rows) == 3

    def test_whatever_it_is_called_is_text(self) -> None:
        html = draw(chain(node("alice", PEOPLE, title=EVIL), edges=(edge("alice", "artifact", CLAIMED, EVIL),)))
        assert "<script" not in html and "&lt;script&gt;" in html

    @pytest.mark.parametrize(("word", "written"), [("Altered", "altered"), ("", "broken"), ("not a short word", "broken")])
    def test_a_broken_line_has_a_cross_and_a_word(self, word: str, written: str) -> None:
        html = draw(chain(edges=(edge("source", "artifact", BROKEN, word),)))
        assert html.count('class="cross"') == 1 and f"<span>{written}</span>" in html

    @pytest.mark.parametrize("state", [VERIFIED, CLAIMED, GHOST])
    def test_no_other_line_has_one(self, state: str) -> None:
        html = draw(chain(node("p", WAY, state), edges=(edge("artifact", "p", state),)))
        assert 'class="cross"' not in html and f'class="line {state}"' in html

    def test_a_link_is_read_with_its_kind_and_state(self) -> None:
        assert 'aria-label="Thing: source, Verified"' in draw(chain())


@pytest.mark.django_db
class TestTold:
    def page(self, client: Client) -> str:
        client.force_login(cast.account_of(cast.carol()))
        return client.get(f"/artifacts/{make.image()}").content.decode()

    def test_the_whole_way_is_drawn(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        observe(runs(at=make.NOW), now=make.NOW)
        html = self.page(client)
        drawn, written = nodes_of(html)
        assert drawn == written and {"source", "build", "artifact"} <= set(drawn)
        lines, rows = edges_of(html)
        assert sorted(lines) == sorted(rows)
        assert 'aria-label="Person: Alice Chen, Registered"' in html
        assert "Answer: by Alice Chen" in html and "Observer: registry watcher" in html

    def test_what_the_policy_asks_for_and_nobody_brought_is_a_ghost(self, client: Client) -> None:
        make.set_stage()
        make.ask()
        html = self.page(client)
        assert "The policy asks for: Built by the release workflow, evidence, Missing" in html
        assert "Runtime: Not seen running" in html

    def test_another_digest_in_its_place_is_broken(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        observe(said(digest=make.image("something else"), at=make.NOW), now=make.NOW)
        html = self.page(client)
        assert ">altered</span>" in html and 'class="cross"' in html

    def test_a_rejected_item_is_broken(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_lie(stage)
        assert "signer not registered, Rejected" in self.page(client)

    def test_a_broken_glass_is_there_until_it_is_reviewed(self, client: Client) -> None:
        make.set_stage(source=make_break_glass.POLICY)
        make.ask()
        make_break_glass.declare()
        client.force_login(cast.account_of(cast.carol()))
        html = client.get(f"/artifacts/{make.image()}").content.decode()
        assert "Break-glass: Production" in html and "the glass was broken for Production" in html
