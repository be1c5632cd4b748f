"""What the tests of packs share: one genuine pack, and short names for telling a lie about it and hearing the refusal."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.pack import layout
from proofs.pack.record_bundle import build_record_bundle, parse_record_bundle
from proofs.pack.report import PackReport
from proofs.pack.trust import Trust
from proofs.pack.verify import verify_pack
from tests.forge import FIRST, Parts, edited, forge, repack
from tests.proofs.pack.world import ARTIFACT, NOON, POLICY, Signing, World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

WORLD = World()
GENUINE = WORLD.pack()
KEYS = WORLD.keys
EVIDENCE = next(path for path in GENUINE if path.startswith(layout.EVIDENCE))
VERDICT = next(path for path in GENUINE if path.startswith(layout.VERDICTS))
SIGNER = next(path for path in GENUINE if path.startswith("signers/"))


def check(
    files: dict[str, bytes],
    *,
    trust: Trust = WORLD.trust,
    digest: str = ARTIFACT,
    environment: str = "production",
    at: datetime | None = NOON + HOUR,
) -> PackReport:
    return verify_pack(files, trust=trust, digest=digest, environment=environment, at=at)


def code_of(files: dict[str, bytes], **more: Any) -> str:
    with pytest.raises(Refusal) as refused:
        check(files, **more)
    return refused.value.code


def code_when_signed(signing: Signing, world: World | None = None, **more: Any) -> str:
    """Return the refusal of a pack in which the person really signed something that must not count."""
    place = world or World()
    return code_of(place.pack(signing), trust=place.trust, **more)


def code_of_lie(lie: Callable[[Parts], None], **more: Any) -> str:
    """Return the refusal of a pack that a portal with its own keys re-signed around a lie."""
    return code_of(forge(GENUINE, KEYS, lie), **more)


def policy_of(*, count: int = 1, requester_may: bool = False) -> dict[str, Any]:
    policy = copy.deepcopy(POLICY)
    policy["rules"][1]["count"] = count
    policy["rules"][2]["requesterMayApprove"] = requester_may
    return policy


def signed_payload() -> bytes:
    return GENUINE[FIRST + layout.STATEMENT]


def parse_envelope_payload(envelope: dict[str, Any]) -> bytes:
    return parse_envelope(envelope).payload


def envelope_edited(change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    """Return the pack with the record's envelope edited and everything unsigned around it rebuilt."""
    opened = parse_record_bundle(GENUINE[FIRST + layout.RECORD_BUNDLE])
    envelope = copy.deepcopy(opened.envelope_json)
    change(envelope)
    rebuilt = build_record_bundle(envelope=envelope, recorder=KEYS.recorder_public, log=KEYS.log_public, proof=opened.proof)
    return repack(edited(GENUINE, FIRST + layout.RECORD_BUNDLE, rebuilt))


def record_edited(change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    """Return the pack with the record's payload edited, its signature left as it was."""

    def edit(envelope: dict[str, Any]) -> None:
        record = parse_canonical(parse_envelope_payload(envelope))
        change(record)
        envelope["payload"] = KEYS.sign(canonical_bytes(record))["payload"]

    return envelope_edited(edit)


def record_forged(change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    """Return the pack with the record changed at the last moment and signed anew by the portal."""

    def edit(envelope: dict[str, Any]) -> None:
        record = parse_canonical(parse_envelope_payload(envelope))
        change(record)
        envelope.update(KEYS.sign(canonical_bytes(record)))

    return envelope_edited(edit)


def changed_value(value: Any) -> Any:
    return "reject" if isinstance(value, str) else {**value, "id": "other", "subject": "other", "notAfter": "2027-01-01T00:00:00Z"}
