"""CVE-2026-44310 (gitsign): a verifier that breaks, or is killed, must not look like one that said yes.

The command is interrupted at many of the places it passes through, the last ones all of them: it returns 0 only after its whole answer.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from countersign.__main__ import main
from proofs.errors import Unproven
from proofs.pack.trust import build_trust
from tests.proofs.pack.lies import GENUINE, WORLD

REPOSITORY = Path(__file__).resolve().parent.parent.parent
OURS = (f"{REPOSITORY}/proofs/", f"{REPOSITORY}/countersign/")
LAST = 12


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "trust.json").write_bytes(build_trust(WORLD.trust))
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for name, content in GENUINE.items():
            archive.writestr(name, content)
    return ["verify", str(tmp_path / "pack.zip"), "--trust", str(tmp_path / "trust.json")]


def run_until(arguments: list[str], happens: Callable[[int], object]) -> int:
    """Run the command with `happens` called at each call of a function of ours, with its number; return the exit code.

    An error that leaves `main` is 1, which is what Python makes of it.
    """
    count = 0

    def at_call(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        if event == "call" and frame.f_code.co_filename.startswith(OURS) and frame.f_code.co_name != "main":
            count += 1
            happens(count)

    sys.setprofile(at_call)
    try:
        return main(arguments)
    except Exception:  # noqa: BLE001 - whatever it is
        return 1
    finally:
        sys.setprofile(None)


def count_calls(arguments: list[str]) -> int:
    """Return how many calls a run makes, once everything is loaded and remembered that is."""
    for _ in range(2):
        seen: list[int] = []
        assert run_until(arguments, seen.append) == 0
    return len(seen)


class Interrupted(Exception):
    """Something nobody expects."""


@pytest.mark.parametrize(("form", "error"), [([], Interrupted), (["--json"], Interrupted), ([], ValueError), ([], OSError)])
def test_an_error_anywhere_on_the_way_is_a_refusal(
    arguments: list[str], form: list[str], error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = arguments + form
    total = count_calls(arguments)
    honest = capsys.readouterr().out
    honest = honest[: len(honest) // 2]
    assert total > 500
    refused = 0
    places = sorted({*range(1, total, total // 12), *range(total - LAST, total + 1)})
    for place in places:

        def strike(number: int, place: int = place) -> None:
            if number == place:
                raise error("interrupted")

        returned, said = run_until(arguments, strike), capsys.readouterr().out
        # An error that some part expects, and answers by a refusal of its own or by doing without, is no way to a shorter yes.
        assert returned in (0, 1)
        assert returned == 1 or said == honest, place
        refused += returned
    assert refused == len(places) if error is Interrupted else refused > len(places) // 2


def test_a_refusal_anywhere_on_the_way_is_a_refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    total = count_calls(arguments)
    honest = capsys.readouterr().out
    honest = honest[: len(honest) // 2]
    for place in sorted({*range(1, total, total // 12), *range(total - LAST, total + 1)}):

        def strike(number: int, place: int = place) -> None:
            if number == place:
                raise Unproven("test.no", "no")

        returned, said = run_until(arguments, strike), capsys.readouterr().out
        assert (returned == 1 and not said.rstrip().endswith("VERIFIED")) or said == honest, place


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_who_stops_it_gets_no_zero(arguments: list[str], stop: type[BaseException]) -> None:
    total = count_calls(arguments)
    for place in (1, total // 2, total):

        def strike(number: int, place: int = place) -> None:
            if number == place:
                raise stop("stopped")

        with pytest.raises(stop) as left:
            run_until(arguments, strike)
        assert getattr(left.value, "code", "stopped") == "stopped"


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_killed_at_any_stage_it_is_not_zero(arguments: list[str], sign: signal.Signals) -> None:
    script = (
        "import os, signal, sys\nfrom tests.countersign.test_exit_codes import run_until\n"
        # A shell that starts something in the background has it ignore this signal, and all that it starts in turn.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"place, sign, arguments, seen = int(sys.argv[1]), {int(sign)}, sys.argv[2:], []\n"
        "code = run_until(arguments, lambda number: seen.append(number) or number == place and os.kill(os.getpid(), sign))\n"
        "print(len(seen), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )

    def run(place: int) -> subprocess.CompletedProcess[str]:
        # What is held in sets comes in the same order in each of these processes, so each makes the same calls.
        command = [sys.executable, "-c", script, str(place), *arguments]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, env=environment)

    whole = run(0)
    assert whole.returncode == 0 and whole.stdout.splitlines()[-1].startswith("VERIFIED")
    total = int(whole.stderr.splitlines()[-1])
    for place in (total // 2, total - LAST):
        done = run(place)
        assert done.returncode != 0, (place, done.stdout[-200:], done.stderr[-500:])


def test_an_answer_that_cannot_be_written_is_none(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    whole = capsys.readouterr().out

    class Full(io.StringIO):
        """A place with room for all but the last words."""

        def write(self, text: str) -> int:
            if self.tell() + len(text) > len(whole) - 10:
                raise OSError(28, "No space left on device")
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Full())
    assert main(arguments) == 1
