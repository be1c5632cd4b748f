"""`manage.py reverify (ATTESTATION | --all | --status)`: have evidence verified again, or say how far the workers are."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from attestations.models import Reverification
from attestations.reverify import ask_reverification, put_verifier_in_force
from portal.management.console import DataCommand
from proofs.errors import Refusal
from proofs.moment import rfc3339

SHOWN = 20


class Command(DataCommand):
    help = "Verify evidence again. A changed trust root, signer or verifier does so by itself; this is for whenever else you want to."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("attestation", nargs="?", default="", help="id of one attestation (att_…)")
        what.add_argument("--all", action="store_true", help="everything; the workers go through it a batch at a time")
        what.add_argument(
            "--verifier", action="store_true", help="everything, by the verifier of this installation, also if it is an older one"
        )
        what.add_argument("--status", action="store_true", help=f"only list the last {SHOWN} orders and how far each is")

    def handle(self, *, attestation: str, status: bool, verifier: bool, **options: Any) -> None:
        try:
            if verifier:
                put_verifier_in_force(now=timezone.now())
            elif not status:
                ask_reverification(attestation_id=attestation, by=None, now=timezone.now())
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        for order in Reverification.objects.order_by("-pk")[:SHOWN]:
            where = f"spread at {rfc3339(order.done_at)}" if order.done_at else "open"
            what = f"{order.get_kind_display()}: {order.value}" if order.value else order.get_kind_display()
            self.stdout.write(f"{rfc3339(order.ordered_at)}  {where:<31}  {order.touched:>7} touched  {what}")
