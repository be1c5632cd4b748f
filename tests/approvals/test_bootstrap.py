"""The beginning names everything the rest stands on, and happens once."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from approvals.bootstrap import GENESIS, Beginning, FirstEnvironment, FirstPerson, Setup, bootstrap
from approvals.policies.expectations import active_expectations
from approvals.policies.versions import active_policy, was_one_person
from attestations.blobs import read_blob
from identities.models import Identity, RoleAssignment, User
from ledger.keys import log_verifier_key
from ledger.models import Entry
from ledger.recorder import recorder_key
from portal.demo.instance import Instance
from proofs.canonical import parse_canonical
from proofs.errors import Conflict, Refusal
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
ROOT = Instance(make.NOW).trusted_root()


def setup(**changes: object) -> Setup:
    values = {
        "team": ("payments", "Payments"),
        "project": ("payments-api", "Payments API"),
        "environments": (FirstEnvironment("production", "Production", 3),),
        "administrator": FirstPerson("dave", "Dave Novak", cast.PASSWORD),
        "policy_owners": (FirstPerson("erin", "Erin Okafor", cast.PASSWORD),),
        "policy_source": make.POLICY.format(version=1, count=1),
        "trust_root_name": "Test instance",
        "trust_root": ROOT,
    }
    return Setup(**{**values, **changes})  # type: ignore[arg-type]


def begin(**changes: object) -> Beginning:
    return bootstrap(setup=setup(**changes), now=make.NOW)


class TestBootstrap:
    def test_one_genesis_entry_names_people_policy_root_and_keys(self) -> None:
        beginning = begin()
        entry = Entry.objects.get(event=GENESIS)
        document = parse_canonical(read_blob(entry.ref_digest))
        assert document["administrator"]["subject"] == beginning.administrator.subject
        assert [owner["subject"] for owner in document["policyOwners"]] == [beginning.policy_owners[0].subject]
        assert document["policy"]["digest"]["sha256"] == beginning.policy.digest
        assert document["trustRoot"]["digest"]["sha256"] == beginning.trust_root.digest
        assert (document["portal"]["recorderKey"], document["portal"]["log"]) == (recorder_key().key_id, log_verifier_key())
        assert document["onePerson"] is True

    def test_people_can_sign_in_and_the_policy_is_in_force(self) -> None:
        beginning = begin()
        assert User.objects.get(username="dave").check_password(cast.PASSWORD)
        assert active_policy(project=beginning.project, environment=beginning.environments[0]) == beginning.policy
        assert set(RoleAssignment.objects.values_list("identity__user__username", "role")) == {
            ("dave", "administrator"),
            ("erin", "policy-owner"),
        }

    def test_an_activation_is_marked_one_person_only_while_there_is_one_owner(self) -> None:
        two = (FirstPerson("erin", "Erin Okafor"), FirstPerson("frank", "Frank Adler"))
        assert not was_one_person(begin(policy_owners=two).policy.activations.get())

    def test_expectations_come_into_force_where_the_setup_has_them(self) -> None:
        assert active_expectations(begin().project) is None

    def test_with_two_owners_the_expectations_of_the_setup_are_not_one_persons(self) -> None:
        two = (FirstPerson("erin", "Erin Okafor"), FirstPerson("frank", "Frank Adler"))
        source = make.EXPECTATIONS.format(version=1, workflow="release")
        row = active_expectations(begin(policy_owners=two, expectations_source=source).project)
        assert row is not None
        assert row.activations.get().entry.event == "expectations.activated"

    def test_the_administrator_may_own_the_policy(self) -> None:
        dave = FirstPerson("dave", "Dave Novak")
        beginning = begin(administrator=dave, policy_owners=(dave,))
        assert beginning.policy_owners == (beginning.administrator,)
        assert was_one_person(beginning.policy.activations.get())

    def test_is_closed_for_ever_after(self) -> None:
        begin()
        with pytest.raises(Conflict) as refused:
            begin(administrator=FirstPerson("mallory", "Mallory Voss"))
        assert refused.value.code == "bootstrap.closed"

    def test_is_closed_once_anybody_was_registered(self) -> None:
        cast.mallory()
        with pytest.raises(Conflict) as refused:
            begin(project=("other", "Other"), team=("other", "Other"))
        assert refused.value.code == "bootstrap.closed"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"environments": ()}, "bootstrap.incomplete"),
            ({"policy_owners": ()}, "bootstrap.incomplete"),
            ({"environments": (FirstEnvironment("env_production", "Production", 3),)}, "bootstrap.environment"),
            ({"policy_source": "rules: []"}, "policy.malformed"),
            ({"administrator": FirstPerson("dave", "Dave", "123")}, "person.password"),
        ],
    )
    def test_refuses_half_a_beginning_and_keeps_nothing(self, changes: dict[str, object], code: str) -> None:
        with pytest.raises(Refusal) as refused:
            begin(**changes)
        assert refused.value.code == code
        assert not Identity.objects.exists()
        assert not Entry.objects.exists()


class TestCommand:
    def write(self, folder: Path, extra: str = "") -> Path:
        (folder / "policy.yaml").write_text(make.POLICY.format(version=1, count=1))
        (folder / "root.json").write_bytes(ROOT)
        (folder / "dave.password").write_text(cast.PASSWORD + "\n")
        file = folder / "setup.yaml"
        file.write_text(
            "team: {slug: payments, name: Payments}\nproject: {slug: payments-api, name: Payments API}\n"
            "environments: [{slug: production, name: Production}]\n"
            "administrator: {username: dave, name: Dave Novak, passwordFile: dave.password}\n"
            "policyOwners: [{username: erin, name: Erin Okafor}]\npolicy: policy.yaml\n"
            "trustRoot: {name: Test instance, file: root.json}\n" + extra
        )
        return file

    def test_reads_its_files_and_shows_a_made_up_password_once(self, tmp_path: Path) -> None:
        out = StringIO()
        call_command("bootstrap", file=self.write(tmp_path), stdout=out)
        shown = next(line for line in out.getvalue().splitlines() if line.startswith("Password of erin"))
        assert User.objects.get(username="erin").check_password(shown.rpartition(" ")[2])
        assert User.objects.get(username="dave").check_password(cast.PASSWORD)
        assert cast.PASSWORD not in out.getvalue()
        with pytest.raises(CommandError, match=r"bootstrap\.closed"):
            call_command("bootstrap", file=self.write(tmp_path), stdout=out)

    def test_says_what_a_setup_file_lacks(self, tmp_path: Path) -> None:
        file = tmp_path / "setup.yaml"
        file.write_text("team: {slug: payments, name: Payments}\n")
        with pytest.raises(CommandError, match=r"bootstrap\.incomplete.*'trustRoot'"):
            call_command("bootstrap", file=file)
        with pytest.raises(CommandError, match=r"policy\.duplicate_key"):
            call_command("bootstrap", file=self.write(tmp_path, "policy: other.yaml\n"))
        with pytest.raises(CommandError, match=r"bootstrap\.file"):
            call_command("bootstrap", file=tmp_path / "absent.yaml")
