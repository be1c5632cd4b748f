"""Values that makers take and return: spelled so that two calls can be compared, kept, and taken out again. For `tests.retell`."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.db.models import Model

from portal.demo.instance import Instance
from tests.passkey import SoftPasskey

PRIVATE = (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)
PUBLIC = (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)
# Never changed by anybody, and not to be pickled: kept as they are.
UNCHANGING = (*PRIVATE, *PUBLIC, x509.Certificate)
PLAIN = (type(None), bool, int, float, str, bytes, timedelta)


class Unspoken(Exception):
    """A value that cannot be compared, or not be kept."""


@dataclass(frozen=True)
class Kept:
    """Pickled values, and beside them the objects that they hold by number."""

    pickled: bytes
    held: list[Any]


def spell(value: Any, is_today: Callable[[datetime], bool]) -> Any:
    """Return a hashable spelling of a value, the same for equal values. Raises Unspoken for other kinds, and for today's moments."""
    if isinstance(value, Enum):
        return type(value).__qualname__, value.name
    if isinstance(value, PLAIN):
        return type(value).__name__, value
    if isinstance(value, datetime):
        if is_today(value):
            raise Unspoken("a moment of today")
        return "datetime", value.isoformat()
    if isinstance(value, PurePath):
        return "path", str(value)
    if isinstance(value, Mapping):
        return "mapping", tuple((spell(name, is_today), spell(each, is_today)) for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return type(value).__name__, tuple(spell(each, is_today) for each in value)
    if isinstance(value, (set, frozenset)):
        return "set", frozenset(spell(each, is_today) for each in value)
    if isinstance(value, UNCHANGING):
        return type(value).__name__, _print_of(value)
    if isinstance(value, Model):
        # A moment in a row is what the act before wrote there, today's or not.
        columns = tuple(spell(value.__dict__.get(each.attname), _never) for each in value._meta.concrete_fields)
        return value._meta.label, columns
    if isinstance(value, Instance):
        return "Instance", tuple((name, spell(each, _never)) for name, each in sorted(vars(value).items()))
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__qualname__, tuple(spell(getattr(value, each.name), is_today) for each in fields(value))
    raise Unspoken(type(value).__qualname__)


def keep(value: Any) -> Kept:
    """Pickle a value. Raises Unspoken where that cannot be."""
    written, held = io.BytesIO(), list[Any]()
    try:
        _Pickler(written, held).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise Unspoken(str(error)) from error
    return Kept(written.getvalue(), held)


def unpack(kept: Kept) -> Any:
    """Return a copy of what was kept, new each time."""
    return _Unpickler(io.BytesIO(kept.pickled), kept.held).load()


def assume(given: Any, told: Any) -> None:
    """Do to what a maker was given what the act did to it: its attributes become those of the copy that was kept afterwards."""
    if isinstance(given, (list, tuple)):
        for one, other in zip(given, told, strict=True):
            assume(one, other)
    elif isinstance(given, Mapping):
        for name in given:
            assume(given[name], told[name])
    elif isinstance(given, (Model, Instance, SoftPasskey)):
        vars(given).clear()
        vars(given).update(vars(told))
    elif is_dataclass(given) and not isinstance(given, type):
        for each in fields(given):
            assume(getattr(given, each.name), getattr(told, each.name))


def _never(_: datetime) -> bool:
    return False


def _print_of(value: Any) -> bytes:
    if isinstance(value, x509.Certificate):
        return value.fingerprint(hashes.SHA256())
    public = value.public_key() if isinstance(value, PRIVATE) else value
    spki: bytes = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return spki


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, held: list[Any]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.held = held

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, UNCHANGING):
            return None
        self.held.append(obj)
        return len(self.held) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, held: list[Any]) -> None:
        super().__init__(file)
        self.held = held

    def persistent_load(self, pid: Any) -> Any:
        return self.held[pid]
