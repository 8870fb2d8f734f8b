"""Known damage to a saved message, undone on trial: does a signature that fails verify without it?

A fixed list, each kind tried alone and once: a signature that verifies then says itself what was signed. The verdict
stays as it is; the outcome names the damage, who usually does it, and the hop that could have.
"""

from __future__ import annotations

import binascii
import dataclasses
import re
from base64 import encodebytes
from collections.abc import Iterator
from hashlib import sha256

from mailauth import dkim
from mailauth.authentication import Authentication
from mailauth.context import Context
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dns.drive import run
from mailauth.dns.values import Answer, Question, Status
from mailauth.limits import DEFAULT_OPTIONS
from mailauth.message.canonical import CRLF
from mailauth.message.fields import Message, Octets
from mailauth.results import Outcome, Reason
from mailauth.saved.damage import Damage
from mailauth.saved.doers import doer
from mailauth.saved.reencoded import candidates
from mailauth.text import one_line

_BODY, _HEADER = Reason.BODY_HASH_MISMATCH, Reason.SIGNATURE_MISMATCH
_FAILED = frozenset({_BODY, _HEADER})
_MAX_BODY = 32 * 2**20  # octets; a larger body is not tried
_PIECE = 2**15  # octets
_STUFFED = re.compile(rb"^\.\.", re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*+From )", re.MULTILINE)
_QUOTED_ONCE = re.compile(rb"^>(From )", re.MULTILINE)
# The rule above the footer of Mailman, and the beginning of that of Google Groups
_FOOTER = re.compile(rb"^(?:_{47}\r\n|-- \r\nYou received this message because you are subscribed to )", re.MULTILINE)
_ENCODING = re.compile(rb"[ \t\r\n]*+(quoted-printable|base64|8bit|7bit|binary)[ \t\r\n]*+", re.IGNORECASE)
# Those of a character or two: others of Python are not linear
_CHARSET = re.compile(
    rb";[ \t\r\n]*+charset[ \t]*+=[ \t]*+\"?"
    rb"(iso-8859-[0-9]{1,2}|windows-125[0-8]|koi8-[ru]|big5|gb2312|gbk|gb18030|shift_jis|euc-(?:jp|kr))(?![\w-])",
    re.IGNORECASE,
)
_CTE = b"content-transfer-encoding"
# What decoders read in several ways: RFC 2045 §6.7 has none of it
_NOT_QUOTED_PRINTABLE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r\n)|\r(?!\n)|(?<!\r)\n")
# What Thunderbird writes in place of an attachment, and what Exchange adds to a message that it stores
_DETACHED = b"\r\nX-Mozilla-Altered: Attachment"
_EXCHANGE = b"x-ms-exchange-organization-"
_COMPOSITE = re.compile(rb"[ \t\r\n]*+(?:multipart|message)[ \t]*+/", re.IGNORECASE)


def _each(message: Message, reasons: set[Reason]) -> Iterator[tuple[Damage, bytes]]:
    """Yield each known damage that may have been done, and the message without it."""
    if _BODY in reasons:
        yield from _of_body(message)
    # With the body as it was signed, only fields can have changed; what exceeds the limits is not in them
    if _HEADER in reasons and message.overflow is None:
        yield from _of_header(message)


def _of_header(message: Message) -> Iterator[tuple[Damage, bytes]]:
    body, own = message.raw[message.body_start :], set(message.find(b"dkim-signature"))
    fields = [f if i in own else f.replace(CRLF, b"") for i, f in enumerate(message.fields)]
    detail = "header fields that were folded anew, by a program that wrote them"
    yield Damage("refolded", detail), CRLF.join([*fields, b"", b""]) + body
    for detail, fields in candidates(message.fields, own):
        yield Damage("reencoded", detail), CRLF.join([*fields, b"", b""]) + body


def _of_body(message: Message) -> Iterator[tuple[Damage, bytes]]:
    header, body = message.raw[: message.body_start], message.raw[message.body_start :]
    whole = body.replace(CRLF, b"\n").replace(b"\n", CRLF)
    yield Damage("bare_lf", "bare LF line ends in the body, by the program that wrote the file"), header + whole
    unstuffed = _substituted(_STUFFED, b".", body)
    yield Damage("dot_stuffing", 'dots of SMTP left at the start of lines (".."), by a receiver'), header + unstuffed
    mbox = '">" before lines that begin with "From ", by the program that wrote an mbox file'
    yield Damage("mbox_quoting", mbox), header + _substituted(_QUOTED, rb"\1", body)
    yield Damage("mbox_quoting", mbox), header + _substituted(_QUOTED_ONCE, rb"\1", body)
    if footer := _FOOTER.search(body):
        detail = "what follows a line that begins the footer of a mailing list"
        yield Damage("list_footer", detail), header + body[: footer.start()]
    yield from _recoded(message, body)


def _trace(message: Message, outcome: DkimOutcome) -> Damage | None:
    """Return what the message says of a change that cannot be undone; None where it says nothing."""
    if outcome.reason is _HEADER:
        return _decoded_field(message, outcome)
    if message.find(b"x-content-filtered-by"):
        return Damage("filtered", "a mailing list says that it removed parts (X-Content-Filtered-By)")
    if message.raw.find(_DETACHED, message.body_start) >= 0:
        return Damage("detached", "a mail program says that it removed an attachment (X-Mozilla-Altered)")
    if any(field[: len(_EXCHANGE)].lower() == _EXCHANGE for field in message.fields):
        detail = "it was in a store of Exchange, which may write the parts of a message anew"
        return Damage("exchange", f"{detail} (X-MS-Exchange-Organization)")
    return None


