"""One reader for each predicate type we understand. A type is matched exactly: another spelling is another type, kept and not read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofs.predicates.contents import read_cyclonedx, read_openvex, read_spdx, read_spdx_3
from proofs.predicates.releases import (
    read_chainloop,
    read_link,
    read_npm_publish,
    read_pypi_publish,
    read_reference,
    read_release,
    read_runtime_trace,
    read_scai,
    read_witness,
)
from proofs.predicates.verdicts import (
    read_older_summary,
    read_simple_verification,
    read_test_result,
    read_verification_summary,
    read_vulnerability_scan,
)

Reader = Callable[[dict[str, Any]], dict[str, Any]]

_IN_TOTO = "https://in-toto.io/attestation"
READERS: dict[str, tuple[str, Reader]] = {
    "https://slsa.dev/verification_summary/v1": ("verification-summary", read_verification_summary),
    "https://slsa.dev/verification_summary/v0.2": ("verification-summary", read_older_summary),
    "https://conforma.dev/verification_summary/v1": ("verification-summary", read_verification_summary),
    f"{_IN_TOTO}/svr/v0.1": ("simple-verification", read_simple_verification),
    f"{_IN_TOTO}/svr/v0.2": ("simple-verification", read_simple_verification),
    f"{_IN_TOTO}/test-result/v0.1": ("test-result", read_test_result),
    f"{_IN_TOTO}/vulns/v0.1": ("vulnerability-scan", read_vulnerability_scan),
    f"{_IN_TOTO}/vulns/v0.2": ("vulnerability-scan", read_vulnerability_scan),
    "https://cosign.sigstore.dev/attestation/vuln/v1": ("vulnerability-scan", read_vulnerability_scan),
    f"{_IN_TOTO}/scai/v0.3": ("scai", read_scai),
    f"{_IN_TOTO}/link/v0.3": ("link", read_link),
    "https://in-toto.io/Link/v1": ("link", read_link),
    f"{_IN_TOTO}/release/v0.1": ("release", read_release),
    f"{_IN_TOTO}/release/v0.2": ("release", read_release),
    f"{_IN_TOTO}/reference/v0.1": ("reference", read_reference),
    f"{_IN_TOTO}/runtime-trace/v0.1": ("runtime-trace", read_runtime_trace),
    "https://spdx.dev/Document": ("spdx", read_spdx),
    "https://spdx.dev/Document/v2.2": ("spdx", read_spdx),
    "https://spdx.dev/Document/v2.3": ("spdx", read_spdx),
    "https://spdx.dev/Document/v3": ("spdx", read_spdx_3),
    "https://cyclonedx.org/bom": ("cyclonedx", read_cyclonedx),
    "https://cyclonedx.org/bom/v1.4": ("cyclonedx", read_cyclonedx),
    "https://cyclonedx.org/bom/v1.5": ("cyclonedx", read_cyclonedx),
    "https://cyclonedx.org/bom/v1.6": ("cyclonedx", read_cyclonedx),
    "https://cyclonedx.org/bom/v1.7": ("cyclonedx", read_cyclonedx),
    "https://openvex.dev/ns": ("openvex", read_openvex),
    "https://openvex.dev/ns/v0.2.0": ("openvex", read_openvex),
    "https://github.com/npm/attestation/tree/main/specs/publish/v0.1": ("npm-publish", read_npm_publish),
    "https://docs.pypi.org/attestations/publish/v1": ("pypi-publish", read_pypi_publish),
    "https://witness.testifysec.com/attestation-collection/v0.1": ("witness-collection", read_witness),
    "chainloop.dev/attestation/v0.2": ("chainloop", read_chainloop),
}


def read_predicate(predicate_type: str, predicate: dict[str, Any]) -> dict[str, Any] | None:
    """Return `{"kind", …claims}` for a type we read, else None. What cannot be read in it is None or left out; nothing refuses."""
    known = READERS.get(predicate_type)
    return None if known is None else {"kind": known[0], **known[1](predicate)}
