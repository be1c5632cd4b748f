"""Names taken apart: what is the name, what the version, and which registry was meant."""

from __future__ import annotations

import pytest

from proofs.artifact_name import ArtifactName, read_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("registry.example:5000/app:1.2", ArtifactName(("registry.example:5000/app",), "1.2")),
        ("registry.example:5000/app", ArtifactName(("registry.example:5000/app",))),
        ("app:1.2@sha256:" + "1" * 64, ArtifactName(("app",), "1.2")),
        ("@acme/app@1.2", ArtifactName(("@acme/app",), "1.2")),
        ("@sha/app@1.2", ArtifactName(("@sha/app",), "1.2")),
        ("app-1.2.tgz", ArtifactName(("app-1.2.tgz",))),
        ("", ArtifactName(("",))),
        ("pkg:npm/app@1.2", ArtifactName(("app",), "1.2", "npm")),
        ("pkg:oci/app@sha256:11", ArtifactName(("app",), "", "oci")),
        ("pkg:oci/app@sha256%3A11?tag=1", ArtifactName(("app",), "1", "oci")),
        ("pkg:docker/team/app@1?repository_url=oci://r.example/", ArtifactName(("team/app",), "1", "docker", "r.example")),
        ("pkg:maven/app@1", ArtifactName(("app",), "1", "maven")),
        ("pkg:npm/%ff@1", ArtifactName(("pkg:npm/%ff",), "1")),
        ("pkg:", ArtifactName(("pkg:",))),
    ],
)
def test_read(text: str, expected: ArtifactName) -> None:
    assert read_name(text) == expected


def test_the_registry_comes_first_and_is_not_said_twice() -> None:
    url = "pkg:oci/api?tag=1&repository_url=r.example/team"
    assert read_name(url).full == read_name(url + "/api").full == ("r.example/team/api",)
    assert read_name("api:1").at("https://r.example/team").full == ("r.example/team/api",)
