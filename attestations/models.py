"""Artifacts, evidence as received, the work of verifying it, and what came of it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from attestations.listed_rows import BuiltFrom as BuiltFrom
from attestations.listed_rows import ListedPackage as ListedPackage
from attestations.listed_rows import Listing as Listing
from attestations.listed_rows import ListingProgress as ListingProgress
from identities.ids import new_id
from identities.models import Environment, Identity, Team
from ledger.append_only import AppendOnly
from proofs.observation import RUNNING
from proofs.unknown_key import UNKNOWN_KEY_CODES


def new_attestation_id() -> str:
    return new_id("att")


class Blob(AppendOnly):
    """Bytes by their SHA-256: evidence, verdict documents, snapshots, policies, trust roots."""

    digest = models.CharField(primary_key=True, max_length=64)
    size = models.PositiveIntegerField()
    content = models.BinaryField()
    stored_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="blob_digest_is_sha256")]

    def __str__(self) -> str:
        return self.digest


class Artifact(AppendOnly):
    """Something identified by its digest. `name` is the first name it was seen under, a label only."""

    digest = models.CharField(primary_key=True, max_length=140)
    name = models.CharField(max_length=300, blank=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(digest__regex=r"^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$"),
                name="artifact_digest_is_well_formed",
            )
        ]

    def __str__(self) -> str:
        return self.digest


class TrustRoot(models.Model):
    """A stored trust root (Sigstore `trusted_root.json`), by digest, with the thresholds evidence must meet under it."""

    digest = models.CharField(primary_key=True, max_length=64)
    name = models.CharField(max_length=120)
    document = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    profile = models.JSONField(default=dict)
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


def new_trust_proposal_id() -> str:
    return new_id("tpr")


class TrustProposal(AppendOnly):
    """That a trust root be added or removed. `proposed_by` is null where the portal proposes what a mirror sent by TUF."""

    class Change(models.TextChoices):
        ADD = "add", "Add"
        REMOVE = "remove", "Remove"

    id = models.CharField(primary_key=True, max_length=40, default=new_trust_proposal_id)
    change = models.CharField(max_length=8, choices=Change.choices)
    name = models.CharField(max_length=120)
    document = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    profile = models.JSONField(default=dict)
    reason = models.CharField(max_length=500)
    proposed_by = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="trust_proposals")
    proposed_at = models.DateTimeField()
    lapses_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(lapses_at__gt=F("proposed_at")), name="trust_proposal_lapses_later")]

    def __str__(self) -> str:
        return f"{self.change} {self.name}"

    @property
    def root_digest(self) -> str:
        """The digest that names the trust root: that of its document."""
        return self.document_id


class TrustAnswer(AppendOnly):
    """One officer's answer to a proposal. Whether it has taken effect follows from all the answers to it."""

    class Word(models.TextChoices):
        CONFIRM = "confirm", "Confirmed"
        REFUSE = "refuse", "Refused"
        WITHDRAW = "withdraw", "Withdrawn"

    proposal = models.ForeignKey(TrustProposal, on_delete=models.PROTECT, related_name="answers")
    by = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="trust_answers")
    word = models.CharField(max_length=8, choices=Word.choices)
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "by"], name="trust_answer_once_per_officer")]

    def __str__(self) -> str:
        return f"{self.proposal_id} {self.word}"


class TrustOrigin(AppendOnly):
    """That a mirror offered this document under TUF, and by which name it is known here."""

    root_digest = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    mirror = models.CharField(max_length=300)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["root_digest", "name", "mirror"], name="trust_origin_once")]

    def __str__(self) -> str:
        return f"{self.name} from {self.mirror}"


class Attestation(AppendOnly):
    """One signed claim, byte for byte as received. The same bytes are the same attestation."""

    id = models.CharField(primary_key=True, max_length=40, default=new_attestation_id)
    blob = models.OneToOneField(Blob, on_delete=models.PROTECT, related_name="attestation")
    format = models.CharField(max_length=40)
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class Submission(AppendOnly):
    """Who sent an attestation, and when; the same attestation may be sent by several."""

    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="submissions")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="submissions")
    submitted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attestation", "identity"], name="submission_once_per_identity")]

    def __str__(self) -> str:
        return f"{self.attestation_id} by {self.identity_id}"


def new_collection_id() -> str:
    return new_id("col")


