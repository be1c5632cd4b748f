"""What refusing costs: `make bench-hostile`. Input made to exhaust a verifier, beside the smallest genuine bundle verified in the same run.

Each kind of input is tried twice: as an attacker would like to send it, which the limit of bytes ends, and as large as that limit lets
through, where the other limits must hold. Ends with 1 where refusing costs more than ten verifications. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.bundles import Measured, is_published_here, made_bundles, published_bundles
from proofs.assess import VERIFIED, Assessment, assess_evidence
from proofs.canonical import MAX_DEPTH, MAX_DIGITS, MAX_PARTS
from proofs.dsse import MAX_SIGNATURES
from proofs.evidence import MAX_BYTES, MAX_MEMBERS, TrustMaterial
from proofs.keys import RegisteredKey, load_spki
from proofs.provenance import MAX_INPUTS
from proofs.sigstore.cosign_layer import ATTESTATION_TYPE
from proofs.sigstore.trust_root import parse_trust_root
from proofs.statement import MAX_CLAIMED, MAX_DIGESTS, MAX_SUBJECTS
from tests.proofs.cosign import CERTIFICATE, PROMISE, SIGNATURE, descriptor
from tests.proofs.factory import DIGEST, KEY_TRUST, NOON, STATEMENT, key_signed

GOAL = 10.0
# As many as a large portal may have registered.
MANY_KEYS = [
    RegisteredKey(load_spki(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)), NOON)
    for key in (ec.generate_private_key(ec.SECP256R1()) for _ in range(1_000))
]


@dataclass(frozen=True, slots=True)
class Hostile:
    """Input that must be refused. `is_key_signed`: by the registered key of the tests, so that the payload is looked at."""

    what: str
    content: bytes
    is_key_signed: bool = False


def main() -> None:
    """Time every refusal, print it with its code, and end with 1 where one costs too much or is none."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="times each input is refused (9)")
    wanted = parser.parse_args()
    genuine = min(published_bundles() if is_published_here() else made_bundles(), key=lambda bundle: len(bundle.content))
    trust_root = parse_trust_root(genuine.trusted_root)
    trust = TrustMaterial((trust_root,), (*MANY_KEYS, *KEY_TRUST.keys))

    def verify() -> Assessment:
        trust_root.known.forget()
        return assess_evidence(genuine.content, trust=trust, received_at=genuine.received_at)

    assert verify().result == VERIFIED
    print(f"{'genuine: ' + genuine.name:52} {len(genuine.content):10} bytes {_cpu(verify, wanted.rounds * 10) * 1e3:8.2f} ms")
    missed = 0
    for hostile in _inputs(genuine):
        received_at = NOON if hostile.is_key_signed else genuine.received_at

        def refuse(hostile: Hostile = hostile, received_at: Any = received_at) -> Assessment:
            return assess_evidence(hostile.content, trust=trust, received_at=received_at)

        # The genuine one is timed anew beside each, so that both meet the same machine.
        pairs = [(_cpu(refuse, 1), _cpu(verify, 5)) for _ in range(wanted.rounds)]
        ratio, milliseconds = statistics.median(cost / base for cost, base in pairs), min(cost for cost, _ in pairs) * 1e3
        answer = refuse()
        is_met = ratio <= GOAL and answer.result != VERIFIED
        missed += not is_met
        print(
            f"{hostile.what:52} {len(hostile.content):10} bytes {milliseconds:8.2f} ms {ratio:6.2f} x genuine"
            f"  <= {GOAL:.0f}  {'met' if is_met else 'MISSED'}  {answer.code}"
        )
    print(f"\n{missed} goals missed")
    raise SystemExit(1 if missed else 0)


def _cpu(work: Callable[[], object], count: int) -> float:
    started = time.thread_time()
    for _ in range(count):
        work()
    return (time.thread_time() - started) / count


