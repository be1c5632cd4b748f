"""What an identity provider told of the person who signed in there, once it was verified, whichever protocol it spoke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.errors import Malformed

MOST_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Told:
    """Who signed in. `groups` is None where nothing was said of groups, which is not the same as none."""

    subject: str
    username: str
    name: str
    email: str
    groups: list[str] | None
    # When the provider says that it asked the person; None where it does not say.
    told_at: datetime | None


def told_by_claims(claims: Mapping[str, Any], *, groups_claim: str, told_at: datetime | None) -> Told:
    """Return what claims of an ID token and of userinfo say (OpenID Connect Core 1.0, section 5.1).

    Refuses with `sso.groups_claim` for groups that are no list of texts, or that are said to be elsewhere (`_claim_names`, section 5.6.2).
    """
    elsewhere = claims.get("_claim_names")
    if groups_claim not in claims and isinstance(elsewhere, dict) and groups_claim in elsewhere:
        raise Malformed(
            "sso.groups_claim", f"the provider says that {groups_claim} is elsewhere, expected the groups themselves: too many?"
        )
    groups = claims.get(groups_claim)
    if isinstance(groups, str):
        groups = [groups]
    if groups is not None and (not isinstance(groups, list) or not all(isinstance(group, str) for group in groups)):
        raise Malformed("sso.groups_claim", f"got {groups_claim} of another form, expected a list of texts")
    # An address that nobody proved to be theirs could be somebody else's.
    email = _text(claims, "email") if claims.get("email_verified") in (True, "true") else ""
    username = _text(claims, "preferred_username") or email or _text(claims, "sub")
    name = _text(claims, "name") or username
    return Told(subject=_text(claims, "sub"), username=username, name=name, email=email, groups=groups, told_at=told_at)


def told_by_attributes(
    subject: str, attributes: Mapping[str, Sequence[str]], *, config: Mapping[str, Any], groups_claim: str, told_at: datetime | None
) -> Told:
    """Return what the attributes of a SAML assertion say, by the names that `config` gives them."""

    def first(setting: str, *usual: str) -> str:
        names = [str(config[setting])] if config.get(setting) else usual
        values = [value for name in names for value in attributes.get(name, ())]
        return values[0].strip()[:MOST_CHARACTERS] if values else ""

    username = first("username_attribute", "uid", "urn:oid:0.9.2342.19200300.100.1.1") or subject
    name = first("name_attribute", "displayName", "urn:oid:2.16.840.1.113730.3.1.241", "cn") or username
    email = first("email_attribute", "mail", "urn:oid:0.9.2342.19200300.100.1.3")
    groups = attributes.get(groups_claim)
    kept = None if groups is None else list(groups)
    return Told(subject=subject, username=username, name=name, email=email, groups=kept, told_at=told_at)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip()[:MOST_CHARACTERS] if isinstance(value, str) else ""
