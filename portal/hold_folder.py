"""Holds the portal's folder for as long as `up` or `demo` runs in it, so that a second one neither deletes nor runs on the same data.

The kernel lets go when the process ends, however it ends. Does not hold a database elsewhere, nor keep single commands out.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class FolderInUse(Exception):
    """Another portal runs in the folder."""


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold the folder, making it where it is missing. Refuses with FolderInUse when another process holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The folder itself is held, not a file in it: whoever deletes what is inside keeps holding it.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(f"A portal is running on the data in {folder}; stop it first.") from error
        yield
    finally:
        os.close(descriptor)
