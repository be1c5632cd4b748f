"""Whether the static files are collected as they are now: collecting them anew takes longer than anything else at a start."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

MANIFEST, NOTE = "staticfiles.json", "collected-from.txt"


def is_collected() -> bool:
    """Say whether what stands in STATIC_ROOT was made from the files there are now. It looks at their names, sizes and times, not into them, and
    not at what somebody did to the collected ones."""
    folder = Path(settings.STATIC_ROOT)
    note = folder / NOTE
    return (folder / MANIFEST).is_file() and note.is_file() and note.read_text() == _made_from()


def note_collected() -> None:
    """Note what STATIC_ROOT was made from, once that is done."""
    (Path(settings.STATIC_ROOT) / NOTE).write_text(_made_from())


def _made_from() -> str:
    storage = settings.STORAGES["staticfiles"]["BACKEND"]
    digest = hashlib.sha256(f"{storage} {django.__version__} {version('whitenoise')}\n".encode())
    digest.update(Path(__file__).with_name("static_files.py").read_bytes())
    found = [(name, Path(place.path(name)).stat()) for finder in get_finders() for name, place in finder.list([])]
    for name, stat in sorted(found, key=lambda each: (each[0], each[1].st_mtime_ns)):
        digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
