"""Write the catalogues: `python -m tests.languages.catalogues messages` gathers what the code says, `compile` makes what Django reads.

`messages` reads every template and every module of the rooms and brings `locale/de/LC_MESSAGES/django.po` up to date: new messages come
without a translation, changed ones are marked fuzzy with the old translation beside them, and what nobody says any more is dropped.
`compile` writes `django.mo`, which is kept beside it, because a machine that only runs the portal has no tools for it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from portal.languages.script_words import list_script_words

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "locale" / "de" / "LC_MESSAGES"
ROOMS = ("portal", "reports", "gates", "approvals", "attestations", "identities")
KEYWORDS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "noop", "lazy", "_")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


TITLE = b"# German for the approver's desk. `make messages` brings it up to date, `make catalogues` compiles it."
HEADERS_THAT_CHANGE = tuple(
    f'"{name}:'.encode()
    for name in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)


def gather() -> Catalog:
    """Return every message that a template or a module says, with where it stands."""
    catalog = Catalog(project="Countersign", charset="utf-8", fuzzy=False)
    for name, source in sources():
        for _line, message, comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
            if message and message != ("", ""):
                catalog.add(message, locations=[(name, None)], auto_comments=comments, context=context)
    for script, said in list_script_words().items():
        for message in said:
            catalog.add(message, locations=[(f"static/js/{script}.js", None)])
    return catalog


def sources() -> Iterator[tuple[str, str]]:
    """Yield the modules as they are, and the templates as Django writes their messages for such tools."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "templates").rglob("*.html")):
        written = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        yield str(path.relative_to(ROOT)), "\n".join(line.strip() for line in written.split("\n"))


def read() -> Catalog:
    """Return the German catalogue as it is kept."""
    with (FOLDER / "django.po").open("rb") as kept:
        return read_po(kept, locale="de")


def compiled(catalog: Catalog) -> bytes:
    """Return what Django reads, of a catalogue."""
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as it is kept: by what it says, without lines and dates that would change with every run."""
    file = io.BytesIO()
    write_po(file, catalog, width=140, sort_output=True, ignore_obsolete=True, include_lineno=False)
    head, _, messages = file.getvalue().partition(b"\n\n")
    kept = [line for line in head.split(b"\n") if not line.startswith((b"#", *HEADERS_THAT_CHANGE))]
    return b"\n".join([TITLE, *kept]) + b"\n\n" + messages


def brought_up_to_date() -> Catalog:
    """Return the German catalogue with what the code says now, and what was translated before."""
    gathered, kept = gather(), read()
    kept.update(gathered, update_header_comment=False)
    kept.obsolete.clear()
    return kept


def main(act: str) -> None:
    """Do one of the two acts."""
    if act == "messages":
        (FOLDER / "django.po").write_bytes(written(brought_up_to_date()))
    elif act == "compile":
        (FOLDER / "django.mo").write_bytes(compiled(read()))
    else:
        raise SystemExit("expected: messages, or compile")


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    main(sys.argv[1] if len(sys.argv) > 1 else "")
