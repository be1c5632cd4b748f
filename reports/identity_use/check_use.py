"""Checks of how an identity used its rights: plain values in, a finding out. No database, no clock.

Each says pass, fail, review (somebody should look), not applicable, or indeterminate (the records cannot tell), and what it did not look at.
What no record shows counts as not known, never as not done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from reports.identity_use.use import (
    ANYTHING,
    API,
    FAIL,
    GRANT,
    INDETERMINATE,
    NOT_APPLICABLE,
    PASS,
    READ_SCOPE,
    REVIEW,
    SECRET,
    TOKEN,
    TOOL,
    Deed,
    Held,
    Record,
    Use,
    UseFinding,
    count,
    listed,
)

DORMANT_AFTER = timedelta(days=90)
SECRET_LIFE = timedelta(days=90)
# What platforms call a run that somebody started by hand: GitHub Actions, and GitLab.
BY_HAND = {"workflow_dispatch", "web"}
# Who vouches for an address after somebody signed in at a browser.
SIGN_IN_ISSUERS = {
    "https://accounts.google.com",
    "https://github.com/login/oauth",
    "https://login.microsoftonline.com",
    "https://oauth2.sigstore.dev/auth",
}
# Programs with addresses of their own: Google's service accounts of every kind, and GitHub's apps, such as 1+name[bot]@…
SERVICE_ACCOUNTS = ".gserviceaccount.com"
APP_ADDRESSES = "users.noreply.github.com"
NO_TELEMETRY = "No record in or before this window shows it doing anything, so nothing can be told from what it did."
ELSEWHERE = "What it did that never reached this portal."


def check_outside_grants(use: Use) -> UseFinding:
    """Each deed needs a right that was held when it was done, and an identity that could still act then."""
    code, left_out = "use.outside_grant", [ELSEWHERE, "For which project evidence was signed: the policy of a request asks that."]
    left_out += [
        "Evidence that does not verify, as with a key after it was revoked, or that is not verified yet.",
        "Whether it was suspended or without an owner when it acted.",
    ]
    if not use.deeds:
        return _nothing_done(use, code, left_out)
    outside = [(deed, why) for deed in use.deeds if (why := _why_outside(use, deed))]
    outside_api = [_say(deed, "no credential with this scope was in force") for deed in use.deeds if _lacks_scope(use, deed)]
    later = [_say(deed, "the right was given afterwards") for deed in use.deeds if _granted_later(use, deed)]
    if outside:
        if outside_api or later:
            left_out.append(
                f"{count(len(outside_api) + len(later), 'further record')} that only need a look; they stand in the comparison."
            )
        words = f"{count(len(outside), 'deed')} outside what it was granted: {listed(deed.words for deed, _ in outside)}."
        return UseFinding(code, FAIL, words, tuple(_say(deed, why) for deed, why in outside), tuple(left_out))
    if outside_api or later:
        parts = [f"{count(len(later), 'deed')} from before its right was given, which makes it good"] if later else []
        if outside_api:
            parts.append(f"{count(len(outside_api), 'call')} without a credential for it in force, which the API would not have let in")
        return UseFinding(code, REVIEW, f"{'; '.join(parts)}.", (*later, *outside_api), tuple(left_out))
    return UseFinding(
        code, PASS, f"All {count(len(use.deeds), 'deed')} seen were covered by a right held at that time.", (), tuple(left_out)
    )


def _why_outside(use: Use, deed: Deed) -> str:
    if deed.ended:
        return "signed after this way of signing was revoked or had run out"
    if use.retired_at is not None and deed.at >= use.retired_at:
        return "it had been retired"
    if use.compromised_from is not None and deed.at >= use.compromised_from:
        return "it counts as compromised from then on"
    if deed.right != API and not any(held.counts_for(deed) for held in use.held):
        return "no right to it was held at that time"
    return ""


def _lacks_scope(use: Use, deed: Deed) -> bool:
    return deed.right == API and not any(held.covers(deed) for held in use.held)


def _granted_later(use: Use, deed: Deed) -> bool:
    return any(held.counts_for(deed) for held in use.held) and not any(held.covers(deed) for held in use.held)


def check_unused_grants(use: Use) -> UseFinding:
    """A right that was held for the whole window and never used is one too many."""
    code = "use.unused_grant"
    whole = [rows for rows in _by_scope(use.held_then) if _spans(rows, use)]
    if not whole:
        return UseFinding(code, NOT_APPLICABLE, "No right was held for the whole of the window.")
    silent = [rows for rows in whole if not _was_used(rows, use) and not _is_told(rows, use)]
    left_out = tuple(_why_untold(rows, use) for rows in silent)
    unused = [rows for rows in whole if rows not in silent and not _was_used(rows, use)]
    if unused:
        records = tuple(replace(held.record, words=f"may {held.words}: not used in the window") for rows in unused for held in rows)
        words = f"{count(len(unused), 'right')} held all the time and never used: {listed(rows[0].words for rows in unused)}."
        return UseFinding(code, FAIL, words, records, left_out)
    if silent:
        records = tuple(replace(held.record, words=f"may {held.words}: use is not known") for rows in silent for held in rows)
        words = (
            f"Nothing tells whether {count(len(silent), 'right')} held all the time was used: {listed(rows[0].words for rows in silent)}."
        )
        return UseFinding(code, INDETERMINATE, words, records, left_out)
    return UseFinding(code, PASS, "Every right held for the whole of the window was used.")


def _by_scope(rows: Iterable[Held]) -> list[list[Held]]:
    """Put together what is the same right at the same place, however often it was given."""
    groups: dict[tuple[str, str, str, str], list[Held]] = {}
    for held in rows:
        groups.setdefault((held.right, held.object, held.project, held.environment), []).append(held)
    return [groups[key] for key in sorted(groups)]


def _spans(rows: list[Held], use: Use) -> bool:
    reached = use.window.since
    for held in sorted(rows, key=lambda each: each.since):
        if held.since <= reached:
            reached = use.window.until if held.until is None else max(reached, held.until)
    return reached >= use.window.until


def _is_told(rows: list[Held], use: Use) -> bool:
    """Whether records would show that this right was used."""
    right, scope = rows[0].right, rows[0].object
    if right in (TOOL, SECRET):
        return any(deed.right == right for deed in use.deeds) or any(earlier.right == right for earlier in use.earlier)
    if right == API and any(held.may_have_called_in(use.window) for held in rows):
        # Not every call leaves a record: reading leaves none, nor does evidence that was sent before. Without any call there was none.
        return False
    return use.has_telemetry and (not use.cut_off or (right == API and scope == READ_SCOPE))


def _why_untold(rows: list[Held], use: Use) -> str:
    held = next((row for row in rows if row.may_have_called_in(use.window)), rows[0])
    if held.right == TOOL:
        return f"Whether it used {held.object}: nothing reports which tools it uses."
    if held.right == SECRET:
        return f"Whether it read {held.object}: nothing reports which secrets it uses."
    if held.right == API and held.object == READ_SCOPE:
        return "Whether it read: calls that only read leave no record."
    if held.right == API and held.may_have_called_in(use.window):
        return (
            f"Whether it used {held.object}: its credential was last used since the window began, and evidence sent again leaves no record."
        )
    return use.cut_off[0] if use.cut_off else NO_TELEMETRY


def _was_used(rows: list[Held], use: Use) -> bool:
    return any(held.fits(deed) for held in rows for deed in use.deeds)


def check_wildcards(use: Use) -> UseFinding:
    """A right to anything is more than anybody needs."""
    code = "use.wildcard_grant"
    grants = [held for held in use.held_then if held.source == GRANT]
    if not grants:
        return UseFinding(code, NOT_APPLICABLE, "It held no grant.")
    wide = [held for held in grants if held.object == ANYTHING]
    if not wide:
        return UseFinding(code, PASS, "Every grant names what it is for.")
    records = tuple(replace(held.record, words=f"may {held.words}") for held in wide)
    used = listed(deed.object for deed in use.deeds if any(held.fits(deed) for held in wide))
    words = f"{count(len(wide), 'grant')} of anything: it may {listed(held.words for held in wide)}."
    return UseFinding(code, FAIL, f"{words} It is seen to use {used}." if used else words, records, (ELSEWHERE,))


def check_first_time(use: Use) -> UseFinding:
    """What it never did before is worth a look; whoever came into being within the window has no before."""
    code, left_out = "use.first_time", (ELSEWHERE, "What it did before it was registered, unless that was sent here.")
    if use.created_at >= use.window.since:
        return UseFinding(code, NOT_APPLICABLE, "It was registered within the window, so everything was new.", (), left_out)
    if not use.deeds:
        return _nothing_done(use, code, left_out)
    before = {(earlier.right, earlier.object, earlier.environment) for earlier in use.earlier}
    first: dict[tuple[str, str, str], Deed] = {}
    for deed in sorted(use.deeds, key=lambda each: each.at):
        first.setdefault((deed.right, deed.object, deed.environment), deed)
    new = [deed for key, deed in first.items() if key not in before]
    if not new:
        return UseFinding(code, PASS, "Everything it did, it had done before.", (), left_out)
    words = f"{count(len(new), 'thing')} it had never done before: {listed(deed.words for deed in new)}."
    return UseFinding(code, REVIEW, words, tuple(_say(deed, "for the first time") for deed in new), left_out)


def check_dormant_revived(use: Use) -> UseFinding:
    """Acting again after a quarter of silence is worth a look."""
    code, left_out = "use.dormant_revived", (ELSEWHERE, "When older evidence was signed: it counts by when it was received.")
    if not use.deeds:
        return _nothing_done(use, code, left_out)
    last = max((earlier.last_at for earlier in use.earlier), default=None)
    revived: list[tuple[Deed, int]] = []
    for deed in sorted(use.deeds, key=lambda each: each.at):
        if last is not None and deed.at - last >= DORMANT_AFTER:
            revived.append((deed, (deed.at - last).days))
        last = deed.at if last is None else max(last, deed.at)
    if not revived:
        return UseFinding(code, PASS, f"It was never silent for {DORMANT_AFTER.days} days and then acted again.", (), left_out)
    words = f"It acted again after {revived[0][1]} days without any deed."
    return UseFinding(code, REVIEW, words, tuple(_say(deed, f"after {days} days of silence") for deed, days in revived), left_out)


def check_shared_key(use: Use) -> UseFinding:
    """One way of proving itself belongs to one workload: one source repository, one subject of tokens."""
    code, left_out = "use.shared_key", ["Whether a stored secret is known to several: its calls do not say from where."]
    signed, exchanged = [deed for deed in use.deeds if deed.signer], [deed for deed in use.deeds if deed.right == TOKEN]
    if not signed and not exchanged:
        return _nothing_done(use, code, left_out)
    proved = _several((deed for deed in signed if deed.named), lambda deed: deed.signer, lambda deed: deed.source)
    claimed = _several((deed for deed in signed if not deed.named), lambda deed: deed.signer, lambda deed: deed.source)
    tokens = _several(exchanged, lambda deed: deed.object, lambda deed: workload_of(deed.subject))
    unsaid = sum(1 for deed in signed if not deed.source)
    if unsaid:
        left_out.append(f"{count(unsaid, 'signature')} that name no source repository.")
    if proved or tokens:
        shared = {**proved, **tokens}
        words = "; ".join(f"{name} acted for {listed(sources)}" for name, (sources, _) in sorted(shared.items()))
        return UseFinding(code, FAIL, f"Shared by several: {words}.", _say_sources(shared), tuple(left_out))
    if claimed:
        words = "; ".join(f"{name} for {listed(sources)}" for name, (sources, _) in sorted(claimed.items()))
        sentence = f"Statements signed with one key name several sources, which no certificate proves: {words}."
        return UseFinding(code, REVIEW, sentence, _say_sources(claimed), tuple(left_out))
    if unsaid:
        return UseFinding(code, INDETERMINATE, "What it signed does not say for which source all of it was.", (), tuple(left_out))
    return UseFinding(code, PASS, "Each way of proving itself was used for one workload only.", (), tuple(left_out))


Shared = dict[str, tuple[set[str], list[Deed]]]


def _several(deeds: Iterable[Deed], name_of: Callable[[Deed], str], source_of: Callable[[Deed], str]) -> Shared:
    found: Shared = {}
    for deed in deeds:
        if source_of(deed):
            sources, rows = found.setdefault(name_of(deed), (set(), []))
            sources.add(source_of(deed))
            rows.append(deed)
    return {name: (sources, rows) for name, (sources, rows) in found.items() if len(sources) > 1}


def _say_sources(shared: Shared) -> tuple[Record, ...]:
    return tuple(_say(deed, f"for {deed.source or deed.subject}") for _, rows in shared.values() for deed in rows)


def workload_of(subject: str) -> str:
    """Return which workload a token's subject names: of GitHub and GitLab the repository, since the rest is branch, tag or environment."""
    parts = subject.split(":")
    return ":".join(parts[:2]) if len(parts) > 2 and parts[0] in ("repo", "project_path") else subject


