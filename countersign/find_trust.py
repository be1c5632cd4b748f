"""Find the trust file: named on the command line, by the environment, or in its usual place. Never in the pack."""

from __future__ import annotations

import os
from pathlib import Path

from proofs.errors import Malformed, TooLarge, Unproven
from proofs.pack.trust import MAX_TRUST_BYTES, Trust, parse_trust

USUAL_PLACE = Path("~/.config/countersign/trust.json")


def find_trust(named: Path | None) -> tuple[Trust, Path]:
    """Return what to trust, and the file it came from. Refuses with `trust.missing`, `trust.unreadable` or as `parse_trust` does."""
    path = named or _from_environment() or USUAL_PLACE
    try:
        path = path.expanduser()
        if named is None and not path.exists():
            raise Unproven(
                "trust.missing",
                f"there is nothing to trust: no --trust, no $COUNTERSIGN_TRUST and no {USUAL_PLACE}. Get the portal's trust.json from "
                "its administrators by another way than the pack; a pack cannot vouch for itself",
            )
        if path.stat().st_size > MAX_TRUST_BYTES:
            raise TooLarge("trust.too_large", f"{path} is larger than {MAX_TRUST_BYTES} bytes")
        return parse_trust(path.read_bytes()), path
    except OSError as error:
        raise Malformed("trust.unreadable", f"{path} cannot be read: {error.strerror or error}") from error
    except RuntimeError as error:
        # There is no home folder to look in.
        raise Malformed("trust.unreadable", f"{path} cannot be found: {error}") from error


def _from_environment() -> Path | None:
    value = os.environ.get("COUNTERSIGN_TRUST")
    return Path(value) if value else None
