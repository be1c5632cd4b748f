"""Lists every address of the portal with its view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver


class Address(NamedTuple):
    """One entry of the URL map. `name` has its namespace in front."""

    route: str
    name: str
    pattern: URLPattern

    @property
    def demands(self) -> tuple[str, ...]:
        """What the view says it demands: a permission of people, or a scope of programs."""
        view: Any = self.pattern.callback
        carriers = [view, getattr(view, "cls", None), getattr(view, "view_class", None)]
        found = [
            getattr(carrier, name, None) for carrier in carriers if carrier is not None for name in ("required_action", "required_scope")
        ]
        return tuple(str(value) for value in found if value)

    @property
    def is_api(self) -> bool:
        return self.route.startswith(("api/v1/", "scim/v2/"))


def all_addresses(resolver: URLResolver | None = None, route: str = "", namespace: str = "") -> Iterator[Address]:
    for entry in (resolver or get_resolver()).url_patterns:
        here = route + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from all_addresses(entry, here, inner)
        else:
            yield Address(here, f"{namespace}{entry.name or ''}", entry)
