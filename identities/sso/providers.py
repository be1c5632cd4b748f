"""The identity providers as this part's callers ask for them; see `identities.providers` and `identities.seal`."""

from __future__ import annotations

from identities.providers import active_providers as active_providers
from identities.providers import find_provider as find_provider
from identities.seal import client_secret_of as client_secret_of
