"""What the sign-in page asks about accounts of the portal's own."""

from __future__ import annotations

from django import template

from identities.sign_in.local_accounts import why_not_here

register = template.Library()


@register.simple_tag
def why_no_local_account() -> str:
    """Return the sentence that says why nobody signs in with an account of this portal; empty where they may."""
    return why_not_here()
