"""The policies of the demo, of different shape: one approver or two, staging first, fresh evidence, and ways round within bounds."""

from __future__ import annotations

from dataclasses import dataclass

from portal.demo.small_sample import CI_ISSUER

_EVIDENCE = """\
  - id: {id}
    kind: evidence
    title: {title}
    kinds: [release, promotion]
    predicateTypes: ["{type}"]
    registeredSigner: true
    builders:
      - issuer: {issuer}
        workflow: {repository}/.github/workflows/{workflow}.yml
    sources:
      - repository: {repository}
        repositoryId: "{repository_id}"
"""
_ROUND = """\
waivers: {maxDays: 14, approvals: [{role: "approver:security", count: 1}]}
breakGlass:
  roles: ["approver:owner"]
  validityHours: 2
  maxUses: 3
  reviewHours: 24
  reviewers: {role: "approver:security", count: 2}
"""
PROVENANCE_V1 = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"


@dataclass(frozen=True)
class Shape:
    """What is particular about a policy: its rules beyond provenance and four eyes."""

    id: str
    title: str
    approvers: int = 1
    hours: int = 72
    asks_tests: bool = True
    max_age_hours: int = 0
    has_ways_round: bool = True
    decides_agents: str = "approver:security"


def write_policy(shape: Shape, *, version: str, repository: str, repository_id: str) -> str:
    """Return the YAML of a policy of this shape for what is built from a repository."""
    named = {"issuer": CI_ISSUER, "repository": repository, "repository_id": repository_id}
    head = f'schema: countersign-policy/v1\nid: {shape.id}\nversion: "{version}"\ntitle: {shape.title}\n'
    head += f"minimumAssurance: H2\nvalidityHours: {shape.hours}\n" + (_ROUND if shape.has_ways_round else "")
    rules = _EVIDENCE.format(id="provenance", title="Built by the release workflow", type=PROVENANCE_V1, workflow="release", **named)
    if shape.max_age_hours:
        rules += f"    maxAgeHours: {shape.max_age_hours}\n"
    if shape.asks_tests:
        rules += _EVIDENCE.format(id="tests", title="Tested by the test workflow", type=TEST_RESULT, workflow="test", **named)
    words = "One release approver" if shape.approvers == 1 else "Two release approvers"
    rules += (
        f'  - {{id: release-approval, kind: approvals, title: {words}, role: "approver:release", count: {shape.approvers},'
        " kinds: [release, promotion]}\n"
        f'  - {{id: agents, kind: approvals, title: A person for what an agent does, role: "{shape.decides_agents}", count: 1,'
        " kinds: [agent-action]}\n"
        '  - {id: rotations, kind: approvals, title: One from security, role: "approver:security", count: 1, kinds: [rotation]}\n'
        "  - {id: four-eyes, kind: separation-of-duties, title: Whoever asks does not approve, requesterMayApprove: false}\n"
    )
    return f"{head}rules:\n{rules}"