def names_address(named: str) -> bool:
    """Say whether what a certificate names is an e-mail address that a person may hold; that of a service account or an app is none."""
    local, at, domain = named.lower().rpartition("@")
    if not at or "://" in named:
        return False
    return not domain.endswith(SERVICE_ACCOUNTS) and not (local.endswith("[bot]") and domain == APP_ADDRESSES)


def check_human_use(use: Use) -> UseFinding:
    """A program's certificates name programs, and its runs are started by programs."""
    code, left_out = "use.human", ["Who made the calls to the API: a credential does not say."]
    signed = [deed for deed in use.deeds if deed.signer]
    if not signed:
        return _nothing_done(use, code, left_out)
    addressed = [deed for deed in signed if names_address(deed.named)]
    people = [deed for deed in addressed if deed.issuer in SIGN_IN_ISSUERS]
    by_hand = [deed for deed in signed if deed.trigger in BY_HAND]
    unsaid = [deed for deed in signed if not deed.trigger and deed not in addressed]
    if unsaid:
        left_out.append(f"What started {count(len(unsaid), 'run')}: what was signed does not say.")
    if addressed:
        left_out.append("Whether a person holds an e-mail address that a certificate names: the address does not show it.")
    records = tuple(_say(deed, f"signed as {deed.named}") for deed in people or addressed)
    if people:
        words = f"{count(len(people), 'piece')} of evidence signed by a person in its name: {listed(deed.named for deed in people)}."
        return UseFinding(code, FAIL, words, records, tuple(left_out))
    if addressed or by_hand:
        parts = [f"{count(len(addressed), 'piece')} of evidence signed as {listed(deed.named for deed in addressed)}"] if addressed else []
        if by_hand:
            parts.append(f"{count(len(by_hand), 'run')} started by hand, by whom is for the platform to say")
        records += tuple(_say(deed, f"trigger {deed.trigger}") for deed in by_hand)
        return UseFinding(code, REVIEW, f"{'; '.join(parts)}.", records, tuple(left_out))
    if unsaid:
        words = "Nothing shows a person acting as it, and what it signed does not always say what started the run."
        return UseFinding(code, INDETERMINATE, words, tuple(_say(deed, "says no trigger") for deed in unsaid), tuple(left_out))
    return UseFinding(code, PASS, "Programs signed everything, and no run was started by hand.", (), tuple(left_out))


