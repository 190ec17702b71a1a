"""Links of an HTML page, changed so that they lead through a proxy; everything else stays as it was, byte for byte."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Callable
from typing import Final

Rewrite = Callable[[str], str]

LARGEST_PAGE: Final = 4 << 20
"""Bytes of a page whose links are changed; larger ones are passed on as they are."""
# zlib's numbers for gzip, and for the deflate of HTTP, which has no header of its own in most programs.
_WINDOWS: Final = {"gzip": 31, "deflate": -15}

# Attributes whose value is a URL, as HTML defines them, by element.
_LINKS: Final = {
    "a": ("href",),
    "applet": ("codebase",),
    "area": ("href",),
    "audio": ("src",),
    "base": ("href",),
    "blockquote": ("cite",),
    "body": ("background",),
    "button": ("formaction",),
    "command": ("icon",),
    "del": ("cite",),
    "embed": ("src",),
    "form": ("action",),
    "frame": ("longdesc", "src"),
    "head": ("profile",),
    "html": ("manifest",),
    "iframe": ("longdesc", "src"),
    "img": ("longdesc", "src", "usemap"),
    "input": ("src", "formaction", "usemap"),
    "ins": ("cite",),
    "link": ("href",),
    "object": ("classid", "codebase", "data", "usemap"),
    "q": ("cite",),
    "script": ("src",),
    "source": ("src",),
    "video": ("poster", "src"),
}
# The beginning of a comment, or a start tag up to its end or whatever else cannot be in it.
_MARKUP: Final = re.compile(
    r"<(?:(?P<comment>!--)|(?P<name>[a-zA-Z][^\s/><]*+)(?P<attributes>(?:[^>\"'<]|\"[^\"]*+\"|'[^']*+')*+))"
)
_ATTRIBUTE: Final = re.compile(
    r"(?P<before>(?P<name>[^\s/>=\"']++)\s*+=\s*+)(?P<value>\"[^\"]*+\"|'[^']*+'|[^\s>\"']++)"
)
_RAW: Final = ("script", "style", "textarea", "title")


def with_links(page: str, rewrite: Rewrite) -> str:
    """The page, with `rewrite` applied to all its links. Takes time in proportion to the page's length, whatever it is:
    what is not closed reaches to the end, and is not looked at again."""
    parts: list[str] = []
    done = at = 0
    while (found := _MARKUP.search(page, at)) is not None:
        if found["comment"]:
            at = _behind(page, "-->", found.end())
            continue
        following = page[found.end() : found.end() + 1]
        if following == "<":
            at = found.end()
            continue
        if following != ">":
            break
        name = found["name"].lower()
        parts += (page[done : found.start("attributes")], _attributes(name, found["attributes"], rewrite))
        done = found.end()
        at = _end_of_text(page, name, done) if name in _RAW else done
    parts.append(page[done:])
    return "".join(parts)


def _behind(page: str, end: str, at: int) -> int:
    place = page.find(end, at)
    return len(page) if place < 0 else place + len(end)


def _end_of_text(page: str, element: str, at: int) -> int:
    """Where an element ends in which there is no markup."""
    found = re.compile(rf"</{element}", re.IGNORECASE).search(page, at)
    return len(page) if found is None else found.start()


def _attributes(element: str, text: str, rewrite: Rewrite) -> str:
    links = _LINKS.get(element)
    if links is None:
        return text

    def changed(found: re.Match[str]) -> str:
        if found["name"].lower() not in links:
            return found[0]
        value = found["value"]
        quote = value[0] if value[0] in "\"'" else ""
        link = html.unescape(value[1:-1] if quote else value)
        seen = rewrite(link)
        return found[0] if seen == link else f'{found["before"]}"{html.escape(seen)}"'

    return _ATTRIBUTE.sub(changed, text)


def page_with_links(body: bytes, encoding: str, rewrite: Rewrite) -> bytes:
    """The body of an HTML answer with `rewrite` applied to its links; as it was in an encoding that nobody knows.

    Whatever the page's characters are, its markup is ASCII, so the bytes are taken for Latin-1 and stay the same.
    """
    if encoding in ("", "identity"):
        return with_links(body.decode("latin-1"), rewrite).encode("latin-1", "xmlcharrefreplace")
    wbits = _WINDOWS.get(encoding)
    if wbits is None:
        return body
    reader = zlib.decompressobj(wbits)
    try:
        page = reader.decompress(body, LARGEST_PAGE)
    except zlib.error:
        return body
    if not reader.eof or reader.unconsumed_tail:
        return body
    writer = zlib.compressobj(wbits=wbits)
    return writer.compress(page_with_links(page, "", rewrite)) + writer.flush()
