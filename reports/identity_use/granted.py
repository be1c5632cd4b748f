"""What an identity was allowed in a window: grants, stored credentials, and workload bindings. Reads only; judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, Q
from django.urls import reverse

from identities.models import ApiCredential, Grant, Identity, WorkloadBinding
from reports.identity_use.use import API, BINDING, CREDENTIAL, GRANT, TOKEN, Held, Record, StoredSecret, Window


def read_granted(identity: Identity, window: Window) -> tuple[tuple[Held, ...], tuple[StoredSecret, ...]]:
    """Return every right held at some time of the window, and the stored credentials that were in force in it, in three queries.

    Grants that were given after the window are among them: what was signed before counts by them.
    """
    url = reverse("identities:identity", args=[identity.pk])
    held = list(_grants(identity, window, url))
    secrets = []
    for credential, ends_at in _credentials(identity, window):
        words = f"stored credential {credential.pk}"
        record = Record(CREDENTIAL, credential.pk, f"{url}#credentials", credential.created_at, words)
        secrets.append(StoredSecret(record, credential.created_at, credential.expires_at, credential.revoked_at))
        held += [
            Held(CREDENTIAL, API, scope, credential.created_at, ends_at, record, last_called=credential.last_used_at)
            for scope in credential.scopes
        ]
    held += _bindings(identity, window, url)
    return tuple(held), tuple(secrets)


def _grants(identity: Identity, window: Window, url: str) -> Iterator[Held]:
    rows = Grant.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=window.since),
        Q(valid_until__isnull=True) | Q(valid_until__gt=window.since),
        identity=identity,
    )
    for grant in rows.select_related("project", "environment", "granted_by").order_by("granted_at", "pk"):
        given_by = f"by {grant.granted_by}" if grant.granted_by else "at the server's console"
        words = f"granted {given_by}: {grant.reason}"
        yield Held(
            source=GRANT,
            right=str(grant.right),
            object=grant.object,
            since=grant.granted_at,
            until=grant.ends_at,
            record=Record(GRANT, grant.pk, url, grant.granted_at, words),
            project=grant.project.slug if grant.project else "",
            environment=grant.environment.slug if grant.environment else "",
        )


def _credentials(identity: Identity, window: Window) -> Iterator[tuple[ApiCredential, datetime]]:
    # What was had for a workload token lives for minutes; its binding stands for it.
    rows = ApiCredential.objects.filter(
        Q(revoked_at__isnull=True) | Q(revoked_at__gt=window.since),
        identity=identity,
        exchange__isnull=True,
        created_at__lt=window.until,
        expires_at__gt=window.since,
    )
    for credential in rows.order_by("created_at", "pk"):
        yield credential, min(credential.expires_at, credential.revoked_at or credential.expires_at)


def _bindings(identity: Identity, window: Window, url: str) -> Iterator[Held]:
    rows = WorkloadBinding.objects.filter(
        Q(revoked_at__isnull=True) | Q(revoked_at__gt=window.since),
        Q(issuer__removed_at__isnull=True) | Q(issuer__removed_at__gt=window.since),
        identity=identity,
        valid_from__lt=window.until,
    )
    rows = rows.select_related("issuer").order_by("valid_from", "pk")
    for binding in rows.annotate(last_exchanged_at=Max("exchanges__exchanged_at"), last_used_at=Max("exchanges__credential__last_used_at")):
        ends_at = min((end for end in (binding.revoked_at, binding.issuer.removed_at) if end is not None), default=None)
        claims = ", ".join(f"{name}={value}" for name, value in binding.claims.items())
        record = Record(BINDING, binding.pk, f"{url}#workload", binding.valid_from, f"tokens of {binding.issuer.name} that say {claims}")
        yield Held(BINDING, TOKEN, binding.pk, binding.valid_from, ends_at, record, last_called=binding.last_exchanged_at)
        for scope in binding.scopes:
            yield Held(BINDING, API, str(scope), binding.valid_from, ends_at, record, last_called=binding.last_used_at)
