"""A portal that lies about what changed: step 21 makes the comparison again, and holds what was acknowledged against it.

Everything here is really signed by the person's passkey and recorded by the portal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.canonical import canonical_bytes, parse_json
from proofs.comparison.compare import asked_signals, compare_releases
from proofs.comparison.picture import COMPARISON_VERSION, KNOWN_VERSIONS, Pictured, build_picture
from proofs.digest import sha256_hex
from proofs.pack import layout
from tests.proofs.pack.lies import check, code_of
from tests.proofs.pack.world import ARTIFACT, World, alice

ELSEWHERE = {"code": "serves-other", "sentence": "The registry has something else under this name."}
MOVED = {"code": "retagged", "sentence": "The tag moved."}
RECORD = "cd" * 32
Change = Callable[[dict[str, Any]], object]


def picture_of(world: World, version: int = COMPARISON_VERSION) -> dict[str, Any]:
    return build_picture(
        [Pictured(verdict, raw) for raw, verdict in zip(world.evidence, world.verdicts, strict=True)],
        artifacts=[{"digest": ARTIFACT, "name": "payments.tar.gz"}],
        policy={"id": world.policy.id, "version": world.policy.version, "digest": world.policy.digest},
        subject=None,
        team="payments",
        environment="production",
        version=version,
    )


def compared(
    *, path: dict[str, str] = ELSEWHERE, baseline: bool = True, version: int = COMPARISON_VERSION
) -> tuple[World, dict[str, Any], bytes]:
    """A world whose page compared with an earlier release, the comparison as it truly is, and the baseline's picture."""
    world = World()
    now = picture_of(world, version)
    before = canonical_bytes({**now, "source": [{"repository": "https://git.example/a", "commit": "a" * 40, "ref": None}]})
    context = {"tier": 3, "path": [path]}
    told = {"request": "req_0", "picture": {"sha256": sha256_hex(before)}, "records": [{"sha256": RECORD}]}
    comparison = {
        "version": version,
        "baseline": told if baseline else None,
        "picture": {"sha256": sha256_hex(canonical_bytes(now))},
        "context": context,
        **compare_releases(parse_json(before) if baseline else None, now, context),
    }
    return world, comparison, before


def packed(
    world: World, comparison: dict[str, Any], before: bytes, *, acknowledged: Any = None, record: str = RECORD, lie: Change | None = None
) -> dict[str, bytes]:
    """The pack of an approval of that page; `acknowledged` is what it asked for unless told otherwise, `lie` changes what the page said."""
    ticked = tuple(asked_signals(comparison)) if acknowledged is None else acknowledged
    if lie is not None:
        lie(comparison)
    world.snapshot = canonical_bytes({**parse_json(world.snapshot), "comparison": comparison})
    review = replace(world.approval(alice()).review, acknowledged=ticked, baseline=record)
    return world.pack(alice(changes={"review": review}), baseline=before)


def code_when(**changes: Any) -> str:
    world, comparison, before = compared()
    return code_of(packed(world, comparison, before, **changes), trust=world.trust)


def test_the_true_page_is_accepted() -> None:
    world, comparison, before = compared()
    assert asked_signals(comparison)
    assert len(check(packed(world, comparison, before), trust=world.trust).approvals) == 1


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_a_page_of_an_earlier_version_is_made_again_as_it_was(version: int) -> None:
    world, comparison, before = compared(version=version)
    assert parse_json(canonical_bytes(picture_of(world, version)))["schema"] == f"countersign-release-picture/v{version}"
    assert len(check(packed(world, comparison, before), trust=world.trust).approvals) == 1


@pytest.mark.parametrize("version", [1, COMPARISON_VERSION + 1])
def test_refuses_a_page_of_rules_that_it_does_not_know(version: int) -> None:
    assert code_when(lie=lambda told: told.update(version=version)) == "snapshot.mismatch"


@pytest.mark.parametrize(
    "lie",
    [
        lambda told: told["signals"].clear(),
        lambda told: told["signals"][0].update(sentence="All is well."),
        lambda told: told["signals"][0].update(asked=False),
        lambda told: told["areas"].pop(),
        lambda told: told["areas"][0].update(token="No change"),
        lambda told: told["picture"].update(sha256="0" * 64),
        lambda told: told["context"].update(path=[]),
        lambda told: told.update(version=COMPARISON_VERSION + 1),
        lambda told: told["context"].update(path=[{}]),
    ],
)
def test_refuses_a_page_that_hides_or_softens_what_changed(lie: Change) -> None:
    assert code_when(lie=lie) == "snapshot.mismatch"


@pytest.mark.parametrize("acknowledged", [(), (("ART_DOWNSTREAM_DIFF", "0" * 64),), (("REQ_BURST", "1" * 64),)])
def test_refuses_an_approval_that_did_not_acknowledge_just_what_was_asked(acknowledged: Any) -> None:
    assert code_when(acknowledged=acknowledged) == "review.mismatch"


def test_refuses_an_approval_of_what_nobody_can_approve() -> None:
    world, comparison, before = compared(path=MOVED)
    assert code_of(packed(world, comparison, before), trust=world.trust) == "review.mismatch"


@pytest.mark.parametrize("record", ["", "ef" * 32])
def test_refuses_a_statement_that_names_another_baseline_than_its_page(record: str) -> None:
    assert code_when(record=record) == "review.mismatch"


def test_refuses_another_picture_of_the_baseline() -> None:
    world, comparison, before = compared()
    files = packed(world, comparison, before)
    files[layout.BASELINE] = canonical_bytes({**parse_json(before), "source": None})
    files[layout.INDEX] = layout.build_index(files)
    assert code_of(files, trust=world.trust) == "snapshot.mismatch"
