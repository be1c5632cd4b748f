"""In which language a page, and a part of it, is written. Pages that nobody has translated yet say so by being English, and marked so."""

from __future__ import annotations

from html import unescape
from typing import Any

from django import template
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils import translation
from django.utils.html import format_html, json_script, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_bidi, gettext

from portal.errors import as_sentence
from portal.languages import retell
from portal.languages.script_words import words_for

register = template.Library()
ENGLISH = "en"
# The pages whose words are in the catalogues. Every other page is written in English inside a translated frame.
TRANSLATED = frozenset(
    {
        "account/login.html",
        "account/logout.html",
        "account/reauthenticate.html",
        "account/password_change.html",
        "account/account_inactive.html",
        "account/signup_closed.html",
        "mfa/index.html",
        "mfa/authenticate.html",
        "mfa/reauthenticate.html",
        "mfa/totp/activate_form.html",
        "mfa/totp/deactivate_form.html",
        "mfa/recovery_codes/index.html",
        "mfa/recovery_codes/generate.html",
        "mfa/webauthn/authenticator_list.html",
        "mfa/webauthn/add_form.html",
        "mfa/webauthn/edit_form.html",
        "mfa/webauthn/authenticator_confirm_delete.html",
        "mfa/webauthn/reauthenticate.html",
        "identities/sign_in_again.html",
        "identities/leave_for.html",
        "portal/refusal.html",
        "portal/notices.html",
        "identities/settings.html",
        "identities/appearance.html",
        "identities/notifications.html",
        "identities/away.html",
        "identities/keys.html",
        "identities/add_key.html",
        "identities/introduce_key.html",
        "identities/confirm_key.html",
        "identities/rename_key.html",
        "identities/revoke_key.html",
        "identities/recovery.html",
        "identities/recoveries.html",
        "identities/accounts.html",
        "identities/activity.html",
        "identities/sessions.html",
        "identities/sessions_end.html",
        "approvals/queue.html",
        "approvals/request.html",
        "approvals/live.html",
        "approvals/sign.html",
        "approvals/ceremony.html",
        "approvals/record.html",
        "approvals/own_readings.html",
        "approvals/exceptions.html",
        "approvals/exception_ask.html",
        "approvals/exception_end.html",
        "approvals/delegations.html",
        "approvals/delegation_new.html",
        "approvals/delegation_end.html",
        "approvals/request_new.html",
        "approvals/break_glasses.html",
        "approvals/break_glass.html",
        "approvals/break_glass_place.html",
        "approvals/break_glass_end.html",
        "approvals/revoke.html",
        "approvals/statement.html",
        "approvals/indicators.html",
        "approvals/beside.html",
        "approvals/expectations.html",
        "approvals/expectations_propose.html",
        "reports/artifact.html",
        "reports/artifact_now.html",
        "reports/artifacts.html",
        "reports/key_signatures.html",
        "reports/artifact_contents.html",
        "reports/artifact_compare.html",
        "reports/search/search.html",
        "reports/search/holding.html",
        "approvals/changes.html",
        "approvals/policies.html",
        "approvals/policy.html",
        "approvals/policy_new.html",
        "approvals/policy_edit.html",
        "approvals/policy_propose.html",
        "approvals/dry_run.html",
    }
)


@register.simple_tag
def document_language() -> SafeString:
    """Return the attributes that say in which language, and in which direction, a document is written."""
    code = translation.get_language() or ENGLISH
    tag = translation.to_locale(code).replace("_", "-")
    return format_html('lang="{}" dir="rtl"' if get_language_bidi() else 'lang="{}"', tag)


@register.simple_tag(takes_context=True)
def if_english(context: Context) -> SafeString | str:
    """Return the attributes of an element that holds a page's own words, where they are English and the frame is not."""
    return "" if _is_translated(context) else english()


@register.simple_tag
def english() -> SafeString:
    """Return the attributes of an element whose words are English on every page: what is signed, kept, or said by a program.

    Nothing on an English page, whose words all are.
    """
    if (translation.get_language() or ENGLISH) == ENGLISH:
        return SafeString("")
    return SafeString(' lang="en" dir="ltr"' if get_language_bidi() else ' lang="en"')


@register.simple_tag(takes_context=True)
def script_words(context: Context) -> SafeString | str:
    """Show, for the scripts of a page, their words in the reader's language; nothing where that is English."""
    words = words_for(is_translated=_is_translated(context))
    return json_script(words, "words") if words else ""


class PageWordsNode(template.Node):
    """What stands between the tags, in the reader's language where the page is translated and in English where it is not."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        if _is_translated(context):
            return self.nodelist.render(context)
        with translation.override(ENGLISH):
            return self.nodelist.render(context)


@register.tag
def page_words(parser: Parser, token: Token) -> PageWordsNode:
    """Surround what a page brings itself: its title, and what stands in its frame."""
    nodelist = parser.parse(("end_page_words",))
    parser.delete_first_token()
    return PageWordsNode(nodelist)


@register.filter
def say(words: Any) -> str:
    """Return words that the code chose from a list of its own, in the reader's language. Not for what people or evidence say."""
    text = str(words) if words is not None else ""
    return gettext(text) if text else ""


@register.filter
def told(sentence: Any, otherwise: str = "") -> SafeString:
    """Return a sentence that the code wrote in English: retold where it is known, marked as English where it is not.

    With "name", what is not known is somebody's name, and is set apart as such.
    """
    if otherwise == "name":
        return retell.retell(str(sentence)) or format_html("<bdi>{}</bdi>", sentence)
    return retell.told(str(sentence if sentence is not None else ""))


@register.filter
def told_text(sentence: str) -> SafeString:
    """Return a sentence for where no element can stand: retold where it is known, as it is where it is not."""
    return mark_safe(strip_tags(retell.told(sentence)))  # noqa: S308  escaped before


@register.filter
def told_reason(reason: str) -> SafeString:
    """Return why something was refused as a whole sentence, told as every other."""
    return retell.told(as_sentence(reason))


@register.simple_tag
def browser(named: str) -> str:
    """Return what a browser calls itself, as `identities.preferences.sessions.name_browser` puts it together."""
    program, joint, system = named.partition(" on ")
    return gettext("%(browser)s on %(system)s") % {"browser": program, "system": system} if joint else gettext(program)


@register.simple_tag
def spoken_node(node: Any) -> str:
    """Return a node of a picture as it is read out: what it is, its name, what stands under that, and its state."""
    kind, line, word = (unescape(told_text(part)) for part in (node.kind, node.line, node.word))
    parts = {"kind": kind, "title": node.title, "line": line, "word": word}
    return gettext("%(kind)s: %(title)s, %(line)s, %(word)s") % parts if line else gettext("%(kind)s: %(title)s, %(word)s") % parts


@register.filter
def told_list(words: str) -> SafeString:
    """Return words that the code joined by commas, and the last perhaps by “and”, each as `told` does."""
    return retell.told_list(words)


def _is_translated(context: Context) -> bool:
    page = context.template
    return page is not None and page.name in TRANSLATED