def check_long_lived_secrets(use: Use) -> UseFinding:
    """A stored secret is made to live a quarter at most; none grows older than it was made to."""
    code = "use.long_lived_secret"
    if not use.secrets:
        return UseFinding(code, NOT_APPLICABLE, "No API credential was stored for it in this window.")
    found = []
    for secret in use.secrets:
        ends = [end for end in (use.window.until, secret.expires_at, secret.revoked_at) if end is not None]
        age, life = min(ends) - secret.created_at, secret.expires_at - secret.created_at
        if life > SECRET_LIFE:
            found.append(replace(secret.record, words=f"made to live {life.days} days, {age.days} days old in this window"))
    left_out = ("Secrets of other systems: the register knows only its own credentials.",)
    if found:
        words = f"{count(len(found), 'stored secret')} older than {SECRET_LIFE.days} days, or made to become so."
        return UseFinding(code, FAIL, words, tuple(found), left_out)
    words = f"{count(len(use.secrets), 'stored secret')}, none older than {SECRET_LIFE.days} days or made to become so."
    return UseFinding(code, PASS, words, tuple(secret.record for secret in use.secrets), left_out)


def check_across_environments(use: Use) -> UseFinding:
    """One identity acts in one tier, unless grants that are in force then name the environments."""
    code = "use.across_environments"
    placed = [deed for deed in use.deeds if deed.tier is not None]
    unplaced = len(use.deeds) - len(placed)
    left_out = (f"{count(unplaced, 'deed')} whose records name no environment of the register.",) if unplaced else ()
    if not placed:
        return (
            _nothing_done(use, code, left_out)
            if not use.deeds
            else UseFinding(code, NOT_APPLICABLE, "No record of what it did names an environment.", (), left_out)
        )
    tiers = {deed.tier for deed in placed}
    if len(tiers) == 1:
        words = f"All that names an environment was in one tier: {listed(deed.environment for deed in placed)}."
        return UseFinding(code, PASS, words, (), left_out)
    naming = [held for held in use.held if held.source == GRANT and held.environment]
    undeclared = [deed for deed in placed if not any(held.environment == deed.environment and held.holds(deed.at) for held in naming)]
    where = listed(f"{deed.environment} (tier {deed.tier})" for deed in placed)
    if not undeclared:
        return UseFinding(code, PASS, f"It acted in {where}, each named by a grant that was in force then.", (), left_out)
    records = tuple(_say(deed, f"tier {deed.tier}, which no grant in force then names") for deed in undeclared)
    return UseFinding(
        code, FAIL, f"It acted in environments of several tiers, which no grant in force then names: {where}.", records, left_out
    )


