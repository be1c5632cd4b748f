"""What the API of requests reads and writes."""

from __future__ import annotations

from rest_framework import serializers

from approvals.models import Approval, NamedPerson, PathFinding, Request, RequestState
from approvals.path.receive_observations import KNOWN, NEW, REFUSED
from approvals.requests.name_people import MAX_PEOPLE
from approvals.requests.open_request import MAX_ARTIFACTS, OPENED_HERE
from approvals.requests.plain_text import MAX_NAME, MAX_NOTE, MAX_TITLE
from attestations.models import Place
from proofs.approval.delta import AREAS
from proofs.approval.execution import MAX_DETAIL, REPORTED
from proofs.approval.verdict import Verdict
from proofs.observation import MAX_LOCATION, MAX_REFERENCE, MAX_SLUG


class InputArtifact(serializers.Serializer):
    """An artifact by its digest."""

    digest = serializers.CharField(max_length=140, help_text="For example sha256:… ; a tag is never accepted.")
    name = serializers.CharField(max_length=MAX_NAME, required=False, allow_blank=True, default="")


class InputPerson(serializers.Serializer):
    """An account of somebody who took part in making what is asked about."""

    because = serializers.ChoiceField(choices=NamedPerson.Because.choices)
    provider = serializers.CharField(
        max_length=90, help_text="github, gitlab, git, email, portal, the host of a platform, or an issuer’s address."
    )
    account = serializers.CharField(max_length=200, help_text="What never changes about it: at github and gitlab its number.")


class InputRequest(serializers.Serializer):
    """The question: may these artifacts go to this environment, may this agent do this, may these keys be rotated?"""

    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in OPENED_HERE], required=False, default="release")
    project = serializers.SlugField(max_length=64)
    environment = serializers.SlugField(max_length=64)
    title = serializers.CharField(max_length=MAX_TITLE)
    artifacts = serializers.ListField(
        child=InputArtifact(),
        allow_empty=True,
        max_length=MAX_ARTIFACTS,
        required=False,
        default=list,
        help_text="What a release or a promotion is about.",
    )
    fromEnvironment = serializers.SlugField(
        max_length=64, required=False, allow_null=True, default=None, help_text="Where a promotion's artifacts come from."
    )
    subject = serializers.JSONField(
        required=False,
        allow_null=True,
        default=None,
        help_text="What an agent's action or a rotation is about: a countersign-agent-action/v1 or countersign-rotation/v1 document.",
    )
    draft = serializers.BooleanField(required=False, default=False, help_text="Ask nobody yet; submit it later.")
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")
    people = serializers.ListField(
        child=InputPerson(),
        required=False,
        default=list,
        max_length=MAX_PEOPLE,
        help_text="Who made the change, where the policy keeps them from approving it.",
    )
    onBehalfOf = serializers.CharField(
        max_length=150,
        required=False,
        allow_null=True,
        default=None,
        help_text="Username of the person the program asks for; without it, the person who answers for the program.",
    )


class InputReason(serializers.Serializer):
    """Why a request is withdrawn."""

    reason = serializers.CharField(max_length=MAX_NOTE)


class InputExecution(serializers.Serializer):
    """What became of what a gate let through."""

    outcome = serializers.ChoiceField(choices=list(REPORTED))
    result = serializers.RegexField(
        r"\A[0-9a-f]{64}\Z", required=False, allow_blank=True, default="", help_text="SHA-256 of what came out of it."
    )
    detail = serializers.CharField(
        max_length=MAX_DETAIL, required=False, allow_blank=True, default="", help_text="One line, quoted and not checked; no secrets."
    )


