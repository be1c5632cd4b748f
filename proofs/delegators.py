"""Workflows that sign provenance on behalf of other builders, by their own published design.

A delegator runs a builder's workflow and signs for it, so its certificate names the delegator and the statement the builder. Nothing in
the certificate says which builder it was; that it may be believed is a decision about the delegator. It is taken here for those whose
design is published, in exactly the releases it is published for, and only where a project expects that very builder.
"""

from __future__ import annotations

import re
from typing import Any

# The code of the finding that a known delegator signed for another builder.
DELEGATED = "claims.delegated"
# The code under which the same was rejected by verifiers that knew no delegators, and is by whoever does not expect that builder.
CONTRADICTED = "claims.builder"

_GITHUB = "https://token.actions.githubusercontent.com"
_SLSA_GENERATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
_DELEGATORS = (f"{_SLSA_GENERATOR}delegator_generic_slsa3.yml", f"{_SLSA_GENERATOR}delegator_lowperms-generic_slsa3.yml")
_RELEASE = re.compile(r"refs/tags/v[0-9]+\.[0-9]+\.[0-9]+")


def is_delegator(issuer: str, workflow: str | None, ref: str | None) -> bool:
    """Whether a certificate of this issuer, workflow and ref is a release of a known delegator."""
    return issuer == _GITHUB and workflow in _DELEGATORS and ref is not None and _RELEASE.fullmatch(ref) is not None


def is_delegated_to(facts: dict[str, Any], wanted: str) -> bool:
    """Whether a known delegator signed, and each builder that the statement names is `wanted`, with or without its ref."""
    signer, claims = facts.get("signer") or {}, facts.get("claims") or {}
    named = [item.get("value") for item in claims.get("stated") or [] if item.get("claim") == "builder"]
    of_delegator = is_delegator(str(signer.get("issuer")), signer.get("workflow"), signer.get("ref"))
    return of_delegator and bool(named) and all(isinstance(said, str) and wanted in (said, said.rpartition("@")[0]) for said in named)
