"""`countersign`: the entrance. Reads the arguments and hands over; what a command needs is imported when it runs.

Exit codes: 0 verified (and said so), 1 refused, 2 the command line made no sense.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countersign.ask_status import GateQuestion

REFUSED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Whatever goes wrong ends as a refusal: a checker that breaks has verified nothing."""
    chosen = _parser().parse_args(arguments)
    try:
        return _run(chosen)
    except Exception as error:
        if chosen.debug:
            raise
        from countersign.say_refusal import say_failure

        say_failure(error, as_json=getattr(chosen, "json", False))
        return REFUSED


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command == "trust":
        from countersign.show_trust import show_trust

        return show_trust(trust_file=chosen.trust)
    if chosen.command == "status":
        from countersign.fetch_status import show_status

        max_age = timedelta(minutes=chosen.max_age) if chosen.max_age is not None else None
        return show_status(record=chosen.record, portal=chosen.portal, file=chosen.file, trust_file=chosen.trust, max_age=max_age)
    from countersign.verify import verify

    return verify(
        pack_file=chosen.pack,
        trust_file=chosen.trust,
        digest=chosen.digest,
        environment=chosen.environment,
        policy=chosen.policy,
        expectations=chosen.expectations,
        at=chosen.at,
        as_json=chosen.json,
        accept_unevaluated=chosen.accept_unevaluated,
        gate=_gate(chosen),
    )


def _gate(chosen: argparse.Namespace) -> GateQuestion | None:
    if not chosen.for_gate:
        return None
    from countersign.ask_status import GateQuestion

    max_age = timedelta(minutes=chosen.max_age) if chosen.max_age is not None else None
    return GateQuestion(chosen.status, max_age, chosen.revocations)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m countersign", description="Check offline whether, by whom and on what evidence an artifact was approved."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    verify = commands.add_parser(
        "verify",
        help="check a pack exported by the portal",
        description="Check a pack step by step. Nothing in it is believed that does not follow from your own trust file.",
    )
    verify.add_argument("pack", metavar="PACK", type=Path, help="the pack, a zip file")
    _add_trust(verify)
    verify.add_argument("--digest", type=_digest, metavar="D", help="the artifact you have in hand, as sha256:<hex>")
    verify.add_argument("--environment", metavar="E", help="where it is to go")
    verify.add_argument(
        "--policy", type=_digest, metavar="D", help="the policy you expect, as sha256:<hex> (default: the one the person signed for)"
    )
    verify.add_argument(
        "--expectations", type=_digest, metavar="D", help="the project's expectations you expect, where the policy leaves it to them"
    )
    verify.add_argument(
        "--at", type=_moment, metavar="T", help="when it must be valid, as 2026-01-31T12:00:00Z (default: when it was signed)"
    )
    verify.add_argument(
        "--accept-unevaluated",
        action="store_true",
        help="take conditions of the policy that cannot be evaluated here (cel-expr-python is not installed) as the portal says",
    )
    verify.add_argument(
        "--for-gate",
        action="store_true",
        help="decide for a gate: valid now, and a fresh --status says that it still counts, or --revocations that nobody took it back",
    )
    source = verify.add_mutually_exclusive_group()
    source.add_argument("--status", type=Path, metavar="FILE", help="with --for-gate: the portal's status of the request, fetched just now")
    source.add_argument(
        "--revocations",
        type=Path,
        metavar="FILE",
        help="with --for-gate: the portal's list of revocations, in place of a status; says less",
    )
    verify.add_argument(
        "--max-age",
        type=int,
        metavar="MINUTES",
        help="with --for-gate: how old it may be (default: a status as long as it says, a list by the environment's tier)",
    )
    verify.add_argument("--json", action="store_true", help="answer with one JSON document")
    _add_status(
        commands.add_parser("status", help="ask the portal whether one approval still counts", description="Ask whether it still counts.")
    )
    trust = commands.add_parser("trust", help="look at what you trust", description="Look at what you trust.")
    actions = trust.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_trust(actions.add_parser("show", help="show the trust file in words"))
    return parser


def _add_status(status: argparse.ArgumentParser) -> None:
    status.add_argument("record", metavar="RECORD", help="the record of the approval, as sha256:<hex>")
    source = status.add_mutually_exclusive_group(required=True)
    source.add_argument("--portal", metavar="URL", help="ask this portal, with the API token in $COUNTERSIGN_TOKEN (scope read)")
    source.add_argument("--file", type=Path, metavar="FILE", help="check a status that was fetched before, and ask nobody")
    status.add_argument("--max-age", type=int, metavar="MINUTES", help="how old it may be (default: as long as it says)")
    _add_trust(status)


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="FILE",
        help="what you trust, from somewhere else than the pack (default: $COUNTERSIGN_TRUST, then ~/.config/countersign/trust.json)",
    )
    parser.add_argument("--debug", action="store_true", help="when something breaks, show where (for reporting an error in this program)")


def _digest(text: str) -> str:
    from proofs.digest import parse_digest
    from proofs.errors import Refusal

    try:
        return str(parse_digest(text))
    except Refusal as refusal:
        raise argparse.ArgumentTypeError(refusal.reason) from refusal


def _moment(text: str) -> datetime:
    from proofs.errors import Refusal
    from proofs.moment import parse_moment

    try:
        return parse_moment(text, code="time.malformed", what="the time")
    except Refusal as refusal:
        raise argparse.ArgumentTypeError(refusal.reason) from refusal


if __name__ == "__main__":
    sys.exit(main())