class OutputExecution(serializers.Serializer):
    """How far it was carried out, and what the portal signed about that."""

    state = serializers.ChoiceField(choices=["claimed", "executed", "failed", "outcome_unknown"])
    by = serializers.CharField()
    decision = serializers.CharField(help_text="The gate's answer that let it through.")
    claimedAt = serializers.DateTimeField()
    at = serializers.DateTimeField(allow_null=True)
    result = serializers.CharField(help_text="SHA-256, or empty.")
    detail = serializers.CharField()
    ledgerIndex = serializers.IntegerField(allow_null=True)
    envelope = serializers.JSONField(
        allow_null=True, help_text="The DSSE envelope, signed by the portal's recorder key; null before there is one."
    )


class InputNote(serializers.Serializer):
    """What the requester says to those who asked for changes."""

    note = serializers.CharField(max_length=MAX_NOTE)


class OutputChange(serializers.Serializer):
    """One thing that is otherwise than when somebody signed."""

    area = serializers.ChoiceField(choices=AREAS)
    code = serializers.CharField()
    sentence = serializers.CharField()


class OutputRule(serializers.Serializer):
    """One rule of the policy and how it stands."""

    id = serializers.CharField()
    title = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["pass", "fail", "awaiting", "waived"])
    code = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()


class OutputInStead(serializers.Serializer):
    """For whom somebody answers."""

    issuer = serializers.CharField()
    subject = serializers.CharField()


class OutputAnswer(serializers.Serializer):
    """One person's signed answer."""

    by = serializers.CharField(help_text="The person's name, a label.")
    issuer = serializers.CharField()
    subject = serializers.CharField()
    inTheSteadOf = OutputInStead(allow_null=True, help_text="Whose vote it is, where the person answered for somebody else.")
    decision = serializers.ChoiceField(choices=Approval.Decision.choices)
    level = serializers.CharField(help_text="How sure it is that this person signed, H0 to H4, computed by the portal.")
    signedAt = serializers.DateTimeField()
    notAfter = serializers.DateTimeField()
    record = serializers.CharField(help_text="SHA-256 of the record's payload.")
    ledgerIndex = serializers.IntegerField()
    revision = serializers.IntegerField(help_text="Which revision it answers.")
    verdict = serializers.ChoiceField(
        choices=[verdict.value for verdict in Verdict], help_text="How the answer stands now, recomputed from what was signed."
    )
    sentence = serializers.CharField(help_text="Why it stands so.")
    delta = OutputChange(many=True, help_text="What changed since, where the answer is STALE.")


class OutputBlocker(serializers.Serializer):
    """One thing a request still needs."""

    rule = serializers.CharField(allow_blank=True, help_text="The rule's id; empty where somebody's answer is in the way.")
    kind = serializers.CharField()
    title = serializers.CharField()
    code = serializers.CharField(allow_blank=True)
    missing = serializers.CharField(help_text="What is missing, in a sentence.")
    who = serializers.ListField(
        child=serializers.CharField(), help_text="Who can give it: names of people, or the programs the policy expects."
    )
    more = serializers.IntegerField(help_text="How many more of them there are.")
    whoElse = serializers.CharField(source="who_words", allow_blank=True, help_text="The same in words, where it is nobody with a name.")
    whyNotYou = serializers.CharField(source="why_not_you", allow_blank=True, help_text="Why the caller cannot give it.")


class OutputTurn(serializers.Serializer):
    """Somebody the request waits for."""

    name = serializers.CharField(source="identity.name")
    code = serializers.CharField(source="reason_code")
    sentence = serializers.CharField()
    since = serializers.DateTimeField()


