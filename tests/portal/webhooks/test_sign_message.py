"""Signatures as the Standard Webhooks specification gives them."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

import pytest

from portal.webhooks.sign_message import PREFIX, SECRET_BYTES, new_secret, sign_message

pytestmark = pytest.mark.once


def test_the_example_of_the_specification() -> None:
    """Secret, id, time, body and signature are those published with the reference libraries."""
    headers = sign_message(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        body='{"test": 2432232314}',
        secrets_of=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        at=datetime.fromtimestamp(1614265330, tz=UTC),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_sign_in_one_header() -> None:
    at = datetime.fromtimestamp(1614265330, tz=UTC)
    first, second = new_secret(), new_secret()
    both = sign_message(message_id="msg_1", body="{}", secrets_of=[first, second], at=at)["webhook-signature"]
    alone = [sign_message(message_id="msg_1", body="{}", secrets_of=[secret], at=at)["webhook-signature"] for secret in (first, second)]
    assert both.split(" ") == alone


def test_a_new_secret_is_long_and_new() -> None:
    assert len(b64decode(new_secret().removeprefix(PREFIX))) == SECRET_BYTES
    assert new_secret() != new_secret()