class Collection(AppendOnly):
    """One file of several pieces of evidence that somebody sent. The same bytes from the same sender are the same collection.

    The file itself is not kept; its items are. `name` is what the sender calls it, a label only.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_collection_id)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="collections")
    digest = models.CharField(max_length=64)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200, blank=True)
    size = models.PositiveIntegerField()
    item_count = models.PositiveIntegerField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "digest"], name="collection_once_per_identity")]

    def __str__(self) -> str:
        return self.id


class CollectionItem(AppendOnly):
    """How one item of a collection was answered: it is this attestation, or it was refused.

    Once taken in it stays taken in; of two refusals the later one counts, because limits and formats may change between two sendings.

    `label` is what the container said the evidence is; nobody signed it. It is there before the attestation can be verified.
    """

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=300)
    label = models.CharField(max_length=300, blank=True)
    attestation = models.ForeignKey(Attestation, null=True, blank=True, on_delete=models.PROTECT, related_name="collection_items")
    code = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=600, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["collection", "position", "attestation"], name="collection_item_taken_once"),
            models.UniqueConstraint(
                fields=["collection", "position", "code"], condition=Q(attestation__isnull=True), name="collection_item_refused_once"
            ),
            models.CheckConstraint(
                condition=Q(attestation__isnull=False, code="") | (Q(attestation__isnull=True) & ~Q(code="")),
                name="collection_item_taken_or_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection_id} item {self.position}"


def new_observation_id() -> str:
    return new_id("obs")


class Place(AppendOnly):
    """Where something was seen, for the team whose program saw it: a name in a registry or index, or where something runs.

    `key` is the digest of all that tells it from other places; two spellings are two places. `reference` is empty where something runs.
    """

    class Kind(models.TextChoices):
        REGISTRY = "registry", "Registry"
        PACKAGE_INDEX = "package-index", "Package index"
        GATE = "gate", "Gate"
        CLUSTER = "cluster", "Cluster"
        HOST = "host", "Host"

    key = models.CharField(primary_key=True, max_length=64)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="places")
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.PROTECT, related_name="places")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    location = models.CharField(max_length=300)
    reference = models.CharField(max_length=300, blank=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(key__regex=r"^[0-9a-f]{64}$"), name="place_key_is_sha256")]

    def __str__(self) -> str:
        return self.location

    @property
    def is_running(self) -> bool:
        """Whether something runs there, and is not only kept."""
        return self.kind in RUNNING


class Observation(AppendOnly):
    """A registered identity saw this digest at this place. Said by that identity, and believed no further than it is.

    The digest is no Artifact row: those are seen by every team, and what a team has in its places is its own.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_observation_id)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="observations")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="observations")
    reference = models.CharField(max_length=300, blank=True)
    digest = models.CharField(max_length=140, db_index=True)
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["place", "identity", "reference", "digest", "observed_at"], name="observation_once"),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$"),
                name="observation_digest_is_well_formed",
            ),
        ]
        indexes = [models.Index(fields=["place", "-observed_at"], name="observation_newest")]

    def __str__(self) -> str:
        return self.id