def _decoded_field(message: Message, outcome: DkimOutcome) -> Damage | None:
    for name in outcome.signed_headers:
        positions = message.find(name.lower().encode("utf-8", "replace"))
        if any(not message.fields[position].isascii() for position in positions):
            detail = f"the signed field {one_line(name[:40])} has octets outside ASCII: a program may have decoded it"
            return Damage("reencoded", detail)
    return None


def _substituted(pattern: re.Pattern[bytes], replacement: bytes, body: bytes) -> bytes:
    """Return a body with the beginnings of lines replaced, many lines at a time: Python needs an object for each."""
    pieces, start = [], 0
    while start < len(body):
        end = body.find(b"\n", start + _PIECE) + 1 or len(body)
        pieces.append(pattern.sub(replacement, body[start:end]))
        start = end
    return b"".join(pieces)


def _recoded(message: Message, body: bytes) -> Iterator[tuple[Damage, bytes]]:
    header = message.raw[: message.body_start]
    positions = message.find(_CTE)
    named = _ENCODING.fullmatch(message.value(positions[0])) if len(positions) == 1 else None
    encoding = named[1].lower() if named else b""
    content = message.find(b"content-type")
    types = message.value(content[0]) if len(content) == 1 else b""
    # RFC 2045 §6.4: a relay encodes the parts of a multipart, never the whole
    decoded = b"" if len(content) > 1 or _COMPOSITE.match(types) else _decoded(body, encoding)
    if decoded and message.overflow is None:
        # RFC 6152 §3: a relay to a server without 8BITMIME has to encode it
        fields = [*message.fields]
        fields[positions[0]] = fields[positions[0]].partition(b":")[0] + b": 8bit"
        as_sent = CRLF.join([*fields, b"", b""])
        detail = f"the body encoded in {encoding.decode()} on its way, by a relay"
        yield Damage("encoded", detail), as_sent + decoded
    if encoding == b"base64":
        detail = "the body decoded from base64, by the program that wrote the file"
        yield Damage("decoded", detail), header + encodebytes(body).replace(b"\n", CRLF)
    charset = _CHARSET.search(types)
    if charset and not body.isascii():
        try:
            original = body.decode("utf-8").encode(charset[1].decode())
        except (UnicodeError, LookupError):
            return
        detail = f"the body converted from {charset[1].decode()} to UTF-8, by the program that wrote the file"
        yield Damage("converted", detail), header + original


def _decoded(body: bytes, encoding: bytes) -> bytes:
    """Return what was encoded, where every reader sees the same; empty for anything else."""
    if encoding == b"quoted-printable" and not _NOT_QUOTED_PRINTABLE.search(body):
        return binascii.a2b_qp(body)
    try:
        # Strictly: decoders differ about what follows the padding, and other octets
        compact = body.translate(None, b" \t\r\n")
        return binascii.a2b_base64(compact, strict_mode=True) if encoding == b"base64" else b""
    except binascii.Error:
        return b""


def explained(authentication: Authentication, raw: Octets) -> Authentication:
    """Return an authentication whose failing DKIM outcomes name the damage without which they would verify.

    Results, reasons and header fields are unchanged: what arrived, or was saved, is not what was signed. Never raises
    for any message.

    Args:
        authentication: what was found.
        raw: the octets that were given to `authenticate`.
    """
    failed = {outcome.index: outcome for outcome in authentication.dkim if outcome.reason in _FAILED}
    if not failed:
        return authentication
    message = Message.parse(raw, authentication.limits)
    if len(message.raw) - message.body_start > _MAX_BODY:
        return authentication
    answers = dict(authentication.dns)
    unknown = Answer(Status.TIMEOUT)
    # Times and what is acceptable here do not matter: only whether the octets are those that were signed
    context = Context(limits=authentication.limits, options=DEFAULT_OPTIONS)
    found: dict[int, str] = {}
    tried = {sha256(message.raw).digest()}
    for damage, octets in _each(message, {outcome.reason for outcome in failed.values()}):
        digest = sha256(octets).digest()
        if digest in tried:
            continue
        tried.add(digest)
        check = dkim.verify(Message.parse(octets, authentication.limits), context)
        for outcome in run(check, lambda name, rdtype: answers.get(Question(name, rdtype), unknown)):
            # A second Subject is no damage of these kinds
            verified = outcome.reason is Reason.SIGNATURE_VERIFIED and not outcome.unsigned_duplicates
            if outcome.index in failed and verified:
                words = f"the message is as signed but for {damage.detail}"
                found.setdefault(outcome.index, words + doer(message, outcome.index, damage.code))
    for index, outcome in failed.items():
        if index not in found and (trace := _trace(message, outcome)):
            found[index] = trace.detail + doer(message, index, trace.code)
    if not found:
        return authentication
    return dataclasses.replace(
        authentication, outcomes=tuple([_named(each, found) for each in authentication.outcomes])
    )


def _named(outcome: Outcome, found: dict[int, str]) -> Outcome:
    if not isinstance(outcome, DkimOutcome) or outcome.index not in found:
        return outcome
    return dataclasses.replace(outcome, detail=f"{outcome.detail}; {found[outcome.index]}")
