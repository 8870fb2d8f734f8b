"""DNS blacklists and whitelists of addresses or domains (RFC 5782), and the result `dnswl` of whitelists (RFC 8904).

A zone is used only if its test entries are right each time: a list that is gone, that lists the whole world, or that
refuses to serve this resolver fails that test, and so does a domain that somebody else has registered. Not part of
`authenticate`; which lists to ask, and what a listing means, is for the receiver to say.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import ClassVar

from mailauth import names
from mailauth.connection import Connection, client_address
from mailauth.context import Context, context_of
from mailauth.dns import gather
from mailauth.dns.values import ADDRESSES, Answer, Evaluation, Question, Status, all_secure, unanswered
from mailauth.errors import UsageError
from mailauth.results import MethodResult, Outcome, Reason, Result
from mailauth.text import one_line, shown

_RULE = "RFC 5782 §5"
# RFC 5782 §2.1, §2.3: values are in this network
_VALUES = IPv4Network("127.0.0.0/8")
# What lists answer to a resolver that they do not serve: over quota (RFC 8904 §5.1), blocked, open to everyone. The
# test entries may be in a cache from a time when all was well
_NOT_SERVED = (IPv4Network("127.0.0.1"), IPv4Network("127.0.0.255"), IPv4Network("127.255.255.0/24"))
_MAX_VALUES = 16
_MAX_TEXT = 500  # octets


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsListOutcome(Outcome):
    """What one list says of an address or a domain.

    Attributes:
        result: `pass` if it is listed, `none` if not, `permerror` if the zone cannot be used, `temperror` if DNS did
            not answer. These are the words of whitelists (RFC 8904 §2): for a blacklist, a `pass` is bad news.
        zone: the zone of the list.
        name: the address or domain.
        values: the A records, such as "127.0.0.2"; each list has its own meaning for them.
        text: the TXT records, for a person; a stranger wrote them.
        secure: a trusted validator found the answers DNSSEC-secure; None: not asked.
    """

    method: ClassVar[str] = "dnswl"

    result: Result
    reason: Reason
    detail: str
    zone: str
    name: str
    values: tuple[str, ...] = ()
    text: str = ""
    secure: bool | None = None
    is_address: bool = True

    @property
    def listed(self) -> bool:
        """Whether the list has an entry; False also where that is not known."""
        return self.result is Result.PASS

    @property
    def subject(self) -> str:
        """The zone."""
        return self.zone

    @property
    def rests_on_client(self) -> bool:
        """An address is that of the client."""
        return self.is_address

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return the result of a whitelist; RFC 8601 has no method for a blacklist."""
        # RFC 8904 §2; its text is left out (§5.3): a stranger wrote it
        secure = "na" if self.secure is None else "yes" if self.secure else "no"
        properties = ("dns", "zone", self.zone), ("policy", "ip", ",".join(self.values)), ("dns", "sec", secure)
        return (self._row(*properties, comments=self._guess(connection)),)


def check(
    subject: IPv4Address | IPv6Address | str, zones: Collection[str], context: Context | None = None
) -> Evaluation[tuple[DnsListOutcome, ...]]:
    """Ask lists about an address or a domain. Never raises for any domain or DNS answer.

    Args:
        subject: an address, such as `Connection.address`, or a domain, such as `DmarcOutcome.author_domain`; an address
            may be text too.
        zones: the zones of the lists, such as "list.dnswl.example".
        context: takes the uses of answers.

    Returns:
        An outcome for each zone, in order.

    Raises:
        UsageError: for a zone that is not a domain name, and for None, the address of a client without one.
    """
    context = context_of(context)
    about = _subject(subject)
    lists = [_normal(zone) for zone in ([zones] if isinstance(zones, str) else zones)]
    return (yield from gather(*[_list(about, zone, context) for zone in lists]))


def _normal(zone: str) -> str:
    name = names.qualified(zone)
    if name is None:
        msg = f"{shown(zone)} is not the zone of a list: give a domain name, such as 'list.dnswl.example'"
        raise UsageError(msg)
    return name


def _subject(subject: IPv4Address | IPv6Address | str) -> IPv4Address | IPv6Address | str:
    if not isinstance(subject, (str, IPv4Address, IPv6Address)):
        msg = f"check({shown(subject)}, …): give an address or a domain; a client may have no address"
        raise UsageError(msg)
    try:
        return client_address(subject)[0] or subject
    except UsageError:
        return subject


def _list(subject: IPv4Address | IPv6Address | str, zone: str, context: Context) -> Evaluation[DnsListOutcome]:
    label = names.to_ascii(subject) or "" if isinstance(subject, str) else _reversed(subject)
    tests = _DOMAIN_TESTS if isinstance(subject, str) else _TESTS[subject.version]
    name = one_line(str(subject))
    outcome = DnsListOutcome(
        result=Result.NONE, reason=Reason.DNSLIST_NOT_LISTED, detail=f"{name} is not in {zone}", zone=zone, name=name,
        is_address=not isinstance(subject, str),
    )  # fmt: skip
    questions = tuple([Question(f"{each}.{zone}", "A") for each in (label, *tests)])
    # What DNS cannot hold is in no list
    if not label or not names.queryable(questions[0].name):
        return outcome
    for question in questions:
        context.used(question, outcome.check, zone, _RULE)
    answers = yield questions
    problem = next((p for q, a in zip(questions, answers, strict=True) if (p := unanswered(q, a))), None)
    if problem is not None:
        return replace(outcome, result=Result.TEMPERROR, reason=problem.reason, detail=problem.detail)
    secure, (found, right, wrong) = all_secure(answers), map(_values, answers)
    why = ""
    if not right or wrong:
        why = "its test entries are not those of a list"
    elif any(IPv4Address(value) not in _VALUES for value in (*found, *right)):
        why = "its values are not those of a list"
    elif refusals := [value for value in (*found, *right) if any(IPv4Address(value) in each for each in _NOT_SERVED)]:
        why = f"it does not serve this resolver ({refusals[0]})"
    if why:
        return replace(outcome, result=Result.PERMERROR, reason=Reason.DNSLIST_BROKEN, detail=f"{zone}: {why}")
    if not found:
        return replace(outcome, secure=secure)
    # RFC 8904 §3: a TXT record is there where an A record is
    question = Question(questions[0].name, "TXT")
    context.used(question, outcome.check, zone, "RFC 5782 §2.1")
    (said,) = yield (question,)
    text = b" ".join(said.records)[:_MAX_TEXT] if said.status is Status.OK else b""
    return replace(
        outcome, result=Result.PASS, reason=Reason.DNSLIST_LISTED, detail=f"{name} is in {zone} ({', '.join(found)})",
        values=found, text=one_line(text.decode("utf-8", "replace")), secure=secure,
    )  # fmt: skip


def _reversed(address: IPv4Address | IPv6Address) -> str:
    # RFC 5782 §2.1, §2.4: as in the reverse tree, without its end
    return names.reverse_name(address).removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _values(answer: Answer) -> tuple[str, ...]:
    # RFC 5782 §6: any A record means that it is listed
    return tuple([str(IPv4Address(number)) for number in answer.parsed(ADDRESSES[4])[:_MAX_VALUES]])


# RFC 5782 §5: what a list must contain, and what it must not
_TESTS = {
    4: tuple([_reversed(IPv4Address(f"127.0.0.{n}")) for n in (2, 1)]),
    6: tuple([_reversed(IPv6Address(f"::ffff:127.0.0.{n}")) for n in (2, 1)]),
}
_DOMAIN_TESTS = ("test", "invalid")