class VerificationJob(models.Model):
    """The state of work on one attestation. `attempts` is the fencing count: only the holder of the last claim may finish.

    The count never goes back; `attempts_before` says how many of them belong to verdicts that were given already.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CLAIMED = "claimed", "Being verified"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    attestation = models.OneToOneField(Attestation, primary_key=True, on_delete=models.PROTECT, related_name="job")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    attempts_before = models.PositiveIntegerField(default=0)
    # Why it is verified again; empty for the first time.
    because = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_try_at"], condition=Q(state__in=["waiting", "claimed"]), name="job_open")]

    def __str__(self) -> str:
        return f"{self.attestation_id} {self.state}"


class Verdict(AppendOnly):
    """The outcome of one verification. `document` is the canonical verdict document that approvals name by digest.

    `verifier`, `trust_root` and the signer's names are what it rested on, so that whatever a change touches can be found.
    """

    class Result(models.TextChoices):
        VERIFIED = "verified", "Verified"
        REJECTED = "rejected", "Rejected"
        UNSUPPORTED = "unsupported", "Not supported"
        ERROR = "error", "Error"

    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="verdicts")
    number = models.PositiveIntegerField()
    result = models.CharField(max_length=16, choices=Result.choices)
    code = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=600, blank=True)
    predicate_type = models.CharField(max_length=300, blank=True)
    signer = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="signed_verdicts")
    document = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    verified_at = models.DateTimeField()
    because = models.CharField(max_length=200, blank=True)
    # The last order of the kinds that change trust when it was reached: it has seen that one and all before.
    trust_mark = models.BigIntegerField(default=0)
    verifier = models.CharField(max_length=40, blank=True, db_index=True)
    trust_root = models.CharField(max_length=64, blank=True, db_index=True)
    # The issuer is empty where a key signed; then the name is the key's id.
    signer_issuer = models.CharField(max_length=300, blank=True)
    signer_name = models.CharField(max_length=500, blank=True, db_index=True)
    # Of an envelope of several signatures: the ids of further keys that count, and how many signatures count for nothing yet.
    co_signer_names = models.TextField(blank=True)
    other_signatures = models.PositiveIntegerField(default=0)
    # That of the first signer; those of all are in `VerdictSigner`. Null where no signature held, and before verifier 4.
    copy_key = models.CharField(max_length=64, null=True, blank=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attestation", "number"], name="verdict_number_once")]

    def __str__(self) -> str:
        return f"{self.attestation_id} {self.result}"

    @property
    def is_verified(self) -> bool:
        """Whether it says that the evidence verified."""
        return self.result == self.Result.VERIFIED

    @property
    def is_key_unknown(self) -> bool:
        """Whether it rejects the evidence because nobody registered the key that signed it."""
        return self.result == self.Result.REJECTED and self.code in UNKNOWN_KEY_CODES


class VerdictSubject(AppendOnly):
    """An artifact a verdict is about. `claimed` marks what unproven content merely claims to be about."""

    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="subjects")
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="verdict_subjects")
    name = models.CharField(max_length=300, blank=True)
    claimed = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["verdict", "artifact"], name="verdict_subject_once")]

    def __str__(self) -> str:
        return f"{self.verdict} about {self.artifact_id}"


class VerdictSigner(AppendOnly):
    """One of those whose signature a verdict found to hold: the signer, or a co-signer of the same envelope.

    `copy_key` is shared by all evidence in which this signer signed the same content. `issuer` is empty where a key signed; then `name` is its
    id. `source` is the repository that a certificate names, which for a reusable workflow is whoever called it. `identity` is null where nobody
    answered for it.
    """

    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="signers")
    copy_key = models.CharField(max_length=64, db_index=True)
    issuer = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=500)
    source = models.CharField(max_length=500, blank=True)
    identity = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["verdict", "copy_key"], name="verdict_signer_once")]

    def __str__(self) -> str:
        return f"{self.verdict} signed by {self.name}"


class Finding(AppendOnly):
    """One check's answer about one verdict."""

    class Outcome(models.TextChoices):
        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"
        REVIEW = "review", "Review"
        NOT_APPLICABLE = "not_applicable", "Not applicable"
        ERROR = "error", "Error"

    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="findings")
    check_name = models.CharField(max_length=60)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    code = models.CharField(max_length=80, blank=True)
    sentence = models.CharField(max_length=600)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["verdict", "check_name"], name="finding_once_per_check")]

    def __str__(self) -> str:
        return f"{self.check_name}: {self.outcome}"


class Reverification(models.Model):
    """An order to verify again whatever a change touches. The row is the queue: `cursor` says how far the order was spread.

    `value` is what changed: a trust root's digest, a key's id, a certificate's name, the verifier's version, or an attestation's id.
    """

    class Kind(models.TextChoices):
        ROOT_ADDED = "root_added", "A trust root was added"
        ROOT_REMOVED = "root_removed", "A trust root was removed"
        KEY = "key", "What the register says of a signing key changed"
        CERTIFICATE = "certificate", "What the register says of a certificate's name changed"
        VERIFIER = "verifier", "The verifier changed"
        ASKED = "asked", "Somebody asked for it"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = models.CharField(max_length=500, blank=True)
    issuer = models.CharField(max_length=300, blank=True)
    ordered_at = models.DateTimeField()
    cursor = models.CharField(max_length=40, blank=True)
    touched = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(done_at__isnull=True), name="reverification_open")]
        constraints = [
            models.UniqueConstraint(
                fields=["value"], condition=Q(kind="verifier", done_at__isnull=True), name="reverification_once_per_verifier"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