def _nothing_done(use: Use, code: str, left_out: Iterable[str]) -> UseFinding:
    if use.has_telemetry:
        return UseFinding(code, NOT_APPLICABLE, "No record shows such a deed in this window.", (), tuple(left_out))
    return UseFinding(code, INDETERMINATE, NO_TELEMETRY, (), tuple(left_out))


def _say(deed: Deed, why: str) -> Record:
    return replace(deed.record, words=f"{deed.words}: {why}")


CHECKS = (
    check_outside_grants,
    check_shared_key,
    check_human_use,
    check_across_environments,
    check_unused_grants,
    check_wildcards,
    check_long_lived_secrets,
    check_first_time,
    check_dormant_revived,
)


def check_use(use: Use) -> tuple[UseFinding, ...]:
    """Return the finding of every check; what was cut off stands in what was not looked at, and lets none of them pass."""
    return tuple(_limit(check(use), use) for check in CHECKS)


def _limit(finding: UseFinding, use: Use) -> UseFinding:
    rests_on_deeds = finding.code not in ("use.wildcard_grant", "use.long_lived_secret")
    if not use.cut_off or not rests_on_deeds:
        return finding
    outcome = INDETERMINATE if finding.outcome in (PASS, NOT_APPLICABLE) else finding.outcome
    return replace(finding, outcome=outcome, not_looked_at=(*finding.not_looked_at, *use.cut_off))
