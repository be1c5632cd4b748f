"""Somebody leaves at the moment something else happens to what is theirs: both come through, one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from tests.live import LivePortal, live_portal
from tests.throwaway import throwaway_database

PREPARE = """
import json, pathlib
from django.conf import settings
settings.ALLOWED_HOSTS.append("testserver")
from identities.models import Identity
from ledger.keys import create_portal_keys
from tests import cast, make_approvals as make, make_sso
from tests.make_scim import Provisioning
create_portal_keys()
make.send_provenance(make.set_stage())
make_sso.rules(make_sso.rule("admins", "administrator"), make_sso.rule("release managers", "approver:release"))
cast.dave()
corp = Provisioning()
users = [corp.add_user(f"nora{number}", externalId=f"00u{number}")["id"] for number in range(3)]
group = corp.add_group("release managers", *users)["id"]
corp.add_group("admins", users[2])
people = [Identity.objects.get(issuer=make_sso.ISSUER, subject=f"00u{number}") for number in range(3)]
approval = make.approve(make.ask(), cast.alice())
pathlib.Path("@told").write_text(json.dumps([corp.secret, users, group, approval.pk, [person.pk for person in people]]))
print("done")
"""
# Holds what an act holds first, lets the other begin, and then goes on to the ledger as every act does.
HOLD = """
import json, pathlib, time
from django.db import transaction
from identities.models import *
from approvals.models import *
from approvals.requests.revise import lock_state
from ledger.append import append_event
from django.utils import timezone
secret, users, group, approval, people = json.loads(pathlib.Path("@told").read_text())
with transaction.atomic():
    @hold
    pathlib.Path("@held").touch()
    time.sleep(4)
    append_event(event="signer.test", ref_digest="0" * 64, actor="h:" + "0" * 32, now=timezone.now())
print("done")
"""
CALL = """
import json, pathlib, time
from django.conf import settings
settings.ALLOWED_HOSTS.append("testserver")
from django.utils import timezone
from identities.models import Identity
from identities.people.deactivate import deactivate_person
from approvals.models import Approval
from datetime import timedelta
from tests import make_approvals as make
from tests.make_scim import Provisioning
secret, users, group, approval, people = json.loads(pathlib.Path("@told").read_text())
corp = Provisioning(secret=secret)
while not pathlib.Path("@held").exists():
    time.sleep(0.01)


def leaves(person):
    deactivate_person(identity=Identity.objects.get(pk=person), reason="Left.", by=None, now=make.NOW + timedelta(seconds=30))
    return 204


def calls(method, *said):
    return getattr(corp, method)(*said).status_code


print(@call)
"""
AWAY = '{"op": "replace", "value": {"active": False}}'
# What somebody else's act holds first, and what the provider calls meanwhile.
CASES = {
    "an answer": ("lock_state(Approval.objects.get(pk=approval).revision.request, now=timezone.now())", "leaves(Approval.objects.get(pk=approval).identity_id)"),
    "a role that ends": ("list(RoleAssignment.objects.select_for_update(no_key=True).filter(identity=people[1]))", f"calls('patch', f'Users/{{users[1]}}', {AWAY})"),
    "a team": ("list(Team.objects.select_for_update(no_key=True))", "calls('call', 'delete', f'Users/{users[2]}')"),
    "a sign-in": ("IdentityProvider.objects.select_for_update(no_key=True).get()", "calls('patch', f'Groups/{group}', {'op': 'remove', 'path': 'members'})"),
}  # fmt: skip


def run(portal: LivePortal, folder: Path, script: str) -> str:
    for name in ("told", "held"):
        script = script.replace(f"@{name}", str(folder / name))
    done = portal.manage("shell", "-v0", "-c", script, check=False)
    return done.stderr.strip().splitlines()[-1] if done.returncode else done.stdout.split()[-1]


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock, and nobody waits for two")
def test_whoever_waits_comes_through(tmp_path: Path) -> None:
    with throwaway_database() as url, live_portal(tmp_path, database_url=url, KEY_COOLING_HOURS="0") as portal:
        assert run(portal, tmp_path, PREPARE) == "done"
        outcomes = {}
        for name, (held, call) in CASES.items():
            (tmp_path / "held").unlink(missing_ok=True)
            with ThreadPoolExecutor(2) as pool:
                scripts = [HOLD.replace("@hold", held), CALL.replace("@call", call)]
                outcomes[name] = list(pool.map(lambda script: run(portal, tmp_path, script), scripts))
        assert all(first == "done" and second in ("200", "204") for first, second in outcomes.values()), outcomes
