"""How pages take a file: held in memory, never on disk. Its size is limited before, by `portal.screen_requests`."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler


class HoldInMemory(MemoryFileUploadHandler):
    """Holds the file in memory, as the API's door does. A page that takes a file names it in `request.upload_handlers`; all others take none."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True
