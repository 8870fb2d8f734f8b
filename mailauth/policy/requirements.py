"""What a receiver asks of senders, beyond the policy of the author domain: which points a message misses.

Each point is met, missed or not known; what is not known (no TLS version was given, DNS did not answer, the client is a
guess) is never missed. Also `one_click`, the unsubscribe address that a mail program may use (RFC 8058). Decides
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from mailauth.authentication import Authentication
from mailauth.message.fields import Message, Octets
from mailauth.message.taglist import skip_cfws
from mailauth.results import Outcome, Reason, Result

# RFC 8058 §3.1, §5: this and nothing else
_POST = b"List-Unsubscribe=One-Click"
_WEB = re.compile(r"https?:", re.IGNORECASE)
# RFC 3986: printable ASCII, with an authority; RFC 8058 §3.1: the request has no authorization, so neither has the URI
_HTTPS = re.compile(r"https://[^/?#@\"\\^`{|}]+(?:[/?#][^\"\\^`{|}]*)?", re.IGNORECASE)
_NOT_PRINTABLE = re.compile("[^!-~]")
_MAX_URI = 4096  # octets; real ones have a few hundred
# Signatures that verified, but are not acceptable to this receiver
_UNACCEPTABLE = frozenset({
    *(Reason.EXPIRED, Reason.FUTURE, Reason.PARTIAL_BODY, Reason.PUBLIC_SUFFIX, Reason.UNSIGNED_FROM),
    Reason.UNSIGNED_DUPLICATES,
})  # fmt: skip


def one_click(message: Message | Octets, auth: Authentication) -> str | None:
    """Return the URI to which one POST unsubscribes the recipient (RFC 8058), None if the message offers none safely.

    Never raises for any message. The URI is a stranger's: printable ASCII, https, without user name and password. Post
    to it only with the consent of the recipient, `List-Unsubscribe=One-Click` as the body, without cookies, and follow
    no redirect (RFC 8058 §3.1, §3.2).

    Args:
        message: the message that was authenticated, in octets or parsed.
        auth: what `authenticate` returned for it.
    """
    if not isinstance(message, Message):
        message = Message.parse(message, auth.limits)
    fields, posts = message.find(b"list-unsubscribe"), message.find(b"list-unsubscribe-post")
    # RFC 8058 §3.1: one field of each. A header section that its readers may read differently could show them others
    if len(fields) != 1 or len(posts) != 1 or message.problems:
        return None
    if message.value(posts[0]).strip(b" \t\r\n") != _POST or not _both_signed(auth):
        return None
    web = [uri for uri in _uris(message.value(fields[0])) if _WEB.match(uri)]
    # RFC 8058 §3.1: one HTTPS URI, and others that are not HTTP
    return web[0] if len(web) == 1 and len(web[0]) <= _MAX_URI and _HTTPS.fullmatch(web[0]) else None


def _both_signed(auth: Authentication) -> bool:
    # RFC 8058 §4. Each field appears once, so that once in h= covers it; RFC 6376 §3.6.1: a key in testing counts for
    # nothing
    both = {"list-unsubscribe", "list-unsubscribe-post"}
    return any(d.result is Result.PASS and not d.testing and both.issubset(d.signed_headers) for d in auth.dkim)


def _uris(value: bytes) -> list[str]:
    """Return the URIs of a List-Unsubscribe field; nothing if it has anything but URIs in angle brackets."""
    text = value.decode("latin-1")
    found = []
    position = -1
    while position < len(text):
        # RFC 2369 §2: URIs in angle brackets with commas between them; comments are allowed, white space has no meaning
        position = skip_cfws(text, position + 1)
        end = text.find(">", position)
        if not text.startswith("<", position) or end < 0:
            return []
        uri = text[position + 1 : end].translate(dict.fromkeys(map(ord, " \t\r\n")))
        if _NOT_PRINTABLE.search(uri) or "<" in uri:
            return []
        found.append(uri)
        position = skip_cfws(text, end + 1)
        if position < len(text) and text[position] != ",":
            return []
    return found


def missed(points: Collection[str], auth: Authentication, message: Message | None) -> tuple[str, ...]:
    """Return which of the points a message misses, in their order."""
    return tuple([point for point in points if _POINTS[point](auth, message) is False])


def enhanced_code(points: Collection[str], auth: Authentication) -> str:
    """Return the enhanced status code of a reply that refuses a message for the points that it misses."""
    codes = {_CODES[point](auth) for point in points if point in _CODES}
    # RFC 7372 §3.4, §4: the code for several checks, where more than one failed
    return "5.7.1" if not codes else codes.pop() if len(codes) == 1 else "5.7.26"


def dkim_code(auth: Authentication) -> str:
    """Return the enhanced status code for a message without an acceptable signature of its author (RFC 7372 §3.1)."""
    if any(d.result is Result.PASS for d in auth.dkim):
        return "5.7.22"
    return "5.7.21" if any(d.reason in _UNACCEPTABLE for d in auth.dkim) else "5.7.20"


def _spf_code(auth: Authentication) -> str:
    # RFC 7372 §3.2
    return "5.7.24" if auth.spf is not None and auth.spf.result is Result.PERMERROR else "5.7.23"


def _passed(outcome: Outcome | None, auth: Authentication) -> bool | None:
    """Whether a check of the client passed; None if that is not known."""
    if outcome is None or auth.connection.is_guess or auth.connection.address is None:
        return None
    return None if outcome.result is Result.TEMPERROR else outcome.result is Result.PASS


def _spf(auth: Authentication, message: Message | None = None) -> bool | None:  # noqa: ARG001  one of a table
    return None if auth.connection.mail_from is None else _passed(auth.spf, auth)


def _dkim(auth: Authentication, message: Message | None = None) -> bool | None:  # noqa: ARG001
    results = {o.result for o in auth.outcomes if o.method == "dkim"}
    if Result.PASS in results:
        return True
    return None if not results or Result.TEMPERROR in results else False


def _spf_or_dkim(auth: Authentication, message: Message | None) -> bool | None:
    found = {_spf(auth, message), _dkim(auth, message)}
    return True if True in found else None if None in found else False


def _published(auth: Authentication, message: Message | None) -> bool | None:  # noqa: ARG001
    dmarc = auth.dmarc
    if dmarc is None or dmarc.author_domain is None or dmarc.result is Result.TEMPERROR:
        return None
    return dmarc.reason not in (Reason.DMARC_NO_RECORD, Reason.DMARC_BAD_RECORD, Reason.LIMIT_RECORD_BYTES)


def _aligned(auth: Authentication, message: Message | None) -> bool | None:  # noqa: ARG001
    dmarc, connection = auth.dmarc, auth.connection
    if dmarc is None or dmarc.author_domain is None:
        return None
    # A DNS failure of an identifier that could not align changes nothing
    open_results = (Result.PASS, Result.TEMPERROR)
    found = {(i.result, i.aligned) for i in dmarc.identifiers if i.result in open_results and i.aligned is not False}
    if (Result.PASS, True) in found:
        return True
    # An SPF pass is not ruled out for a client that is not known
    unknown_client = connection.is_guess or connection.address is None or connection.mail_from is None
    return None if found or unknown_client or dmarc.result is Result.TEMPERROR else False


def _fcrdns(auth: Authentication, message: Message | None) -> bool | None:  # noqa: ARG001
    return _passed(auth.iprev, auth)


def _tls(auth: Authentication, message: Message | None) -> bool | None:  # noqa: ARG001
    return None if auth.connection.tls is None else bool(auth.connection.tls)


def _one_from(auth: Authentication, message: Message | None) -> bool | None:  # noqa: ARG001
    dmarc = auth.dmarc
    return None if dmarc is None else dmarc.author_domain is not None or dmarc.result is not Result.PERMERROR


def _one_click(auth: Authentication, message: Message | None) -> bool | None:
    # Only subscribed mail needs it; these fields say that it is such mail
    if message is None or not (message.find(b"list-unsubscribe") or message.find(b"list-id")):
        return None
    return one_click(message, auth) is not None


_POINTS: Mapping[str, Callable[[Authentication, Message | None], bool | None]] = {
    "one-from": _one_from,
    "spf": _spf,
    "dkim": _dkim,
    "spf-or-dkim": _spf_or_dkim,
    "dmarc-published": _published,
    "alignment": _aligned,
    "fcrdns": _fcrdns,
    "tls": _tls,
    "one-click": _one_click,
}
# Points that are checks with a code of their own (RFC 7372 §3); the others have none
_CODES: Mapping[str, Callable[[Authentication], str]] = {
    "spf": _spf_code,
    "dkim": dkim_code,
    "spf-or-dkim": lambda _: "5.7.26",
    "alignment": lambda _: "5.7.26",
    "fcrdns": lambda _: "5.7.25",
}
