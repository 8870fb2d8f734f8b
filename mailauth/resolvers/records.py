"""Converts dnspython's objects to ours: names, records, answers, failures and master files.

The only place that handles dnspython's types and exceptions; the sync resolver, the async resolver and `Zone` share it.
Pure functions: send nothing, store nothing.
"""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.resolver
import dns.tokenizer
import dns.zone
import dns.zonefile

from mailauth.dns.values import Answer, Status
from mailauth.errors import UsageError
from mailauth.names import host_name


def query_name(name: str) -> dns.name.Name:
    """Return the absolute name to ask for. Built from labels, because no character of a question is an escape.

    Octets that are not UTF-8 are lone surrogates in a question, as in a `Zone`.

    Raises:
        dns.exception.DNSException, UnicodeError: for what DNS cannot hold.
    """
    return dns.name.Name([*(label.encode("utf-8", "surrogateescape") for label in name.split(".")), b""])


def records(rdataset: dns.rdataset.Rdataset) -> tuple[Any, ...]:
    """Return the records of one set in the form that `mailauth.dns.Answer` describes."""
    match rdataset.rdtype:
        case dns.rdatatype.TXT:
            # RFC 7208 §3.3, RFC 6376 §3.6.2.2, RFC 9989 §4.5: strings are joined without spaces
            return tuple(b"".join(rdata.strings) for rdata in rdataset)
        case dns.rdatatype.A | dns.rdatatype.AAAA:
            return tuple(rdata.address for rdata in rdataset)
        case dns.rdatatype.MX:
            return tuple((rdata.preference, host_name(rdata.exchange.to_text())) for rdata in rdataset)
        case dns.rdatatype.PTR | dns.rdatatype.CNAME | dns.rdatatype.NS:
            return tuple(host_name(rdata.target.to_text()) for rdata in rdataset)
    return tuple(rdata.to_text() for rdata in rdataset)


def answer(response: dns.message.QueryMessage, status: Status, max_txt_bytes: int, *, trust_ad: bool) -> Answer:
    """Return the answer in a response.

    Args:
        response: the response; dnspython has checked that it is well-formed and that its aliases end.
        status: NXDOMAIN if that is its code, else OK; OK without records becomes NODATA.
        max_txt_bytes: more octets of TXT data than this in total are refused as SERVFAIL.
        trust_ad: the AD flag says whether the answer is secure.
    """
    if response.flags & dns.flags.TC:
        # RFC 2181 §9: part of an answer does not count as an answer; TCP has been tried already
        return Answer(Status.SERVFAIL, detail="truncated even over TCP")
    found = response.resolve_chaining()
    ttl: int | None = found.minimum_ttl
    data: tuple[Any, ...] = ()
    if found.answer is not None and status is Status.OK:
        data = records(found.answer)
        if found.answer.rdtype == dns.rdatatype.TXT and (size := sum(map(len, data))) > max_txt_bytes:
            return Answer(Status.SERVFAIL, detail=f"{size} octets of TXT data, more than the limit of {max_txt_bytes}")
    elif status is Status.OK:
        status = Status.NODATA
    # RFC 2308 §5: an absence is cached for the lesser of the TTL of the SOA record and its minimum, which dnspython
    # computes; and not without one, although dnspython has a default
    if found.answer is None and not any(
        rrset.rdtype == dns.rdatatype.SOA and found.canonical_name.is_subdomain(rrset.name)
        for rrset in response.authority
    ):
        ttl = None
    return Answer(
        status,
        data,
        ttl=ttl,
        cnames=tuple(host_name(alias[0].target.to_text()) for alias in found.cnames),
        secure=bool(response.flags & dns.flags.AD) if trust_ad else None,
    )


def failure(error: Exception, max_txt_bytes: int, *, trust_ad: bool) -> Answer:
    """Return the answer for an exception of dnspython or the system."""
    if isinstance(error, dns.resolver.NXDOMAIN):
        for response in error.kwargs.get("responses", {}).values():
            return answer(response, Status.NXDOMAIN, max_txt_bytes, trust_ad=trust_ad)
        return Answer(Status.NXDOMAIN)
    if isinstance(error, dns.resolver.NoAnswer):
        return Answer(Status.NODATA)
    status = Status.TIMEOUT if isinstance(error, dns.exception.Timeout) else Status.SERVFAIL
    servers = [f"{server}: {_brief(what)}" for server, _, _, what, _ in getattr(error, "kwargs", {}).get("errors", ())]
    return Answer(status, detail="; ".join(dict.fromkeys(servers)) or _brief(error))


def _brief(what: object) -> str:
    return " ".join(str(what).split())[:200] or type(what).__name__


def read_master_file(text: str, source: str, default_ttl: int) -> dict[str, dict[str, Answer]]:
    """Return the data of a master file, an answer for each name and type.

    Args:
        text: the file; names without $ORIGIN are relative to the root; SOA and NS records are not needed.
        source: the name of the file in error messages.
        default_ttl: seconds, for records without a TTL.

    Raises:
        UsageError: for what is not a master file; names the line.
    """
    zone = dns.zone.Zone(dns.name.root, relativize=False)
    try:
        with zone.writer(replacement=True) as writer:
            tokens = dns.tokenizer.Tokenizer(text, source)
            dns.zonefile.Reader(tokens, dns.rdataclass.IN, writer, default_ttl=default_ttl).read()
    except dns.exception.DNSException as error:
        place = "" if source in str(error) else f"{source}: "
        msg = f"{place}{error}; give a master file (RFC 1035 §5), or JSON that begins with {{"
        raise UsageError(msg) from None
    except ValueError:
        msg = f"{source}: a number has too many digits"
        raise UsageError(msg) from None
    nodes: dict[str, dict[str, Answer]] = {}
    for owner, rdataset in zone.iterate_rdatasets():
        # as in questions: no escapes
        name = ".".join(label.decode("utf-8", "surrogateescape") for label in owner.labels[:-1]).lower()
        rdtype = dns.rdatatype.to_text(rdataset.rdtype)
        nodes.setdefault(name, {})[rdtype] = Answer(Status.OK, records(rdataset), rdataset.ttl)
    if not nodes:
        msg = f"{source}: a master file without records; a zone without names is written {{}}"
        raise UsageError(msg)
    return nodes
