"""A file each long-running process touches when it has come round once more; `portal.probe` looks at its age.

Liveness by progress: a worker that is up but stuck stops touching its file.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

PROCESSES = ("worker", "beat", "checkpointd")


def beat_heart(process: str) -> None:
    """Note that a process has come round."""
    folder = Path(settings.HEARTBEAT_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / process).touch()
