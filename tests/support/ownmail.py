"""Messages as their authors write them, in every shape: what a signer is given."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

_NAMES = (
    b"To", b"Cc", b"Subject", b"subject", b"DATE", b"Reply-To", b"Message-ID", b"MIME-Version", b"Content-Type",
    b"Content-Transfer-Encoding", b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Resent-To", b"Resent-Date",
    b"References", b"Received", b"X-Own", b"Sender", b"Comments",
)  # fmt: skip
_VALUES = (
    b"", b"x", b"two  words", b"a: b; c=d", b"trailing \t", b"\t tab", b"folded\r\n and\r\n\t again", b"\r\n later",
    b"=?utf-8?Q?=C3=BC?=", "grün".encode(), b"\xfc latin", b"<a@b.example>", b"w " * 600, b"u" * 1200,
)  # fmt: skip
_LINES = (
    b"", b"Hello", b" indented", b"trailing  ", b"\t", b"two  words\tand a tab", "grün".encode(), b"\xff\xfe",
    b"-- ", b".", b"From here", b"v" * 3000, b"DKIM-Signature: v=1",
)  # fmt: skip
# What no SMTP client sends, but a program may sign
_ODD = (b"a\rb", b"a\nb", b"a\x00b", b"\x0b \x0c", b" \r")


def own_message(random: Random) -> bytes:
    """Return a message with one From field, and any other fields and body."""
    return _message(random, (*_LINES, *_ODD), (b"", b"\r\n", b"\r\n\r\n\r\n", b" \r\n"))


def transmitted(random: Random) -> bytes:
    """Return such a message as SMTP transmits it: whole lines, and neither CR nor LF in them."""
    return _message(random, _LINES, (b"\r\n", b"\r\n\r\n\r\n", b" \r\n"))


def _message(random: Random, any_line: Sequence[bytes], ends: Sequence[bytes]) -> bytes:
    fields = [random.choice(_NAMES) + b": " + random.choice(_VALUES) for _ in range(random.randrange(9))]
    fields.insert(random.randrange(len(fields) + 1), b"From: Anna <anna@example.com>")
    lines = random.choices(any_line, k=random.randrange(8))
    body = random.choice((b"", b"\r\n\r\n")) + b"\r\n".join(lines) + random.choice(ends)
    return b"\r\n".join(fields) + b"\r\n\r\n" + random.choice((b"", body, body))
