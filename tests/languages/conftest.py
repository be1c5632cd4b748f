"""A catalogue that knows every message, for tests of the pseudo-locales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.translation import trans_real

from portal.languages import pseudo


@pytest.fixture
def pseudo_locales(settings: Any) -> Iterator[None]:
    """Offer the pseudo-locales to whoever asks for them."""
    settings.PSEUDO_LANGUAGES = True
    pseudo.install()
    yield
    for code in pseudo.CODES:
        trans_real._translations.pop(code, None)  # type: ignore[attr-defined]
