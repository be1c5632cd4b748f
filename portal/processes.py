"""Which processes make up a portal, and the command line of each: the same under `manage.py up` and in containers of their own."""

from __future__ import annotations

import sys

from django.conf import settings

from portal.supervisor import Child

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "portal.celery"]
NAMES = ("web", "worker", "beat", "checkpointd")


def web(*, host: str, port: int, workers: int) -> Child:
    """The web server. WSGI: Django under ASGI costs several times the processor time for pages like ours."""
    # The server binds addresses, not names; browsers that try ::1 first go on to this one.
    address = "127.0.0.1" if host == "localhost" else host
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", address, "--port", str(port), "--no-ws"]
    # The server sets no time for sending a body, and who sends one slowly holds a thread: enough of them that a few such clients keep
    # nobody out. Each may hold a database connection, so not hundreds. A crowd is the proxy's to hold back.
    command += ["--workers", str(workers), "--blocking-threads", "32", "--backpressure", "64", "--respawn-failed-workers"]
    command += ["--workers-kill-timeout", "10", "--log-level", "warning", "portal.wsgi:application"]
    return _child("web", command)


def worker() -> Child:
    """Whoever works off the rows: our own loop, or Celery's worker where there is a broker to ring for it."""
    if not settings.BROKER_URL:
        return _child("worker", [*MANAGE, "worker"])
    return _child("worker", [*CELERY, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"])


def beat() -> Child:
    """Celery's clock. Our own worker loop needs none."""
    return _child("beat", [*CELERY, "beat", "--loglevel", "WARNING"])


def checkpointd() -> Child:
    """The signer of the log, which alone reads the log's key."""
    return _child("checkpointd", [*MANAGE, "checkpointd"])


def background() -> list[Child]:
    """Every process beside the web server."""
    return [worker(), *([beat()] if settings.BROKER_URL else []), checkpointd()]


def _child(name: str, command: list[str]) -> Child:
    # Python finds our packages from the folder it is started in.
    return Child(name, command, folder=str(settings.BASE_DIR))
