"""Sign-in at a SAML provider: what is signed, for us, fresh, and asked for by this session comes in, and nothing else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Words

from identities.models import Identity, SignInEvent
from tests import cast
from tests import make_saml as make

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def events() -> list[tuple[str, str, str | None]]:
    return list(SignInEvent.objects.order_by("pk").values_list("username", "outcome", "via"))


def refused(client: Client, answer: Any, code: str, *, outcome: str = "failed") -> None:
    assert f"<code>{code}</code>" in answer.content.decode()
    assert answer.status_code in (400, 403, 404, 409, 413, 422)
    assert "_auth_user_id" not in client.session
    assert events()[-1][1:] == (outcome, "corp-saml")


class TestSuccess:
    def test_with_groups_and_without_them_the_next_time(self, client: Client) -> None:
        make.provider()
        question_id, question = make.ask(client, next="/log")
        assert f'AssertionConsumerServiceURL="{make.ACS}"' in question and make.SP in question
        before = client.session.session_key
        answer = make.post(client, make.response(make.assertion(question_id), question_id))
        assert (answer.status_code, answer["Location"]) == (302, "/log")
        assert client.session.session_key not in (None, before)
        erin = Identity.objects.get(issuer=make.ISSUER, subject="s-erin")
        assert client.session["_auth_user_id"] == str(erin.user.pk)
        assert [role.role for role in erin.roles.filter(ended_at__isnull=True)] == ["approver:release"]
        assert events() == [("erin", "signed_in", "corp-saml")]
        assert make.answer(Client(), groups=None).status_code == 302
        assert not erin.roles.filter(ended_at__isnull=True).exists()

    def test_with_the_second_of_two_certificates_while_one_is_replaced(self, client: Client) -> None:
        make.provider(certificates=[make.pair("old")[1], make.pair()[1]])
        assert make.answer(client).status_code == 302

    def test_with_a_response_that_is_signed_as_well(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        assert make.post(client, make.sign(make.response(make.assertion(question_id), question_id))).status_code == 302

    def test_known_by_an_attribute(self, client: Client) -> None:
        make.provider(config={"subject_attribute": "uid"})
        assert make.answer(client, format=Words.NAMEID_TRANSIENT, name="_4711").status_code == 302
        assert Identity.objects.get(issuer=make.ISSUER).subject == "erin"

    def test_the_metadata_page(self, client: Client) -> None:
        make.provider()
        page = client.get("/accounts/saml/corp-saml/metadata/")
        assert page["Content-Type"] == "application/samlmetadata+xml"
        text = page.content.decode()
        assert f'entityID="{make.SP}"' in text and 'WantAssertionsSigned="true"' in text and text.count(f'Location="{make.ACS}"') == 1


class TestNotSigned:
    def test_at_all(self, client: Client) -> None:
        make.provider()
        refused(client, make.answer(client, signed_by=None), "saml.malformed")

    def test_but_for_the_response_around_it(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        whole = make.response(make.assertion(question_id, signed_by=None), question_id)
        refused(client, make.post(client, make.sign(whole)), "saml.malformed")

    def test_by_the_provider(self, client: Client) -> None:
        make.provider()
        make.pair("other")
        refused(client, make.answer(client, signed_by="other"), "saml.malformed")

    def test_as_it_arrives(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        signed = make.assertion(question_id)
        for old, new in ((">s-erin<", ">s-alice<"), (">releases<", ">officers<"), (make.SP, "https://evil.example")):
            assert old in signed
            refused(client, make.post(client, make.response(signed.replace(old, new), question_id)), "saml.malformed")

    def test_with_an_algorithm_that_is_out_of_use(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        weak = make.sign(make.assertion(question_id, signed_by=None), algorithm=Words.RSA_SHA1, digest=Words.SHA1)
        refused(client, make.post(client, make.response(weak, question_id)), "saml.malformed")


class TestWrapped:
    """Signature wrapping: a good assertion somewhere, and another one where it is read."""

    def _forged(self, question_id: str) -> str:
        return make.assertion(question_id, signed_by=None, id="_forged", name="s-alice")

    def test_beside_another(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        good, forged = make.assertion(question_id), self._forged(question_id)
        for inner in (forged + good, good + forged):
            refused(client, make.post(client, make.response(inner, question_id)), "saml.malformed")

    def test_inside_another(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        good, forged = make.assertion(question_id), self._forged(question_id)
        for place in ("</saml:Subject>", "</saml:Assertion>", "</saml:AttributeStatement>"):
            inner = forged.replace(place, f"<saml:Advice>{good}</saml:Advice>{place}")
            refused(client, make.post(client, make.response(inner, question_id)), "saml.malformed")

    def test_in_extensions_with_its_signature_moved(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        good, forged = make.assertion(question_id), self._forged(question_id)
        start, end = good.index("<ds:Signature"), good.index("</ds:Signature>") + len("</ds:Signature>")
        moved = forged.replace("</saml:Issuer>", f"</saml:Issuer>{good[start:end]}", 1)
        bare = good[:start] + good[end:]
        whole = make.response(moved, question_id).replace("<samlp:Status>", f"<samlp:Extensions>{bare}</samlp:Extensions><samlp:Status>")
        refused(client, make.post(client, whole), "saml.malformed")

    def test_with_the_same_id(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        good = make.assertion(question_id, id="_same")
        forged = make.assertion(question_id, signed_by=None, id="_same", name="s-alice")
        refused(client, make.post(client, make.response(forged + good, question_id)), "saml.malformed")

    def test_a_comment_in_a_name_does_not_shorten_it(self, client: Client) -> None:
        make.provider()
        make.answer(client, name="s-erin<!-- -->.evil")
        assert not Identity.objects.filter(subject="s-erin").exists()


class TestNotForUs:
    @pytest.mark.parametrize(("changes", "code"), [
        ({"audience": "<saml:Audience>https://other.example</saml:Audience>"}, "saml.malformed"),
        ({"audience": ""}, "saml.audience"),
        ({"audience": f"<saml:Audience>{make.SP}</saml:Audience><saml:Audience>https://other.example</saml:Audience>"}, "saml.audience"),
        ({"recipient": "https://other.example/acs"}, "saml.malformed"),
        ({"recipient": f"{make.ACS}more"}, "saml.recipient"),
        ({"recipient": None}, "saml.recipient"),
        ({"issuer": "https://other.example"}, "saml.malformed"),
        ({"ends": None}, "saml.recipient"),
        ({"ends": make.moment(-400)}, "saml.malformed"),
        ({"after": make.moment(-400)}, "saml.malformed"),
        ({"before": make.moment(3000)}, "saml.malformed"),
        ({"format": Words.NAMEID_TRANSIENT}, "saml.subject"),
        ({"in_response_to": None}, "saml.unsolicited"),
        ({"in_response_to": "_another"}, "saml.malformed"),
    ])  # fmt: skip
    def test_by_its_own_words(self, client: Client, changes: dict[str, Any], code: str) -> None:
        make.provider()
        refused(client, make.answer(client, **changes), code)

    def test_sent_elsewhere(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        whole = make.response(make.assertion(question_id), question_id, destination="https://other.example/acs")
        refused(client, make.post(client, whole), "saml.malformed")

    def test_nobody_asked(self, client: Client) -> None:
        make.provider()
        refused(client, make.post(client, make.response(make.assertion("_x", in_response_to=None), None)), "saml.unsolicited")
        refused(client, make.post(client, make.response(make.assertion("_never"), "_never")), "sso.state")

    def test_another_session_asked(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(Client())
        refused(client, make.post(client, make.response(make.assertion(question_id), question_id)), "sso.state")

    def test_a_good_one_under_a_question_of_ones_own(self, client: Client) -> None:
        make.provider()
        theirs, _ = make.ask(Client())
        mine, _ = make.ask(client)
        refused(client, make.post(client, make.response(make.assertion(theirs), mine)), "saml.malformed")

    def test_the_provider_says_no(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        whole = make.response("", question_id, status="urn:oasis:names:tc:SAML:2.0:status:Responder")
        refused(client, make.post(client, whole), "saml.refused")

    @pytest.mark.parametrize("raw", [b"", b"\xff", b"<a", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"x" * 300_000])
    def test_no_response_at_all(self, client: Client, raw: bytes) -> None:
        make.provider()
        refused(client, make.post(client, raw), "saml.too_large" if len(raw) > 1000 else "saml.malformed")

    def test_no_base64(self, client: Client) -> None:
        make.provider()
        refused(client, client.post("/accounts/saml/corp-saml/acs/", {"SAMLResponse": "%%%"}), "saml.malformed")


class TestAgain:
    def test_the_same_assertion_is_good_once(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        whole = make.response(make.assertion(question_id), question_id)
        assert make.post(client, whole).status_code == 302
        refused(Client(), make.post(Client(), whole), "saml.replayed")

    def test_one_without_a_real_end_is_good_once_all_the_same(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        text = make.response(make.assertion(question_id, ends="9999-12-31T23:59:59Z", after="9999-12-31T23:59:59Z"), question_id)
        assert make.post(client, text).status_code == 302
        refused(Client(), make.post(Client(), text), "saml.replayed")

    def test_another_assertion_to_the_same_question(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        make.post(client, make.response(make.assertion(question_id), question_id))
        client.post("/accounts/logout/")
        refused(client, make.post(client, make.response(make.assertion(question_id, id="_second"), question_id)), "sso.state")

    def test_what_was_held_for_the_next_step_is_gone_after_it(self, client: Client) -> None:
        make.provider()
        question_id, _ = make.ask(client)
        text = base64.b64encode(make.response(make.assertion(question_id), question_id).encode()).decode()
        answer = client.post("/accounts/saml/corp-saml/acs/", {"SAMLResponse": text})
        assert answer.cookies["saml-answer"]["httponly"] and answer.cookies["saml-answer"]["samesite"] == "Lax"
        assert client.get(answer["Location"]).status_code == 302
        assert "<code>saml.no_answer</code>" in client.get(answer["Location"]).content.decode()


class TestWhoComesIn:
    def test_nobody_registered_and_without_a_group_that_gives_a_role(self, client: Client) -> None:
        make.provider()
        refused(client, make.answer(client, groups=["lunch"]), "sso.unregistered", outcome="refused")

    def test_somebody_who_is_not_active(self, client: Client) -> None:
        make.provider()
        make.answer(Client())
        Identity.objects.filter(subject="s-erin").update(status="suspended")
        refused(client, make.answer(client), "sso.inactive", outcome="refused")

    def test_a_provider_that_is_not_set_up(self, client: Client) -> None:
        make.provider(config={"certificates": []})
        assert "<code>saml.config</code>" in client.post(make.LOGIN).content.decode()

    def test_asked_again_means_asked_now(self, client: Client) -> None:
        make.provider()
        make.answer(client)
        question_id, question = make.ask(client, again="1", next="/settings/keys/add")
        assert 'ForceAuthn="true"' in question
        old = make.response(make.assertion(question_id, asked=make.moment(-3600)), question_id)
        assert "<code>saml.not_asked</code>" in make.post(client, old).content.decode()
        question_id, _ = make.ask(client, again="1", next="/settings/keys/add")
        assert make.post(client, make.response(make.assertion(question_id), question_id))["Location"] == "/settings/keys/add"
        assert client.get("/settings/keys/add").status_code == 200

    def test_local_people_are_not_touched(self, client: Client) -> None:
        alice = cast.alice()
        make.provider()
        make.answer(
            client, more='<saml:Attribute Name="mail"><saml:AttributeValue>alice@payments.example</saml:AttributeValue></saml:Attribute>'
        )
        assert client.session["_auth_user_id"] != str(alice.user.pk)
