"""Development stand-ins: what makes a developer's day easier and a portal worthless. Outside demo and DEBUG, none may be set anywhere.

Looks through every setting, however deep. Not looked at: what a library does by itself without a setting.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

# Settings that name a class: what ends like this keeps nothing, sends nothing, or is for one process alone.
STAND_INS = {
    "django.core.cache.backends.dummy.DummyCache": "counts nothing, so no limit holds",
    "django.core.cache.backends.locmem.LocMemCache": "counts for each process by itself, so limits do not hold",
    "django.core.mail.backends.console.EmailBackend": "prints reset links into the log",
    "django.core.mail.backends.filebased.EmailBackend": "writes reset links into files",
    "django.core.mail.backends.locmem.EmailBackend": "keeps mail in memory and sends none",
    "django.contrib.auth.hashers.MD5PasswordHasher": "makes passwords that are guessed in seconds",
    "django.contrib.auth.hashers.UnsaltedMD5PasswordHasher": "makes passwords that are guessed in seconds",
    "django.contrib.sessions.backends.signed_cookies": "cannot end a session",
    "django.contrib.auth.backends.AllowAllUsersModelBackend": "lets suspended accounts in",
}
# Switches of libraries that take a check away, by the value that does.
SWITCHES = {
    "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": (True, "takes passkeys from any page"),
    "ACCOUNT_RATE_LIMITS": (False, "lets anybody guess passwords without an end"),
    "ACCOUNT_PREVENT_ENUMERATION": (False, "tells strangers which accounts there are"),
    "CSRF_COOKIE_HTTPONLY": (False, "shows the token of forms to scripts"),
    "SESSION_COOKIE_HTTPONLY": (False, "shows the session to scripts"),
}
VARIABLES = {"OAUTHLIB_INSECURE_TRANSPORT": "signs people in over connections that anybody can read"}


@register(Tags.security)
def check_no_stand_in_is_set(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start with a development stand-in, unless this is the demo or DEBUG is on."""
    if settings.DEMO or settings.DEBUG:
        return []
    found = [
        (f"The setting {name} names {value!r}, which {STAND_INS.get(value, 'is a development stand-in')}.", f"Take it out of {name}.")
        for name, value in _named()
        if value in STAND_INS or value.rsplit(".", 1)[-1].startswith("Insecure")
    ]
    found += [
        (f"The setting {name} is {value}, which {why}.", f"Leave {name} unset.")
        for name, (value, why) in SWITCHES.items()
        if getattr(settings, name, None) is value
    ]
    found += [
        (f"The environment variable {name} is set, which {why}.", f"Unset {name}.")
        for name, why in VARIABLES.items()
        if os.environ.get(name)
    ]
    if settings.SECRET_KEY.startswith("django-insecure-"):
        found.append(("The secret key is one that was made for development.", "Make another; docs/settings.md says how."))
    return [Error(message, hint=f"{hint} Stand-ins are for the demo and for tests.", id="portal.E007") for message, hint in found]


def _named() -> Iterator[tuple[str, str]]:
    """Yield every text in every setting, with the setting's name."""
    for name in sorted(set(dir(settings))):
        # The first hasher makes new passwords; the others only read old ones.
        value = settings.PASSWORD_HASHERS[:1] if name == "PASSWORD_HASHERS" else getattr(settings, name, None)
        if name.isupper():
            yield from ((name, text) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
