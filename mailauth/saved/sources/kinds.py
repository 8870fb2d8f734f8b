"""What a file is, by its first octets and then by its name: a message, something with messages in it, or neither.

Formats that do not keep the octets of a message are refused with the reason, and with what to export instead: a
signature covers octets, so none could be checked. Knows only the beginning of a file.
"""

from __future__ import annotations

import re

from mailauth.saved.sources import mbox
from mailauth.saved.sources.mbox import FIELD
from mailauth.saved.sources.streams import Refused

_EXPORT = "export the message source as .eml or mbox instead"
_OUTLOOK = "drag the message out of Outlook on the web, or use its 'Download' command, to save it as .eml"
_UNPACK = "unpack it and give the folder"

# What cannot be used, by its first octets, and in what case by its name
_REFUSED = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".msg", f"an Outlook message, which does not keep its octets; {_OUTLOOK}"),
    (b"!BDN", ".pst", f"an Outlook data file, which does not keep the octets of messages; {_OUTLOOK}"),
    (b"!BDN", ".ost", f"an Outlook data file, which does not keep the octets of messages; {_OUTLOOK}"),
    (None, ".olm", f"an Outlook archive, which does not keep the octets of messages; {_OUTLOOK}"),
    (b"\xcf\xad\x12\xfe", ".dbx", f"an Outlook Express folder; {_EXPORT}"),
    (b'x\x9f>"', "winmail.dat", f"a TNEF attachment, which does not keep the octets of a message; {_EXPORT}"),
    (b"%PDF-", ".pdf", f"a PDF file: a picture of a message, not its octets; {_EXPORT}"),
    (None, ".html", f"an HTML page: a picture of a message, not its octets; {_EXPORT}"),
    (None, ".htm", f"an HTML page: a picture of a message, not its octets; {_EXPORT}"),
    (b"*mbx*\r\n", ".mbx", f"an mbx file of the UW IMAP server; {_EXPORT}"),
    (b"7z\xbc\xaf\x27\x1c", ".7z", f"a 7-Zip archive; {_UNPACK}"),
    (b"Rar!\x1a\x07", ".rar", f"a RAR archive; {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", ".zst", f"compressed with zstd; {_UNPACK}"),
    (None, ".emlxpart", "an attachment that Apple Mail stored apart from its message"),
]
_COMPRESSED = [(b"\x1f\x8b\x08", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2")]
_OFFICE = re.compile(rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|mimetypeapplication/)", re.DOTALL)
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}<(?:!doctype\s+html|html|head|body|meta)\b", re.IGNORECASE)
_APPLE_PARTIAL = ".partial.emlx"

_FIELD_FIRST = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*" + FIELD)
_OF_MAIL = re.compile(
    rb"^(?:from|to|cc|date|subject|sender|received|return-path|delivered-to|message-id|mime-version|content-type"
    rb"|dkim-signature|arc-seal|authentication-results|x-gm-thrid|x-mozilla-status)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
# XML in UTF-8 or UTF-16, or an object of JSON
_REPORT = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}[<{]|\xff\xfe<\0|\xfe\xff\0<")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_EMLX = re.compile(rb"[ \t]*([0-9]{1,12})[ \t]*\r?\n(?=" + FIELD + rb"|From |>From )")


def kind_of(head: bytes, name: str, *, certain: bool = False, reports: bool = False) -> str:
    """Return what a file is: "message", "report", "mbox", "emlx", "gzip", "bzip2", "xz", "zip" or "tar".

    Args:
        head: its first octets.
        name: its name; "" if it has none.
        certain: whether it is a message because of the place where it is (Maildir).
        reports: whether XML and JSON, which reports are written in, are wanted.

    Raises:
        Refused: if it is nothing that keeps the octets of a message.
    """
    lower = name.lower()
    if not head:
        raise Refused("the file is empty")
    for begin, kind in _COMPRESSED:
        if head.startswith(begin):
            return kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and not lower.endswith(".olm"):
        if _OFFICE.match(head):
            raise Refused(f"a document of an office program; {_EXPORT}")
        return "zip"
    if head[257:262] == b"ustar" or (lower.endswith(".tar") and b"\0" in head):
        return "tar"
    for magic, _, problem in _REFUSED:
        if magic and head.startswith(magic):
            raise Refused(problem)
    if _HTML.match(head):
        raise Refused(next(problem for _, ending, problem in _REFUSED if ending == ".html"))
    if reports and not certain and _REPORT.match(head):
        return "report"
    if lower.endswith(_APPLE_PARTIAL):
        raise Refused(f"Apple Mail stored the attachments of this message apart; {_EXPORT}")
    if not certain and emlx_start(head):
        return "emlx"
    if not certain and mbox.start(head):
        return "mbox"
    if _is_message(head, certain=certain or lower.endswith(".eml")):
        return "message"
    for _, ending, problem in _REFUSED:
        if lower.endswith(ending):
            raise Refused(problem)
    raise Refused("a binary file, not a message" if b"\0" in head else "not a message: it has no header fields of mail")


def emlx_start(head: bytes) -> tuple[int, int] | None:
    """Return the length of the message in an emlx file, and where it begins, both in octets."""
    found = _EMLX.match(head)
    return (int(found[1]), found.end()) if found else None


def _is_message(head: bytes, *, certain: bool) -> bool:
    first = _FIELD_FIRST.match(head)
    if certain:
        return first is not None or b"\0" not in head
    end = _BLANK_LINE.search(head, first.end()) if first else None
    return first is not None and _OF_MAIL.search(head, first.start(), end.start() if end else len(head)) is not None
