"""The commands about workload tokens: from a key set in a file to an exchanged token, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError
from django.utils import timezone

from identities.models import TokenIssuer, WorkloadBinding
from identities.workload.exchange import exchange_token
from proofs.errors import Refusal
from proofs.tokens.key_set import normalise_keys
from tests import cast
from tests import make_tokens as make
from tests.identities.test_commands import run

pytestmark = pytest.mark.django_db
CLAIM = f"sub={make.SUBJECT}"


@pytest.fixture
def jwks(tmp_path: Path) -> str:
    file = tmp_path / "jwks.json"
    file.write_bytes(make.key_set())
    return str(file)


def test_from_the_keys_to_an_exchanged_token_and_back(jwks: str) -> None:
    cast.runner(), cast.dave()
    assert "never fetched" in run("add_token_issuer", make.ISSUER, "--name", "GitHub Actions", "--jwks", jwks)
    run("bind_workload", cast.runner().pk, "--issuer", make.ISSUER, "--claim", CLAIM, "--scope", "read", "--by", "dave")
    binding = WorkloadBinding.objects.get()
    assert (binding.claims, binding.scopes) == ({"sub": make.SUBJECT}, ["read"])
    now = timezone.now()
    assert exchange_token(unverified_token=make.sign(make.claims(now)), audience=make.PORTAL, now=now)[0].identity == cast.runner()
    assert run("revoke_workload", binding.pk).strip() == f"revoked {binding.pk}"
    assert run("remove_token_issuer", make.ISSUER).strip() == f"removed {make.ISSUER}"
    with pytest.raises(Refusal, match=r"token\.issuer_unknown"):
        exchange_token(unverified_token=make.sign(make.claims(now, jti="x")), audience=make.PORTAL, now=now)


def test_other_keys_and_one_algorithm_for_a_teams_issuer(jwks: str, tmp_path: Path) -> None:
    cast.dave()
    run("add_token_issuer", make.ISSUER, "--name", "CI", "--jwks", jwks, "--team", "payments", "--algorithm", "RS256", "--by", "dave")
    issuer = TokenIssuer.objects.get()
    assert (issuer.team, issuer.algorithms) == (cast.payments(), ["RS256"])
    later = tmp_path / "later.json"
    later.write_bytes(make.key_set(make.jwk(make.rsa_key("second"), "second")))
    run("replace_issuer_keys", make.ISSUER, "--jwks", str(later), "--by", "dave")
    issuer.refresh_from_db()
    assert bytes(issuer.keys) == normalise_keys(later.read_bytes())


def test_keys_fetched_from_a_private_address() -> None:
    with make.platform() as platform:
        assert "fetched from the issuer" in run("add_token_issuer", platform.url, "--name", "CI", "--may-be-private")
    assert TokenIssuer.objects.get().may_be_private


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add_token_issuer", "http://issuer.example", "--name", "x"], "issuer.url"),
        (["add_token_issuer", "https://127.0.0.1:1", "--name", "x"], "issuer.private_address"),
        (["add_token_issuer", "https://x.example", "--name", "x", "--jwks", "/does/not/exist"], "/does/not/exist"),
        (["replace_issuer_keys", "https://x.example", "--jwks", "x"], "issuer.unknown"),
        (["remove_token_issuer", "https://x.example"], "issuer.unknown"),
        (["bind_workload", "bob", "--issuer", make.ISSUER, "--claim", CLAIM, "--scope", "read"], "binding.people"),
        (["bind_workload", "bob", "--issuer", "https://x.example", "--claim", CLAIM, "--scope", "read"], "issuer.unknown"),
        (["revoke_workload", "wlb_none"], "binding.unknown"),
    ],
)
def test_a_refusal_is_one_line_with_its_code(arguments: list[str], code: str) -> None:
    cast.bob()
    make.issuer()
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert str(refusal.value).startswith(f"{code}:")
    assert "\n" not in str(refusal.value)


def test_a_claim_is_a_name_and_a_value() -> None:
    make.issuer(), cast.runner()
    for text in ("sub", "=x", "sub="):
        with pytest.raises(CommandError, match="NAME=VALUE"):
            run("bind_workload", cast.runner().pk, "--issuer", make.ISSUER, "--claim", text, "--scope", "read")
    run("bind_workload", cast.runner().pk, "--issuer", make.ISSUER, "--claim", "sub=a=b", "--scope", "read")
    assert WorkloadBinding.objects.get().claims == {"sub": "a=b"}
