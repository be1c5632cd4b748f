"""Trust roots as Sigstore publishes them: the copy that `sigstore` carries, and the current one by The Update Framework.

TUF decides alone whether what a mirror sends is what the holders of the root keys signed, is current, and follows what was known before:
what was fetched is kept in a folder, so that a mirror can neither go back nor stand still unnoticed. Nothing here decides to trust; the
caller stores what it is given. Only a command calls this. No verifier ever does: a verdict asks no network.
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient import Updater, UpdaterConfig  # type: ignore[attr-defined]  # its documented API; not in its __all__

from proofs.errors import Malformed, Unavailable, Unproven

PUBLIC_GOOD = "https://tuf-repo-cdn.sigstore.dev"
TARGET = "trusted_root.json"
MAX_ROOT_BYTES = 1024 * 1024


def embedded_trust_root() -> bytes:
    """Return the `trusted_root.json` of Sigstore's public instance as the installed `sigstore` carries it."""
    return _embedded(TARGET)


def embedded_tuf_root() -> bytes:
    """Return the TUF root metadata of Sigstore's public instance as the installed `sigstore` carries it: where an update may begin."""
    return _embedded("root.json")


def fetch_trust_root(*, mirror: str, tuf_root: bytes, folder: Path) -> bytes:
    """Return the current `trusted_root.json` of `mirror`, whose first trusted metadata is `tuf_root`; `folder` keeps what was seen.

    Refuses with `trust.unreachable` when the mirror does not answer, with `trust.update` when what it sends is not signed by enough of
    the right keys, has expired, or goes back behind what was seen, and with `trust.no_target` when it has no trusted root.
    """
    metadata, targets = folder / "metadata", folder / "targets"
    for place in (metadata, targets):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    base = mirror.rstrip("/")
    if not base.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise Malformed("trust.mirror", f"got the mirror {mirror[:200]!r}, expected an https address")
    config = UpdaterConfig(targets_max_length=5_000_000, prefix_targets_with_hash=True)
    try:
        updater = Updater(str(metadata), base, str(targets), f"{base}/targets/", config=config, bootstrap=tuf_root)
        updater.refresh()
        found = updater.get_targetinfo(TARGET)
        if found is None or found.length > MAX_ROOT_BYTES:
            raise Unproven("trust.no_target", f"{base} offers no {TARGET} of at most {MAX_ROOT_BYTES} bytes")
        return Path(updater.download_target(found)).read_bytes()
    except DownloadError as error:
        raise Unavailable("trust.unreachable", f"{base} did not answer as it should: {error}") from error
    except (RepositoryError, ValueError) as error:
        raise Unproven("trust.update", f"what {base} sends is not a trustworthy update: {error}") from error


def folder_of(mirror: str, *, under: Path) -> Path:
    """Return the folder in which what was seen of `mirror` is kept."""
    return under / "trust" / quote(mirror.rstrip("/"), safe="")


def _embedded(name: str) -> bytes:
    return (importlib.resources.files("sigstore._store") / quote(PUBLIC_GOOD, safe="") / name).read_bytes()
