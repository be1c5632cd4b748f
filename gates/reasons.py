"""Why a gate stays shut: a stable code, a sentence, and the request a person can go to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a deny; `request_id` names the request whose page shows what to do."""

    code: str
    sentence: str
    request_id: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return {"code": self.code, "sentence": self.sentence, "request": self.request_id}
