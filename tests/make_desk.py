"""What lies on an approver's desk: releases that two people have to approve, asked for now, with evidence that is really signed and verified.

Run in a live portal's own process (`LivePortal.manage("shell", …)`), it prints what the test needs to go on from outside.
"""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from typing import Any

from approvals.models import Request
from ledger.keys import create_portal_keys
from portal.demo.instance import Workload, build_provenance, claim_builder
from tests import cast, make_releases
from tests import make_approvals as make

BEFORE = ("pkg:npm/express@4.19.2", "pkg:npm/pg@8.11.5")
APPROVED, CHANGED, REJECTED, STALE = "0", "1", "2", "3"


def ines(*, now: datetime) -> None:
    """The second approver."""
    cast.person("ines", "Ines Okoye", "approver:release", now=now)


def lay_out(*series: str) -> None:
    """Put four releases of each series on the desk, and print as JSON: a token of the runner, and by title what contradicts a release."""
    now = datetime.now(UTC)
    create_portal_keys()
    stage = make.set_stage(count=2, now=now)
    cast.alice(now=now)
    ines(now=now)
    said: dict[str, Any] = {"token": cast.token_of(cast.runner(now=now), now=now), "requests": {}, "lies": {}}
    for index, each in enumerate(series):
        for number in (APPROVED, CHANGED, REJECTED, STALE):
            # A name of its own each: a newer request about the same name would take the place of the one before.
            tag, name = f"{each}.{number}", f"payments/api-{each}-{number}".replace(".", "-")
            if number == APPROVED:
                approve_before(stage, f"1.9.{index}", name, now=now)
                send_contents(stage, tag, *BEFORE, "pkg:npm/csv-writer@1.6.0", "pkg:npm/left-pad@1.3.0", now=now)
            make.send_provenance(stage, tag=tag, now=now)
            request: Request = make.ask(tag=tag, name=name, now=now)
            said["requests"][tag] = {"id": request.pk, "digest": make.image(tag)}
        said["lies"][each] = base64.b64encode(contradict(stage, f"{each}.{STALE}", now=now)).decode()
    sys.stdout.write(json.dumps(said) + "\n")


def approve_before(stage: make.Stage, tag: str, name: str, *, now: datetime) -> None:
    """The release that the next one is held against, approved by two who are not at the desk today."""
    send_contents(stage, tag, *BEFORE, now=now)
    make.send_provenance(stage, tag=tag, now=now, commit="a1" * 20)
    request = make.ask(tag=tag, name=name, now=now)
    for username, who in (("tess", "Tess Moreau"), ("uwe", "Uwe Brandt")):
        make.approve(request, cast.person(username, who, "approver:release", now=now), now=now)


def send_contents(stage: make.Stage, tag: str, *packages: str, now: datetime) -> None:
    """What an image is made of; it depends on all of it itself."""
    make_releases.send_about(stage, make_releases.SPDX, make_releases.spdx(*packages, direct=packages), tag=tag, now=now)


def contradict(stage: make.Stage, tag: str, *, now: datetime) -> bytes:
    """Provenance of an image that names our workflow as its builder, signed by a stranger's."""
    fork = "https://github.com/intern/fork"
    stranger = Workload(
        identity=f"{fork}/.github/workflows/build.yml@refs/heads/main", repository=fork, commit="9" * 40, ref="refs/heads/main"
    )
    statement = build_provenance(stranger, ((f"payments/api:{tag}", make.image(tag).partition(":")[2]),))
    return stage.instance.sign_as(stranger, claim_builder(statement, stage.workload.identity), at=now)