def _inputs(genuine: Measured) -> Iterator[Hostile]:
    for what, huge, change in _KINDS:
        yield Hostile(f"{huge:,} {what}", _changed(genuine.content, change, huge))
        most = _most_that_fits(genuine.content, change, huge)
        yield Hostile(f"{most:,} {what}", _changed(genuine.content, change, most))
    for number, where in ((500_000, "nested arrays, alone"), (500_000, "nested arrays, within a bundle")):
        nested = b"[" * number + b"]" * number
        yield Hostile(f"{number:,} {where}", nested if "alone" in where else b'{"x":' + nested + b"," + genuine.content.lstrip()[1:])
    few = MAX_PARTS - 1000
    yield Hostile(f"{few:,} nested arrays, within a bundle", b'{"x":' + b"[" * few + b"]" * few + b"," + genuine.content.lstrip()[1:])
    for number in (MAX_BYTES // 3 - 10, MAX_PARTS - 1):
        yield Hostile(f"{number:,} empty objects", b"[" + b"{}," * (number - 1) + b"{}]")
    for number in (MAX_BYTES // 12, MAX_MEMBERS):
        yield Hostile(f"{number:,} keys of one object, the last one twice", _doubled(number))
    deep = MAX_DEPTH + 1
    yield from _payloads(
        {
            f"{MAX_SUBJECTS + 1:,} subjects": {"subject": [{"name": "x", "digest": {"sha256": DIGEST}}] * (MAX_SUBJECTS + 1)},
            f"{MAX_DIGESTS + 1} digests of one subject": {
                "subject": [{"name": "x", "digest": {f"alg{number}": "0" for number in range(MAX_DIGESTS + 1)}}]
            },
        }
    )
    for number, part in ((250_000, b"{}"), (MAX_PARTS - 10, b"{}"), (MAX_PARTS - 10, b"[]")):
        payload = b'{"x":[' + b",".join([part] * number) + b"]}"
        yield Hostile(f"{number:,} {part.decode()} in a signed payload", _signed(payload), True)
        yield Hostile(f"{number:,} {part.decode()} in a forged one", _forged(key_signed(payload)), True)
    yield Hostile(f"{MAX_SIGNATURES} signatures by nobody, {len(MANY_KEYS):,} keys", _forged(key_signed(), MAX_SIGNATURES), True)
    for depth in (deep, 200_000):
        yield Hostile(f"{depth:,} levels in a signed payload", _signed(b'{"a":' * depth + b"1" + b"}" * depth), True)
    yield from _unproven(genuine)
    for number, digits in ((200, 4_000), (8_000, MAX_DIGITS), (1, 900_000)):
        yield Hostile(f"{number:,} integers of {digits:,} digits", b'{"a":[' + b",".join([b"1" * digits] * number) + b"]}")
    inputs = [{"uri": f"git+https://x.y/%61/b@{number}"} for number in range(2 * MAX_INPUTS)]
    provenance = STATEMENT | {"predicate": {"buildDefinition": {"resolvedDependencies": inputs}}}
    yield Hostile(f"{len(inputs):,} inputs in a signed payload", _signed(json.dumps(provenance).encode()), True)


def _unproven(genuine: Measured) -> Iterator[Hostile]:
    """What stands where nobody has vouched for anything yet: a certificate, a payload, a layer of cosign and its annotations."""
    for names in (40_000, 1_300):
        yield Hostile(f"a certificate of {names:,} names", _changed(genuine.content, _certificate, names))
    for line, many in (("A\n", 600_000), ("A\n", 32_000), ("A", 900_000), ("A", 32_000)):
        text = "-----BEGIN CERTIFICATE-----\n" + line * (many // len(line))
        certified = descriptor(ATTESTATION_TYPE, b"{}", {CERTIFICATE: text, SIGNATURE: ""})
        yield Hostile(f"{many:,} characters of {line!r} for cosign's certificate", json.dumps(certified).encode())
    for members in (MAX_CLAIMED - 1, 195_000):
        payload = b"[" + b"1e1," * members + b"1]"
        yield Hostile(f"{members:,} numbers in a payload of nobody", _forged(key_signed(payload)), True)
        if members < MAX_CLAIMED:
            keys = json.dumps({f"{key:x}": 1.5 for key in range(members)}).encode()
            yield Hostile(f"{members:,} keys in a payload of nobody", _forged(key_signed(keys)), True)
        layer = descriptor(ATTESTATION_TYPE, payload, {CERTIFICATE: "", SIGNATURE: ""})
        yield Hostile(f"{members:,} numbers in a layer of cosign", json.dumps(layer).encode())
        promised = descriptor(ATTESTATION_TYPE, b"{}", {CERTIFICATE: "", SIGNATURE: "", PROMISE: payload.decode()})
        yield Hostile(f"{members:,} numbers in its log's promise", json.dumps(promised).encode())


def _signed(payload: bytes) -> bytes:
    value = json.loads(key_signed(payload))
    value["signatures"][0]["keyid"] = KEY_TRUST.keys[0].key.key_id
    return json.dumps(value).encode()


def _forged(envelope: bytes, copies: int = 1) -> bytes:
    value = json.loads(envelope)
    value["signatures"] = [{"keyid": "", "sig": base64.b64encode(bytes([number]) * 64).decode()} for number in range(copies)]
    return json.dumps(value).encode()


def _payloads(changes: dict[str, dict[str, Any]]) -> Iterator[Hostile]:
    for what, change in changes.items():
        yield Hostile(f"{what} in a signed payload", _signed(json.dumps(STATEMENT | change).encode()), True)


def _doubled(number: int) -> bytes:
    keys = [b'"%x":1' % key for key in range(number)]
    return b"{" + b",".join([*keys, keys[-1]]) + b"}"


def _changed(content: bytes, change: Callable[[dict[str, Any], int], None], number: int) -> bytes:
    value = json.loads(content)
    change(value, number)
    return json.dumps(value).encode()


def _most_that_fits(content: bytes, change: Callable[[dict[str, Any], int], None], huge: int) -> int:
    """Return the largest number that stays within the limit of bytes, by halving."""
    low, high = 1, huge
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        low, high = (middle, high) if len(_changed(content, change, middle)) <= MAX_BYTES else (low, middle)
    return low


def _entry(value: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = value["verificationMaterial"]["tlogEntries"][0]
    return entry


def _hashes(value: dict[str, Any], number: int) -> None:
    _entry(value)["inclusionProof"]["hashes"] = ["A" * 43 + "="] * number


def _signatures(value: dict[str, Any], number: int) -> None:
    value.pop("messageSignature", None)
    value["dsseEnvelope"] = {"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "A" * 96}] * number}


def _checkpoint_lines(value: dict[str, Any], number: int) -> None:
    _entry(value)["inclusionProof"]["checkpoint"]["envelope"] = "x\n1\nAA==\n\n" + "— a AAAAAAAA\n" * number


def _timestamps(value: dict[str, Any], number: int) -> None:
    tokens = [{"signedTimestamp": base64.b64encode(b"0" * 1000 + str(index).encode()).decode()} for index in range(number)]
    value["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": tokens}


def _certificate(value: dict[str, Any], number: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")] * number)
    made = x509.CertificateBuilder().subject_name(named).issuer_name(x509.Name([])).public_key(key.public_key()).serial_number(5)
    encoded = made.not_valid_before(NOON).not_valid_after(NOON).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    material = value["verificationMaterial"]
    raw = {"rawBytes": base64.b64encode(encoded).decode()}
    if "x509CertificateChain" in material:
        material["x509CertificateChain"] = {"certificates": [raw]}
    else:
        material["certificate"] = raw


def _entries(value: dict[str, Any], number: int) -> None:
    value["verificationMaterial"]["tlogEntries"] = [_entry(value)] * number


def _payload_bytes(value: dict[str, Any], number: int) -> None:
    _signatures(value, 1)
    value["dsseEnvelope"]["payload"] = base64.b64encode(b"A" * number).decode()


_KINDS: tuple[tuple[str, int, Callable[[dict[str, Any], int], None]], ...] = (
    ("proof hashes", 200_000, _hashes),
    ("signatures", 100_000, _signatures),
    ("checkpoint signature lines", 300_000, _checkpoint_lines),
    ("timestamps", 20_000, _timestamps),
    ("log entries", 1_000, _entries),
    ("payload bytes", 50_000_000, _payload_bytes),
)


if __name__ == "__main__":
    main()
