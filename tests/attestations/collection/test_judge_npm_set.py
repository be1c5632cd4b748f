"""npm's answer about a package version is judged as a set, once each of its items has its verdict."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from attestations.collection.follow import follow_collection
from attestations.collection.judge_npm_set import SetAnswer, judge_npm_set
from attestations.collection.receive import receive_collection
from attestations.drain import drain
from attestations.models import Collection
from identities.models import EvidenceSigner, Identity
from identities.register import register_nonhuman
from proofs.packages.npm import parse_npm_keys
from tests import cast
from tests.make_attestations import NOW, make_signer, make_statement, trust_production
from tests.proofs.collection.archives import zip_of

pytestmark = pytest.mark.django_db
GOOD = "npm/gundam-visor-cli-v1-tag.tgz.json"
PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"


def npm_registry(vectors: Path) -> Identity:
    """npm's registry as an identity here, with the keys and windows that it publishes."""
    identity = register_nonhuman(
        kind="service", name="npm", issuer="https://npm.example", subject="npm", owner=cast.bob(), team=cast.payments(), by=None, now=NOW
    )
    for key in parse_npm_keys(json.loads((vectors / "keys" / "npm-registry-keys.json").read_bytes())):
        EvidenceSigner.objects.create(
            identity=identity,
            method="public_key",
            key_id=key.key.key_id,
            spki=key.key.spki,
            valid_from=key.valid_from,
            valid_until=key.valid_until or datetime(2099, 1, 1, tzinfo=UTC),
        )
    return identity


def send(content: bytes) -> Collection:
    return receive_collection(content=content, name="answer.json", by=cast.bob(), now=NOW)[0]


def judged(collection: Collection) -> SetAnswer | None:
    while drain(clock=timezone.now, limit=100):
        pass
    return judge_npm_set(follow_collection(collection))


def test_a_real_answer_holds_together(vectors: Path) -> None:
    trust_production(vectors)
    npm_registry(vectors)
    assert judged(send((vectors / GOOD).read_bytes())) == SetAnswer(
        "verified", "npm.verified", "Provenance and publish attestation are about one and the same package, gundam-visor 1.0.1."
    )


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("npm/gundam-visor-cli-v1-tag-invalidsigprov.tgz.json", "npm.item"),
        ("npm/provenance-npm-test-cli-v02-prega-invalidsigpub.tgz.json", "npm.item"),
        ("npm/npm-att-mismatch-prov-predicatetype.intoto.sigstore", "npm.item"),
    ],
)
def test_a_real_lie_does_not(vectors: Path, file: str, code: str) -> None:
    trust_production(vectors)
    npm_registry(vectors)
    answer = judged(send((vectors / file).read_bytes()))
    assert answer is not None
    assert (answer.result, answer.code) == ("rejected", code)


def test_a_label_that_is_not_what_was_signed_does_not(vectors: Path) -> None:
    trust_production(vectors)
    npm_registry(vectors)
    value = json.loads((vectors / GOOD).read_bytes())
    value["attestations"][-1]["predicateType"] += "0"
    answer = judged(send(json.dumps(value).encode()))
    assert answer is not None
    assert (answer.result, answer.code) == ("rejected", "npm.label")


@pytest.mark.parametrize(("kept", "code"), [(PUBLISH, "npm.no_provenance"), ("https://slsa.dev/provenance/v1", "npm.no_publish")])
def test_one_half_alone_does_not(vectors: Path, kept: str, code: str) -> None:
    trust_production(vectors)
    npm_registry(vectors)
    value = json.loads((vectors / GOOD).read_bytes())
    value["attestations"] = [item for item in value["attestations"] if item["predicateType"] == kept]
    answer = judged(send(json.dumps(value).encode()))
    assert answer is not None
    assert (answer.result, answer.code) == ("rejected", code)


def test_halves_of_two_packages_do_not(vectors: Path) -> None:
    trust_production(vectors)
    npm_registry(vectors)
    value = json.loads((vectors / GOOD).read_bytes())
    other = json.loads((vectors / "npm/provenance-npm-test-cli-v02-prega.tgz.json").read_bytes())
    value["attestations"] = [item for item in value["attestations"] if item["predicateType"] == PUBLISH]
    value["attestations"] += [item for item in other["attestations"] if item["predicateType"] != PUBLISH]
    answer = judged(send(json.dumps(value).encode()))
    assert answer is not None
    assert (answer.result, answer.code) == ("rejected", "npm.subjects_differ")


def test_nothing_is_said_before_every_item_has_its_verdict(vectors: Path) -> None:
    collection = send((vectors / GOOD).read_bytes())
    assert judge_npm_set(follow_collection(collection)) is None


def test_other_files_are_no_sets() -> None:
    assert judged(send(zip_of([("a.json", make_signer().sign(make_statement()))]))) is None
    unlabelled = json.loads(make_signer().sign(make_statement("github")))
    assert judged(send(json.dumps({"attestations": [{"bundle": unlabelled}]}).encode())) is None


def test_page_and_api_say_it(vectors: Path, client: Client) -> None:
    trust_production(vectors)
    npm_registry(vectors)
    collection = send((vectors / GOOD).read_bytes())
    judged(collection)
    client.force_login(cast.account_of(cast.bob()))
    page: Any = client.get(f"/collections/{collection.pk}").content.decode()
    assert "As one set" in page
    assert "one and the same package, gundam-visor 1.0.1" in page
    token = cast.token_of(cast.runner(), "read")
    told = client.get(f"/api/v1/collections/{collection.pk}", headers={"Authorization": f"Bearer {token}"}).json()["asSet"]
    assert (told["result"], told["code"]) == ("verified", "npm.verified")
