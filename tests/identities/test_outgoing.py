"""Which addresses are spoken to: what a name must never lead to, however it is written."""

from __future__ import annotations

import pytest

from identities.outgoing import _is_public

pytestmark = pytest.mark.once

INSIDE = [
    *(
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.7",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
    ),
    # Relays of 6to4, and what a router answers by itself.
    *("192.88.99.1", "192.0.0.9", "192.0.0.170"),
    *("::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fd00::1", "fec0::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1"),
    # IPv4 inside of IPv6: mapped, compatible, translated (RFC 2765), NAT64, 6to4, Teredo.
    *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1", "::ffff:0:127.0.0.1"),
    *("64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "2002:a00:1::1", "2001:0:a00:1::1"),
    # Segment routing, and what nobody has been given yet.
    *("5f00::1", "4000::1", "8000::1"),
]


def test_no_spelling_of_an_inside_address_is_public() -> None:
    assert [address for address in INSIDE if _is_public(address)] == []


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "::ffff:8.8.8.8", "2001:4860:4860::8888", "2a00:1450:4001::1", "2620:fe::fe"])
def test_public_ones_are(address: str) -> None:
    assert _is_public(address)
