"""The one form of this room: a file of evidence. Its shape only; what is in it is read by the act."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadhandler import MemoryFileUploadHandler


class HoldInMemory(MemoryFileUploadHandler):
    """Holds the file in memory, as the API's door does, and never on disk. Its size is limited before by `portal.screen_requests`."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


class InputCollection(forms.Form):
    """A file of one or many pieces of evidence."""

    file = forms.FileField(
        allow_empty_file=True,
        label="File",
        help_text="One bundle or envelope, JSON lines, an npm attestation response, a PEP 740 provenance object, or a .tar, .tar.gz or .zip of these.",
        error_messages={"required": "Choose a file first."},
    )
