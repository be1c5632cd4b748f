"""Shape of what people send when they import: a file first, and then what stood in it again. What it says is read by the import."""

from __future__ import annotations

from django import forms

# It comes twice, the second time as a field, and requests are limited as a whole.
MAX_PAGE_BYTES = 256 * 1024
MAX_PAGE_PROGRAMS, MAX_PAGE_PARTS = 200, 1000


class InputFile(forms.Form):
    """A file of the register."""

    file = forms.FileField(
        label="File",
        help_text="CSV or JSON, as the export gives it. Nothing is changed before you have seen what would be.",
        error_messages={"required": "Choose a file first."},
    )

    def clean_file(self) -> bytes:
        sent = self.cleaned_data["file"]
        if sent.size > MAX_PAGE_BYTES:
            raise forms.ValidationError(
                f"Got {sent.size} bytes, expected at most {MAX_PAGE_BYTES}; larger files go in with manage.py import_identities."
            )
        content: bytes = sent.read()
        return content


class InputContent(forms.Form):
    """The same bytes once more, after they were looked through: in base64, because browsers change line ends."""

    content = forms.CharField(widget=forms.HiddenInput(), strip=False)
