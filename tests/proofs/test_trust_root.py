"""Trust roots that somebody spoiled are refused, never a crash; times at the end of the calendar are times like others."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from proofs.errors import Malformed
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.factory import INSTANCE, TRUST, assess, bundle, changed

LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def certificate_of_version_9(value: dict[str, Any]) -> None:
    holder = value["certificateAuthorities"][0]["certChain"]["certificates"][0]
    der = base64.b64decode(holder["rawBytes"])
    spoiled = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    assert spoiled != der
    holder["rawBytes"] = base64.b64encode(spoiled).decode()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda value: value["tlogs"][0].update(baseUrl="http://[x"), id="the address of a log"),
        pytest.param(lambda value: value["ctlogs"][0].update(baseUrl="https://[::1"), id="the address of a certificate log"),
        pytest.param(certificate_of_version_9, id="a CA certificate of X.509 version 9"),
    ],
)
def test_what_cannot_be_read_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(Malformed) as refused:
        parse_trust_root(changed(INSTANCE.trusted_root(), change))
    assert refused.value.code == "trust_root.malformed"


def test_evidence_received_in_the_last_second_of_the_calendar_is_judged() -> None:
    assert assess(bundle(), trust=TRUST, received_at=LAST_SECOND).result == "verified"
