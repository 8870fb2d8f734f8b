"""Who writes how: what the from clause of a Received field says, by the habits of the servers that write it.

RFC 5321 §4.4 asks for `from HELO (name [address])`, and few servers do just that. The server saw an address, perhaps
looked up a name, and was told another one by the client: this tells the three apart. What the client said (a HELO name
may be an address literal) is never the address; where a form leaves open which of two is which, there is none.

    Postfix, Sendmail, Gmail, …   from HELO (name [address])
    Exchange, qmail               from HELO (address)
    Microsoft SMTPSVC, Domino     from HELO ([address])
    qmail, qpsmtpd, IronPort      from name (HELO …) (address), (user@address) or ([address])
    GMX                           from name (EHLO …) [address]
    Exim                          from name ([address]:port helo=… ident=…), from [address] (port=… helo=…)
    zmailer                       from name ([address]:port "EHLO …")
    CommuniGate Pro               from HELO ([address] verified), from [address] (account … HELO …)
    Yahoo                         from address (EHLO …)
    chasquid                      from [address] (HELO)
    web mail                      from address (…) … with HTTP
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from mailauth.connection import client_address
from mailauth.errors import UsageError
from mailauth.saved.clauses import Clause, Comment

Address: TypeAlias = "IPv4Address | IPv6Address"

_GREETINGS = frozenset({"HELO", "EHLO", "LHLO"})
# What servers write in place of a name that they did not find
_NO_NAME = frozenset({"unknown", "softdnserr", "nxdomain", "dnserror"})
# What comes before something that the client said, where a name would be
_TOLD = frozenset({"helo", "ehlo", "lhlo", "envelope-from", "envelope-sender", "account", "authenticated", "user"})
_FORGED = "may be forged"
_OLD_EXIM_DOTS = 4  # in [192.0.2.1.4321], an address with its port


class Client(NamedTuple):
    """What a from clause says of the client; `Hop` explains the parts."""

    name: str | None = None
    helo: str | None = None
    reverse: str | None = None
    confirmed: bool = False
    ip: Address | None = None


class _Seen(NamedTuple):
    """An address that the server saw, and the name beside it."""

    ip: Address
    name: str | None = None
    inner: tuple[str, ...] = ()


def client_of(clauses: dict[str, Clause]) -> Client:
    """Return what the from clause says."""
    if (source := clauses.get("from")) is None:
        return Client()
    name, *rest = source.words or [""]
    outside = _literal(rest[0]) if len(rest) == 1 else None
    if rest and outside is None:
        # Words where no server writes any
        return Client(name)
    own = _literal(name) or _address(name)
    seen = [found for comment in source.comments if (found := _seen(comment))]
    said = next((helo for comment in source.comments if (helo := _greeting(comment.words)) is not None), None)
    bracketed = _bracketed(source.comments)
    writer = _writer(clauses)
    # Else "from name [address]" is a mailbox that was polled (fetchmail), and no client, or all of it is a HELO name
    if outside and own is None and (said is not None or (writer == "exim" and source.comments)):
        seen.append(_Seen(outside))
    elif outside:
        return Client(name)
    alone = next((c.words[0] for c in source.comments if _is_name(c)), None)
    protocol = " ".join(clauses["with"].words).lower() if "with" in clauses else ""
    if protocol.startswith("http"):
        # A browser says no HELO
        return Client(name, ip=_one(seen, bracketed) or (own if not seen and not bracketed else None))
    # With an id it may be "from HELO (name)" of a server that writes no address (LSMTP)
    by_chasquid = writer == "chasquid" or (alone and not seen and "id" not in clauses)
    if own and name.startswith("[") and said is None and by_chasquid:
        return Client(name, next((c.words[0] for c in source.comments if c.words), None), ip=own)
    if seen:
        ip = _one(seen, bracketed)
        # With two comments, either may be the client's
        beside = seen[0] if len(seen) == 1 and seen[0].name else None
        if own not in (None, ip) and (
            writer == "exim" or not _is_helo(name, clauses, said=said is not None, beside=beside is not None)
        ):
            ip = None
        # Where HELO has its own place, the name in front was looked up
        front = name if (said is not None or outside or writer == "exim") and own is None else None
        reverse = _looked_up(beside.name if beside else front)
        helo = said if said is not None else alone if outside and alone else name
        confirmed = (
            len(seen) == 1
            and reverse is not None
            and (writer == "exim" if beside is None else writer in {"postfix", "sendmail"} and not beside.inner)
        )
        return Client(name, helo or None, reverse, confirmed, ip)
    if own and not bracketed and (said is not None or (writer == "exim" and name.startswith("["))):
        return Client(name, said or None, ip=own)
    return Client(name, (name if said is None else said) or None, None if said is None or own else _looked_up(name))


def _writer(clauses: dict[str, Clause]) -> str:
    """Return the server that wrote the field, where it names itself and that matters."""
    for keyword in ("by", "with"):
        for comment in clauses[keyword].comments if keyword in clauses else ():
            word = comment.words[0].strip(",").lower() if comment.words else ""
            if word in {"postfix", "exim", "chasquid"}:
                return word
            # Its version, and that of its configuration: 8.18.1/8.18.1
            if word.startswith("8.") and "/" in word:
                return "sendmail"
    return ""


def _is_helo(name: str, clauses: dict[str, Clause], *, said: bool, beside: bool) -> bool:
    """Whether an address in front of another one is what the client said, and not what the server saw."""
    if said:
        # Then it should be what the server saw; but Yahoo wrote this one where there was no name
        return name == "127.0.0.1"
    # "from [one] ([other])" can be HELO and client, or client and HELO; those who write the latter write no id
    return beside or "id" in clauses or "Microsoft" in clauses.get("with", Clause()).words


def _one(seen: list[_Seen], bracketed: set[Address]) -> Address | None:
    """Return the address, if there is one only, and no comment beside it that the client may have written."""
    clean = all(each.inner in {(), (_FORGED,)} for each in seen)
    return seen[0].ip if clean and len({each.ip for each in seen} | bracketed) == 1 else None


def _bracketed(comments: list[Comment]) -> set[Address]:
    """Return the addresses in brackets, except where HELO names one; a reverse name may look like anything."""
    pairs = [pair for comment in comments for pair in pairwise(("", *comment.words))]
    return {ip for before, word in pairs if before.upper() not in _GREETINGS and (ip := _literal(word))}


def _seen(comment: Comment) -> _Seen | None:
    """Return the address in a comment, where servers write it: first, after one name, or alone."""
    words = comment.words
    if not words:
        return None
    if ip := _literal(words[0]):
        return _Seen(ip, None, comment.inner)
    # Exim: helo=… and ident=… are the client's
    if "=" in words[0]:
        return None
    # RFC 1413: a user may be in front of the address
    if len(words) == 1:
        text = words[0].rpartition("@")[2]
        ip = _literal(text) or _address(text)
        return _Seen(ip, None, comment.inner) if ip else None
    if len(words) > 2 or words[0].lower() in _TOLD or not (ip := _literal(words[1])):
        return None
    return _Seen(ip, words[0].rpartition("@")[2], comment.inner)


def _greeting(words: tuple[str, ...]) -> str | None:
    """Return the argument of HELO, where the comment names it; it may be empty."""
    for i, word in enumerate(words):
        if word.upper() in _GREETINGS:
            return words[i + 1] if i + 1 < len(words) else ""
        # Exim: after the address, and with nothing else that has no key: a reverse name could begin with helo= too
        if word[:5].lower() == "helo=":
            return word[5:] if all("=" in other for other in words[min(i, 1) :]) else None
        # zmailer: "EHLO name", in quotes
        if word[:1] == '"' and word[1:5].upper() in _GREETINGS:
            return word[5:].strip('" ')
    return None


def _is_name(comment: Comment) -> bool:
    return len(comment.words) == 1 and "=" not in comment.words[0] and _seen(comment) is None


def _looked_up(name: str | None) -> str | None:
    """Return a name that was found in DNS, without the final dot."""
    name = (name or "").rstrip(".").strip("<>")
    return None if name.lower() in _NO_NAME else name or None


def _literal(word: str) -> Address | None:
    """Return the address of a word in brackets, with a port perhaps."""
    if not word.startswith("["):
        return None
    text, _, rest = word[1:].partition("]")
    # Exchange has written one bracket too many
    return _address(text) if rest in {"", "]"} or rest.startswith(":") else None


def _address(text: str) -> Address | None:
    """Return the address that a text is."""
    if text.count(".") == _OLD_EXIM_DOTS:
        text = text.rpartition(".")[0]
    try:
        return client_address(text)[0]
    except UsageError:
        return None
