"""The files of the pages as they are served: named by their content, compressed once, and the style sheets of every page joined into one.

A browser draws nothing until it has all style sheets, and asks for each by itself. In the sources they stay apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

# In this order: later rules win.
FRAME_PARTS = ("css/tokens.css", "css/layout.css", "css/parts.css", "css/forms.css")
FRAME = "css/frame.css"


class PortalStaticStorage(CompressedManifestStaticFilesStorage):
    """Where `collectstatic` leaves what is served."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Join the style sheets of the frame, and have the result named and compressed as the others are."""
        if not dry_run and set(FRAME_PARTS) <= set(paths):
            joined = b"\n".join(_content(*paths[part]) for part in FRAME_PARTS)
            self.delete(FRAME)
            self.save(FRAME, ContentFile(joined))
            paths = {**paths, FRAME: (self, FRAME)}
        yield from super().post_process(paths, dry_run, **options)  # type: ignore[no-untyped-call]


def list_frame_styles() -> list[str]:
    """Return the addresses of the style sheets of every page: one where the files were collected, else each part."""
    is_joined = FRAME in getattr(staticfiles_storage, "hashed_files", {})
    return [staticfiles_storage.url(name) for name in ([FRAME] if is_joined else FRAME_PARTS)]


def _content(storage: Any, path: str) -> bytes:
    with storage.open(path) as file:
        return bytes(file.read())
