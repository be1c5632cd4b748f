"""Several processes append at once: no gap, no entry twice, and the tree is right."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live import live_portal
from tests.throwaway import throwaway_database

WRITERS, EACH = 4, 40

APPEND = f"""
from tests.make_ledger import make_entries
make_entries({EACH})
"""
SIGN_WHILE_OTHERS_APPEND = """
from django.utils import timezone
from ledger.keys import create_portal_keys
from ledger.publish import publish_checkpoint
create_portal_keys()
for _ in range(40):
    publish_checkpoint(now=timezone.now())
"""
REPORT = """
import json
from django.utils import timezone
from ledger.models import Checkpoint, Entry, Head, Node
from ledger.publish import publish_checkpoint
from proofs.merkle import leaf_hash
publish_checkpoint(now=timezone.now())
print(json.dumps({
    "size": Head.objects.get().size,
    "indexes": list(Entry.objects.order_by("index").values_list("index", flat=True)),
    "hashes": all(bytes(entry.leaf_hash) == leaf_hash(bytes(entry.body)) for entry in Entry.objects.all()),
    "nodes": Node.objects.count(),
    "newest": Checkpoint.objects.order_by("-size").first().size,
}))
"""


@pytest.mark.slow
def test_processes_append_at_once(tmp_path: Path) -> None:
    with throwaway_database() as url, live_portal(tmp_path, database_url=url) as portal:
        scripts = [APPEND] * WRITERS + [SIGN_WHILE_OTHERS_APPEND]
        with ThreadPoolExecutor(len(scripts)) as pool:
            list(pool.map(lambda script: portal.manage("shell", "-v0", "-c", script), scripts))
        report = json.loads(portal.manage("shell", "-v0", "-c", REPORT).stdout)
    count = WRITERS * EACH
    assert report["indexes"] == list(range(count))
    assert report["hashes"]
    assert report["size"] == report["newest"] == count
    # One node for every complete subtree of at least two leaves.
    assert report["nodes"] == sum(count >> level for level in range(1, count.bit_length()))
