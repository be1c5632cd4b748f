"""A pack as one zip file: the same files give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)


def zip_pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of `files` (path → content), sorted and without times, so that its digest can be compared."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, date_time=EPOCH), files[path], compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
