"""A form field for the JSON a browser's passkey answers with, read by the strict parser.

Django's own field hands any depth to the recursive reader, and again when it draws the form anew. The shape of the answer is not checked here.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from proofs.canonical import parse_json
from proofs.errors import Refusal


class StrictJSONField(forms.JSONField):
    """Refuses what `parse_json` refuses, as an error of the field."""

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or value in self.empty_values:
            return super().to_python(value)
        try:
            return parse_json(value.encode("utf-8"))
        except (Refusal, UnicodeEncodeError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value}) from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        # What was refused is shown as it came, not parsed once more.
        return data if data is None else InvalidJSONInput(data)
