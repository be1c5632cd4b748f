"""manage.py fetch_trust_root: get the current trusted_root.json of a Sigstore instance by TUF; store it, or propose it to two officers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from attestations.trust.fetch_root import PUBLIC_GOOD, embedded_tuf_root, fetch_trust_root, folder_of
from attestations.trust.follow_root import ADDED, PROPOSED, UNCHANGED, UPDATED, follow_trust_root
from portal.management.console import DataCommand
from proofs.errors import Refusal

SAID = {
    UNCHANGED: "It is trusted already.",
    ADDED: "Evidence can be verified under it from now on.",
    UPDATED: "It took the place of the one that was sent before.",
    PROPOSED: "Two officers decide about it on the page Trust, as {proposal}.",
}


class Command(DataCommand):
    help = "Fetch the current trusted_root.json by The Update Framework, from Sigstore's public mirror unless told otherwise."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="Sigstore public good", help="what people call the instance")
        parser.add_argument("--mirror", default=PUBLIC_GOOD, help="address of the TUF repository")
        parser.add_argument("--tuf-root", type=Path, help="its root.json, got by a way you trust; for Sigstore's own mirror it is built in")

    def handle(self, *, name: str, mirror: str, tuf_root: Path | None, **options: Any) -> None:
        if tuf_root is None and mirror != PUBLIC_GOOD:
            raise CommandError("another mirror needs --tuf-root, the root.json that its updates begin from")
        try:
            first = embedded_tuf_root() if tuf_root is None else tuf_root.read_bytes()
            document = fetch_trust_root(mirror=mirror, tuf_root=first, folder=folder_of(mirror, under=Path(settings.VAR_DIR)))
            # Only Sigstore's own mirror, begun from the keys that came with the installed package, is an authority of its own.
            automatic = settings.UPDATE_PUBLIC_GOOD_ROOT and mirror == PUBLIC_GOOD and tuf_root is None
            done = follow_trust_root(name=name, mirror=mirror, document=document, automatic=automatic, now=timezone.now())
        except OSError as error:
            raise CommandError(f"{tuf_root} cannot be read: {error.strerror}") from error
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        self.stdout.write(f"{done.name}: sha256:{done.digest}\n{SAID[done.outcome].format(proposal=done.proposal)}")
