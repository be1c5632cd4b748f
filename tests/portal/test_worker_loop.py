"""Rounds of background work: the same chores for the loop and for Celery, and one that breaks does not stop the others."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import settings as django_settings

from portal import probe, tasks
from portal.heartbeat import PROCESSES, beat_heart
from portal.schedule import CHORES, work_one_round
from portal.worker import run_until

pytestmark = pytest.mark.django_db


def test_the_chores_are_in_the_order_in_which_one_needs_the_other() -> None:
    assert [name for name, _ in CHORES] == [
        "attestations.reverify",
        "attestations.drain",
        "approvals.end_overtaken",
        "approvals.revoke",
        "approvals.refresh",
        "approvals.expire",
        "approvals.execution",
        "identities.end_lapsed",
        "attention.renew",
        "attention.remind",
        "notices.follow",
        "notices.mail",
        "approvals.dry_run",
        "webhooks.deliver",
        "approvals.forget",
        "attestations.list",
    ]


def test_a_round_with_nothing_waiting_does_nothing() -> None:
    assert work_one_round() == 0


def test_a_chore_that_breaks_does_not_stop_the_next() -> None:
    def broken() -> int:
        raise RuntimeError("no")

    assert work_one_round((("broken", broken), ("fine", lambda: 3))) == 3


def test_the_loop_rests_only_when_nothing_was_waiting() -> None:
    stop, waiting = Event(), [2, 1, 0]

    def work() -> int:
        done = waiting.pop(0)
        if not waiting:
            stop.set()
        return done

    began = time.monotonic()
    run_until(stop, process="worker", round_of_work=work, pause=30)
    assert waiting == []
    assert time.monotonic() - began < 10


def test_the_celery_task_does_the_same_rounds(settings: Any, tmp_path: Path) -> None:
    settings.HEARTBEAT_DIR = tmp_path
    tasks.sweep()
    assert (tmp_path / "worker").exists()


class TestProbe:
    @pytest.mark.parametrize("process", PROCESSES)
    def test_a_process_that_came_round_is_well(self, process: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.HEARTBEAT_DIR = tmp_path
        monkeypatch.setenv("COUNTERSIGN_HEARTBEAT_DIR", str(tmp_path))
        assert probe.main([process]) == 1
        beat_heart(process)
        assert probe.main([process]) == 0

    def test_a_process_that_is_stuck_is_not(self, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        settings.HEARTBEAT_DIR = tmp_path
        monkeypatch.setenv("COUNTERSIGN_HEARTBEAT_DIR", str(tmp_path))
        beat_heart("worker")
        long_ago = time.time() - 120
        os.utime(tmp_path / "worker", (long_ago, long_ago))
        assert probe.main(["worker"]) == 1
        assert "the last heartbeat is 120 seconds old" in capsys.readouterr().err

    def test_a_web_server_that_does_not_answer_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COUNTERSIGN_PORT", "1")
        assert probe.main(["web"]) == 1

    def test_it_says_how_it_is_used(self) -> None:
        with pytest.raises(SystemExit) as ended:
            probe.main(["database"])
        assert ended.value.code == 2


def test_both_clocks_tick_alike() -> None:
    from portal.celery import app

    assert list(app.conf.beat_schedule) == ["sweep"]
    assert app.conf.beat_schedule["sweep"]["schedule"] == django_settings.SWEEP_SECONDS
    assert app.conf.beat_schedule["sweep"]["task"] == tasks.sweep.name
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
