"""Pages are compressed for who asked for them here, and for nobody whom another site may have made ask."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
TAKES = {"accept-encoding": "gzip, deflate, br", "sec-fetch-site": "same-origin"}


def read(client: Client, path: str, **headers: str) -> tuple[str, bytes, set[str]]:
    """The encoding of an answer, its bytes, and what it says it varies by."""
    response = client.get(path, headers={**TAKES, **headers})
    vary = {name.strip().lower() for name in response.get("Vary", "").split(",")}
    return response.get("Content-Encoding", ""), response.content, vary


class TestCompressed:
    @pytest.mark.parametrize("asked_by", ["same-origin", "none"])
    def test_a_page_that_was_asked_for_here(self, client: Client, asked_by: str) -> None:
        encoding, content, vary = read(client, reverse("account_login"), **{"sec-fetch-site": asked_by})
        assert encoding == "gzip"
        assert b"<!doctype html>" in gzip.decompress(content)
        assert vary >= {"accept-encoding", "sec-fetch-site"}

    @pytest.mark.parametrize("asked_by", ["cross-site", "same-site", "", "same-origin, cross-site"])
    def test_not_where_another_site_may_have_made_the_browser_ask(self, client: Client, asked_by: str) -> None:
        encoding, content, vary = read(client, reverse("account_login"), **{"sec-fetch-site": asked_by})
        assert encoding == ""
        assert b"<!doctype html>" in content
        assert "sec-fetch-site" in vary

    def test_not_where_the_browser_does_not_say(self, client: Client) -> None:
        response = client.get(reverse("account_login"), headers={"accept-encoding": "gzip"})
        assert "Content-Encoding" not in response

    def test_not_where_nobody_reads_it(self, client: Client) -> None:
        assert read(client, reverse("account_login"), **{"accept-encoding": "br"})[0] == ""

    def test_no_answer_to_a_form_no_refusal_and_nothing_but_pages(self, client: Client) -> None:
        posted = client.post(reverse("account_login"), {"login": "nobody", "password": "wrong"}, headers=TAKES)
        assert posted.status_code == 200
        assert "Content-Encoding" not in posted
        assert read(client, "/not-there")[0] == ""
        assert read(client, "/healthz")[0] == ""
