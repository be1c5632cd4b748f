"""The API's JSON reader: the strict one that evidence is read with, so that every door refuses the same things.

Checks UTF-8, depth and duplicate keys. Shapes are checked by each door's serializer, sizes by `portal.screen_requests`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from proofs.canonical import parse_json


class StrictJSONParser(BaseParser):
    """Reads application/json. Refuses as `parse_json` does."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return parse_json(stream.read())
