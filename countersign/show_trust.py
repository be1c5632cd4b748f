"""`countersign trust show`: the trust file in words, so that it can be compared with what somebody reads out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from countersign.find_trust import find_trust
from countersign.plain_text import plain, say
from proofs.canonical import parse_json
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.moment import rfc3339
from proofs.pack.trust import Trust, build_trust


def show_trust(*, trust_file: Path | None) -> int:
    """Print what is trusted and return 0, or print the refusal and return 1."""
    try:
        trust, path = find_trust(trust_file)
        lines = describe_trust(trust)
    except Refusal as refusal:
        say(f"REFUSED  {refusal.code}: {plain(refusal.reason)}")
        return 1
    say(f"{path}")
    for line in lines:
        say(plain(line))
    return 0


def describe_trust(trust: Trust) -> list[str]:
    """Return the lines that say what is trusted; the digest is of the canonical document, whatever the file's spacing."""
    lines = [
        f"digest        sha256:{sha256_hex(build_trust(trust))}",
        f"portal        {trust.origin}, passkeys for {trust.rp_id}, used at {', '.join(trust.origins)}",
        f"log           {trust.log}",
    ]
    lines += [f"recorder key  {item.key.key_id}, {_window(item.valid_from, item.valid_until)}" for item in trust.recorder_keys]
    lines += [f"trust root    {root.name}, sha256:{root.digest}" for root in trust.evidence_roots]
    lines += [
        f"evidence key  {item.key.key_id}, {_window(item.valid_from, item.valid_until)}"
        + (f", revoked {rfc3339(item.revoked_at)}" if item.revoked_at else "")
        for item in trust.evidence_keys
    ]
    for provider in trust.identity_providers:
        names = ", ".join(entry["kid"] for entry in parse_json(provider.keys)["keys"])
        second = f"; two factors are acr {' or '.join(provider.second_factor)}, or amr mfa" if provider.second_factor else ""
        lines.append(f"identities    {provider.issuer}, for {' and '.join(provider.audiences)}, keys {names}{second}")
    if trust.authenticators is not None:
        lines += [f"makers        of authenticators, by the root sha256:{sha256_hex(root)}" for root in trust.authenticators.roots]
        lines.append(f"models        {', '.join(trust.authenticators.models) or 'none'}")
    return lines


def _window(start: datetime, end: datetime | None) -> str:
    return f"from {rfc3339(start)}" + (f" until {rfc3339(end)}" if end else "")
