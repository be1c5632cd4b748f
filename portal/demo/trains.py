"""Where the versions of an image come from: each builds on the one before, with packages that move on, and what its rollout brings along."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from portal.demo.evidence import Release, Runner, hex_of
from portal.demo.people import GIT
from portal.demo.small_sample import CI_ISSUER

_PYPI = (
    ("django", 5, 2, 1), ("requests", 2, 32, 1), ("urllib3", 2, 2, 0), ("cryptography", 43, 0, 1), ("celery", 5, 4, 0),
    ("pydantic", 2, 9, 1), ("sqlalchemy", 2, 0, 31), ("certifi", 2025, 1, 31), ("jinja2", 3, 1, 3), ("redis", 5, 0, 8),
)  # fmt: skip
_NPM = (
    ("react", 18, 3, 0), ("axios", 1, 7, 2), ("express", 4, 19, 2), ("lodash", 4, 17, 20), ("uuid", 10, 0, 0), ("dotenv", 16, 4, 1),
    ("debug", 4, 3, 4), ("typescript", 5, 5, 2), ("semver", 7, 6, 0), ("jsonwebtoken", 9, 0, 1),
)  # fmt: skip
_GOLANG = (
    ("google.golang.org/grpc", 1, 64, 0), ("go.uber.org/zap", 1, 26, 0), ("golang.org/x/net", 0, 27, 0), ("golang.org/x/crypto", 0, 25, 0),
    ("github.com/spf13/cobra", 1, 8, 0), ("github.com/prometheus/client_golang", 1, 19, 0), ("gopkg.in/yaml.v3", 3, 0, 1),
)  # fmt: skip
_MORE = {"pypi": ("tenacity", "orjson", "httpx", "attrs"), "npm": ("zod", "nanoid", "pino", "clsx"), "golang": ("github.com/google/uuid",)}
_LANGUAGES = {"pypi": _PYPI, "npm": _NPM, "golang": _GOLANG}
IMAGES = {
    "payments-api": ("pypi", ("payments-api", "payments-worker", "payments-cron")),
    "payments-web": ("npm", ("payments-web", "payments-checkout", "payments-admin")),
    "payments-ledger": ("pypi", ("payments-ledger", "payments-export", "payments-reports")),
    "payments-refunds": ("pypi", ("payments-refunds",)),
    "platform-gateway": ("golang", ("platform-gateway", "platform-mesh")),
    "data-pipelines": ("pypi", ("data-pipelines", "data-loader")),
}
_FINDINGS = (
    {"CVE-2026-1187": "MEDIUM"},
    {"CVE-2026-1187": "MEDIUM", "CVE-2026-2044": "LOW"},
    {"CVE-2026-2044": "LOW", "CVE-2026-3310": "HIGH"},
)


@dataclass
class Train:
    """The versions of one image so far."""

    project: str
    image: str
    language: str
    random: Random
    minor: int = 1
    patch: int = 0
    packages: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    last: str = ""

    def __post_init__(self) -> None:
        self.packages = {name: (major, minor, patch) for name, major, minor, patch in _LANGUAGES[self.language]}

    def next(self, version: str = "") -> Release:
        """Return the next version, in which a few packages moved on."""
        if not version:
            self._count_on()
            version = f"1.{self.minor}.{self.patch}"
        for name in self.random.sample(sorted(self.packages), k=self.random.choice((0, 1, 1, 2, 3))):
            major, minor, patch = self.packages[name]
            self.packages[name] = (major, minor, patch + 1) if self.random.random() < 0.8 else (major, minor + 1, 0)
        if self.random.random() < 0.06:
            self.packages.setdefault(self.random.choice(_MORE[self.language]), (1, 4, 0))
        commit = hex_of("commit", self.image, version, length=40)
        findings = self.random.choice(_FINDINGS)
        urls = tuple(self.urls())
        release = Release(
            project=self.project,
            image=self.image,
            version=version,
            commit=commit,
            since="",
            packages=urls,
            direct=urls[:5],
            runners=(self.workflow(),),
            secrets=((f"secret/{self.project}/database", "read", 30),),
            changes=(0, self.random.choice((1, 2, 3)), 0, ()),
            findings=dict(findings),
            answers={number: "not_affected" for number, word in findings.items() if word == "HIGH"},
            is_cyclonedx=self.language == "npm",
        )
        self.last = commit
        return release

    def workflow(self) -> Runner:
        """The release workflow, which rolls out what it built."""
        address = f"{GIT}/{self.project}/.github/workflows/release.yml"
        return Runner(CI_ISSUER, address, "release workflow", ("deploy",))

    def urls(self) -> list[str]:
        """The package URLs of what is in it now."""
        return [f"pkg:{self.language}/{name}@{'.'.join(map(str, version))}" for name, version in self.packages.items()]

    def _count_on(self) -> None:
        if self.patch >= 9:
            self.minor, self.patch = self.minor + 1, 0
        else:
            self.patch += 1


class Trains:
    """One train for each image, made when it is first asked for."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._by_image: dict[str, Train] = {}

    def of(self, project: str, image: str) -> Train:
        """Return the train of an image of a project."""
        if image not in self._by_image:
            self._by_image[image] = Train(project, image, IMAGES[project][0], self._random)
        return self._by_image[image]
