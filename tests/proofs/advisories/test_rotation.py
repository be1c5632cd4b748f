"""Trust that changes: a rotated log, authority or key; a key found out; and a verdict that names the trust it rests on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from proofs.assess import assess_evidence
from proofs.errors import Malformed
from proofs.evidence import TrustMaterial
from proofs.keys import RegisteredKey, load_spki
from proofs.moment import rfc3339
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.advisories.asked import KINDS, VERIFIED, code, make
from tests.proofs.factory import DAY, KEY_TRUST, NOON, PUBLIC_KEY, TRUST, assess, bundle, changed, key_signed
from tests.proofs.formats import PROFILES, Formats

OLD, NEW = Formats(NOON), Formats(NOON)
ROTATED_AT = NOON - DAY
LISTS = ("tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities")


def rotated() -> bytes:
    """Return a trust root in which every member of the old instance ended a day ago, and those of the new one began then."""
    old, new = json.loads(OLD.document()), json.loads(NEW.document())
    for name in LISTS:
        for member in old[name]:
            _window(member).update(end=rfc3339(ROTATED_AT))
        for member in new[name]:
            _window(member).update(start=rfc3339(ROTATED_AT))
        old[name] += new[name]
    return json.dumps(old).encode()


def _window(member: dict[str, Any]) -> dict[str, Any]:
    window: dict[str, Any] = member["publicKey"]["validFor"] if "publicKey" in member else member["validFor"]
    return window


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.signer == "certificate"])
class TestRotation:
    """An old bundle stays good for its own time, and neither the old members nor the new ones vouch for the other's time."""

    @staticmethod
    def outcome(by: Formats, name: str, at: datetime) -> str:
        root = parse_trust_root(rotated(), profile=PROFILES[KINDS[name].profile])
        return code(make(name, by=by, at=at), name, trust=TrustMaterial((root,)), received_at=NOON + DAY)

    def test_each_is_good_on_its_own_side(self, name: str) -> None:
        assert self.outcome(OLD, name, ROTATED_AT - timedelta(hours=1)) == VERIFIED
        assert self.outcome(NEW, name, ROTATED_AT + timedelta(hours=1)) == VERIFIED

    def test_and_refused_on_the_other(self, name: str) -> None:
        # Timestamps are looked at before the log's key, and that before the certificate.
        wanted = "tsa.time" if KINDS[name].stamps else "tlog.key_window"
        if KINDS[name].stamps and KINDS[name].entry in (("hashedrekord", "0.0.1"), ("dsse", "0.0.1")):
            wanted = "tlog.key_window"
        assert self.outcome(OLD, name, ROTATED_AT + timedelta(hours=1)) == wanted
        assert self.outcome(NEW, name, ROTATED_AT - timedelta(hours=1)) == wanted


@pytest.mark.parametrize("place", [("tlogs", 0), ("ctlogs", 0), ("certificateAuthorities", 0), ("timestampAuthorities", 0)])
def test_a_member_that_was_trusted_since_ever_makes_the_whole_document_malformed(place: tuple[str, int]) -> None:
    """A missing `validFor.start` read as "always" would make every stolen old key good again."""

    def forget_start(value: dict[str, Any]) -> None:
        _window(value[place[0]][place[1]]).pop("start")

    assert parse_trust_root(OLD.document()).digest
    with pytest.raises(Malformed) as refused:
        parse_trust_root(changed(OLD.document(), forget_start))
    assert refused.value.code == "trust_root.malformed"


class TestKeyFoundOut:
    """After a key is known to be stolen, what a log or a timestamp proves to be older stays good, and nothing else does."""

    @pytest.mark.parametrize("name", ["key-file-v1", "key-file-v2", "key-envelope-v2", "key-envelope-dsse"])
    def test_signed_before_and_after(self, name: str) -> None:
        key = load_spki(OLD.spki())
        stolen = RegisteredKey(key, OLD.born_at, revoked_at=ROTATED_AT)
        roots = OLD.trust().trust_roots
        for at, wanted in ((ROTATED_AT - timedelta(seconds=1), VERIFIED), (ROTATED_AT, "key.revoked")):
            assert code(make(name, by=OLD, at=at), name, trust=TrustMaterial(roots, (stolen,)), received_at=NOON) == wanted

    def test_without_a_proven_time_the_time_of_the_verdict_counts(self) -> None:
        stolen = TrustMaterial(keys=(RegisteredKey(PUBLIC_KEY, NOON - DAY, revoked_at=NOON),))
        assert assess(key_signed(), trust=KEY_TRUST).code == VERIFIED
        assert assess(key_signed(), trust=stolen).code == "key.revoked"
        assert assess(key_signed(), trust=stolen, received_at=NOON - timedelta(seconds=1)).code == VERIFIED


class TestTimeIsSigningTime:
    def test_what_was_good_when_signed_is_good_for_ever(self) -> None:
        raw = bundle()
        for received_at in (NOON, NOON + 40 * 365 * DAY):
            assert assess_evidence(raw, trust=TRUST, received_at=received_at).code == VERIFIED

    def test_a_verdict_names_the_trust_root_by_its_bytes(self) -> None:
        facts = assess(bundle()).facts
        assert facts is not None
        assert facts["trustRoot"] == TRUST.trust_roots[0].digest
        assert facts["times"] == [{"source": "log", "at": rfc3339(NOON)}]