class OutputRequest(serializers.Serializer):
    """A request and where it stands."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=Request.Kind.choices)
    url = serializers.CharField()
    title = serializers.CharField()
    project = serializers.CharField()
    environment = serializers.CharField()
    status = serializers.ChoiceField(choices=RequestState.Status.choices)
    revision = serializers.IntegerField()
    snapshot = serializers.CharField(help_text="SHA-256 of the frozen snapshot the review page is drawn from.")
    policy = serializers.CharField(help_text="SHA-256 of the policy document.")
    result = serializers.ChoiceField(choices=["pass", "fail"])
    artifacts = InputArtifact(many=True)
    fromEnvironment = serializers.CharField(allow_null=True)
    subject = serializers.JSONField(allow_null=True, help_text="The document it is about, where it is about one.")
    about = serializers.CharField(allow_null=True, help_text="The request that this one is about.")
    supersededBy = serializers.CharField(allow_null=True, help_text="The newer request that took its place.")
    rules = OutputRule(many=True)
    approvals = OutputAnswer(many=True, help_text="Every answer to every revision, oldest first.")
    approvalsRequired = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it is not approved, in sentences; empty once it is.")
    execution = OutputExecution(allow_null=True, help_text="What became of it, once a gate let an action or a rotation through.")
    openedAt = serializers.DateTimeField()
    dueAt = serializers.DateTimeField(allow_null=True, help_text="Until when it should be answered; null where nobody has to.")
    waitsFor = OutputTurn(many=True, help_text="Whose turn it is, the longest first, at most a hundred.")
    unblock = OutputBlocker(many=True, help_text="What it still needs, and who can give it.")


class OutputSignedStatement(serializers.Serializer):
    """One statement that the portal signed, as a DSSE envelope."""

    type = serializers.ChoiceField(choices=["svr", "vsa"])
    predicateType = serializers.CharField()
    digest = serializers.CharField(help_text="SHA-256 of the payload.")
    ledgerIndex = serializers.IntegerField()
    signedAt = serializers.DateTimeField()
    envelope = serializers.JSONField(help_text="The DSSE envelope, signed by the portal's recorder key.")


class OutputOutcome(serializers.Serializer):
    """What the portal signed about a request: a simple verification result and a verification summary."""

    request = serializers.CharField()
    statements = OutputSignedStatement(many=True)


class InputObservation(serializers.Serializer):
    """What was seen: this digest, under this name, at this place, then."""

    kind = serializers.ChoiceField(choices=Place.Kind.choices)
    location = serializers.CharField(
        max_length=MAX_LOCATION, help_text="registry.example/app/web, or cluster-1/namespace/deployment/container"
    )
    reference = serializers.CharField(
        max_length=MAX_REFERENCE,
        required=False,
        allow_blank=True,
        help_text="The tag or version it is kept under, or the image name that runs; empty only where the digest itself is the name.",
    )
    digest = serializers.CharField(max_length=140, help_text="What was seen there, for example sha256:… .")
    environment = serializers.CharField(
        max_length=MAX_SLUG, required=False, allow_null=True, help_text="The slug of your team's environment it is in."
    )
    observedAt = serializers.DateTimeField(help_text="When it was seen, in UTC and whole seconds: 2026-01-31T12:00:00Z.")


class OutputPathFinding(serializers.Serializer):
    """What a check made of an observation when it came in."""

    check = serializers.CharField(source="check_name")
    outcome = serializers.ChoiceField(choices=PathFinding.Outcome.choices)
    code = serializers.CharField(help_text="Stable and dotted, for example path.digest_differs.")
    sentence = serializers.CharField()
    expected = serializers.CharField(source="expected_digest", allow_blank=True, help_text="The digest that was approved.")
    approval = serializers.CharField(source="approval_id", allow_null=True)
    notLookedAt = serializers.ListField(source="not_looked_at", child=serializers.CharField())


class OutputObservationAnswer(serializers.Serializer):
    """The answer to one observation."""

    position = serializers.IntegerField(help_text="Place in the list, from 1.")
    answer = serializers.ChoiceField(choices=[NEW, KNOWN, REFUSED])
    id = serializers.CharField(allow_null=True)
    receivedAt = serializers.DateTimeField(allow_null=True)
    findings = OutputPathFinding(many=True)
    code = serializers.CharField(allow_null=True)
    sentence = serializers.CharField(allow_null=True)


class OutputObservations(serializers.Serializer):
    """The answers to all of them, in order; `counts` by answer."""

    counts = serializers.DictField(child=serializers.IntegerField())
    items = OutputObservationAnswer(many=True)
