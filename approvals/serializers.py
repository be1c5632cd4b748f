"""What the API of requests reads and writes."""

from __future__ import annotations

from rest_framework import serializers

from approvals.models import Approval, PathFinding, RequestState
from approvals.path.receive_observations import KNOWN, NEW, REFUSED
from approvals.requests.open_request import MAX_ARTIFACTS, MAX_NAME, MAX_NOTE, MAX_TITLE
from attestations.models import Place
from proofs.observation import MAX_LOCATION, MAX_REFERENCE, MAX_SLUG


class InputArtifact(serializers.Serializer):
    """An artifact by its digest."""

    digest = serializers.CharField(max_length=140, help_text="For example sha256:… ; a tag is never accepted.")
    name = serializers.CharField(max_length=MAX_NAME, required=False, allow_blank=True, default="")


class InputRequest(serializers.Serializer):
    """The question: may these artifacts go to this environment?"""

    project = serializers.SlugField(max_length=64)
    environment = serializers.SlugField(max_length=64)
    title = serializers.CharField(max_length=MAX_TITLE)
    artifacts = serializers.ListField(child=InputArtifact(), allow_empty=False, max_length=MAX_ARTIFACTS)
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")
    onBehalfOf = serializers.CharField(
        max_length=150,
        required=False,
        allow_null=True,
        default=None,
        help_text="Username of the person the program asks for; without it, the person who answers for the program.",
    )


class OutputRule(serializers.Serializer):
    """One rule of the policy and how it stands."""

    id = serializers.CharField()
    title = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["pass", "fail", "awaiting"])
    code = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()


class OutputAnswer(serializers.Serializer):
    """One person's signed answer."""

    by = serializers.CharField(help_text="The person's name, a label.")
    issuer = serializers.CharField()
    subject = serializers.CharField()
    decision = serializers.ChoiceField(choices=Approval.Decision.choices)
    level = serializers.CharField(help_text="How sure it is that this person signed, H0 to H4, computed by the portal.")
    signedAt = serializers.DateTimeField()
    notAfter = serializers.DateTimeField()
    record = serializers.CharField(help_text="SHA-256 of the record's payload.")
    ledgerIndex = serializers.IntegerField()


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
    rules = OutputRule(many=True)
    approvals = OutputAnswer(many=True)
    approvalsRequired = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it is not approved, in sentences; empty once it is.")
    openedAt = serializers.DateTimeField()
    dueAt = serializers.DateTimeField(allow_null=True, help_text="Until when it should be answered; null where nobody has to.")
    waitsFor = OutputTurn(many=True, help_text="Whose turn it is, the longest first, at most a hundred.")
    unblock = OutputBlocker(many=True, help_text="What it still needs, and who can give it.")


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
