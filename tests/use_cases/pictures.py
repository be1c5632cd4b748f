"""The pictures in docs/pictures, taken by the tests that open the pages, and only where COUNTERSIGN_PICTURES=1 asks for it."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections import Counter
from itertools import chain
from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
MOST_BYTES = 150_000
# Returns the width, and red, green and blue of every point.
POINTS = """async (png) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const bytes = pen.getImageData(0, 0, image.width, image.height).data.filter((_, at) => at % 4 !== 3);
  let words = "";
  for (let at = 0; at < bytes.length; at += 8192) words += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return [image.width, btoa(words)];
}"""
Colour = tuple[int, int, int]


def take_picture(page: Page, name: str) -> None:
    """Take NAME-light.png and NAME-dark.png of a page on a wide screen, or NAME-phone.png of it on a phone."""
    if os.environ.get("COUNTERSIGN_PICTURES") != "1":
        return
    page.emulate_media(reduced_motion="reduce")
    if (page.viewport_size or {"width": 0})["width"] < 600:
        _take(page, f"{name}-phone.png")
        return
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        _take(page, f"{name}-{theme}.png")
    page.emulate_media(color_scheme="null")


def _take(page: Page, name: str) -> None:
    """Keep the picture in the 256 colours it has most of, which a page of text does with, in a third of the bytes."""
    # On a page of its own, because those of the portal let nobody fetch what is not theirs.
    assert page.context.browser is not None
    easel = page.context.browser.new_page()
    width, points = easel.evaluate(POINTS, base64.b64encode(page.screenshot(scale="css")).decode())
    easel.close()
    small = encode_png(width, base64.b64decode(points))
    assert len(small) <= MOST_BYTES, f"{name} has {len(small)} bytes, expected {MOST_BYTES} at most"
    (FOLDER / name).write_bytes(small)


def encode_png(width: int, points: bytes) -> bytes:
    """Return a PNG with a palette; a colour that has no place there becomes the nearest that has."""
    colours: list[Colour] = list(zip(points[::3], points[1::3], points[2::3], strict=True))
    palette = [colour for colour, _ in Counter(colours).most_common(256)]
    places = {colour: place for place, colour in enumerate(palette)}
    for colour in set(colours) - set(places):
        places[colour] = min(range(len(palette)), key=lambda place: sum((a - b) ** 2 for a, b in zip(colour, palette[place], strict=True)))
    indexed = bytes(places[colour] for colour in colours)
    lines = b"".join(b"\0" + indexed[at : at + width] for at in range(0, len(indexed), width))
    head = struct.pack(">IIBBBBB", width, len(indexed) // width, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"PLTE", bytes(chain.from_iterable(palette))), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
