"""Aggregate reports as XML files (RFC 9990 §3.1; by option RFC 7489 Appendix C): from values to octets.

A row at a time, so that memory does not grow with them. The same values give the same octets. Text of strangers is made
harmless: what XML or a terminal cannot hold becomes U+FFFD, and long text is cut. A word that the format does not know
is a mistake of the caller. Knows no mail and no compression.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from itertools import chain
from typing import BinaryIO, Literal, TypeAlias

from mailauth import names
from mailauth.errors import UsageError
from mailauth.reports import words
from mailauth.reports.values import Counted, DkimResult, Metadata, Override, Row, SpfResult
from mailauth.text import html, shown

Form: TypeAlias = Literal["rfc9990", "rfc7489"]

END = b"</feedback>\n"

_MAX_TEXT = 1000  # characters
_MAX_DKIM = 100  # RFC 9990 §3.1.3
_LAST = 253402300799  # the end of the year 9999
_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
# RFC 9990 §3.5.1: dot-atom-text, perhaps with "@" and another
_REPORT_ID = re.compile(f"{_ATOMS}(?:@{_ATOMS})?")
_PLAIN = re.compile("[A-Za-z0-9._:@ -]*")
_PERCENT = re.compile("[0-9]{1,3}")
_ALIGNMENTS = ("r", "s")  # RFC 9990 Appendix A


def write(metadata: Metadata, rows: Iterable[Counted], file: BinaryIO, form: Form = "rfc9990") -> None:
    """Write an aggregate report.

    Absent values ("") are absent elements, where the format allows that. `Metadata.version` and
    `Metadata.generation` do not matter.

    Args:
        metadata: all but the rows.
        rows: one or more; of each, at most 100 results of DKIM are written, in the order of RFC 9990 §3.1.3. What is
            not a domain name where one belongs is left out, with the result of DKIM or SPF that names it.
        file: takes the octets, such as a `gzip.GzipFile`.
        form: "rfc7489" for readers of the old format; it has no namespace, as nearly all reports of that time. An
            override that the form does not know becomes "other", with the word in its comment.

    Raises:
        UsageError: for values that no report can hold: the message says which. Nothing was written if it is about the
            metadata, or if there is no row.
    """
    given = iter(rows)
    first = next(given, None)
    if first is None:
        # RFC 9990 §3.1.1.2
        msg = "a report needs at least one row: send none about a period without messages"
        raise UsageError(msg)
    file.write(head(metadata, form))
    file.writelines(record(counted, form) for counted in chain((first,), given))
    file.write(END)


def head(metadata: Metadata, form: Form) -> bytes:
    """Return the octets of a report before its first row; those after its last are `END`.

    Raises:
        UsageError: for metadata that no report can hold.
    """
    if form not in words.OVERRIDES_BY_FORM:
        msg = f"form={shown(form)}: the forms are 'rfc9990' and 'rfc7489'"
        raise UsageError(msg)
    reporter, period, old = metadata.reporter, metadata.period, form == "rfc7489"
    if not reporter.org_name or not reporter.email:
        msg = "a report says who wrote it: give Reporter(org_name=…, email=…)"
        raise UsageError(msg)
    if len(metadata.report_id) > _MAX_TEXT or _REPORT_ID.fullmatch(metadata.report_id) is None:
        msg = f"report_id {shown(metadata.report_id)}: give dot-atom-text, perhaps with an @, such as 'a1@b.example'"
        raise UsageError(msg)
    if not 0 <= period.begin <= period.end <= _LAST:
        msg = f"{shown(period)}: give POSIX seconds, the begin first"
        raise UsageError(msg)
    # RFC 9990 §3.1.1.3: one element; RFC 7489 Appendix C: any number
    errors = metadata.errors if old else ("; ".join(metadata.errors),)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        "<feedback>\n" if old else f'<feedback xmlns="{words.NAMESPACE}">\n',
        "  <version>1.0</version>\n  <report_metadata>\n    ",
        _element("org_name", reporter.org_name),
        _element("email", reporter.email),
        _optional("extra_contact_info", reporter.extra_contact_info),
        _element("report_id", metadata.report_id),
        # RFC 9990 §3.1.1.4
        f"<date_range><begin>{period.begin:d}</begin><end>{period.end:d}</end></date_range>",
        *(_optional("error", error) for error in errors),
        "" if old else _optional("generator", metadata.generator),
        "\n  </report_metadata>\n  <policy_published>\n    ",
        *(_old_policy(metadata) if old else _policy(metadata)),
        "\n  </policy_published>\n",
    ]
    return "".join(parts).encode()


def _policy(metadata: Metadata) -> Iterable[str]:
    """RFC 9990 §3.1.1.5."""
    policy = metadata.policy
    yield _element("domain", policy_domain(metadata))
    yield _choice("discovery_method", policy.discovery, ("psl", "treewalk"))
    yield _element("p", _word("p", policy.p, words.POLICIES))
    yield _choice("sp", policy.sp, words.POLICIES)
    yield _choice("np", policy.np, words.POLICIES)
    yield _optional("fo", policy.fo)
    yield _choice("adkim", policy.adkim, _ALIGNMENTS)
    yield _choice("aspf", policy.aspf, _ALIGNMENTS)
    yield _choice("testing", policy.testing, ("n", "y"))


def _old_policy(metadata: Metadata) -> Iterable[str]:
    """RFC 7489 Appendix C; with the defaults of §6.3 for what must be there."""
    policy = metadata.policy
    if policy.pct and _PERCENT.fullmatch(policy.pct) is None:
        msg = f"pct {shown(policy.pct)}: give digits, or nothing"
        raise UsageError(msg)
    yield _element("domain", policy_domain(metadata))
    yield _choice("adkim", policy.adkim, _ALIGNMENTS)
    yield _choice("aspf", policy.aspf, _ALIGNMENTS)
    yield _element("p", _word("p", policy.p, words.POLICIES))
    yield _element("sp", _word("sp", policy.sp or policy.p, words.POLICIES))
    yield _element("pct", policy.pct or "100")
    yield _element("fo", policy.fo or "0")


def policy_domain(metadata: Metadata) -> str:
    """Return the Policy Domain of a report as A-labels.

    Raises:
        UsageError: if it is not a domain name.
    """
    domain = metadata.policy.domain
    name = names.to_ascii(domain)
    if name is None:
        msg = f"{shown(domain)} is not a domain name: give the Policy Domain, such as 'example.com'"
        raise UsageError(msg)
    return name


def record(counted: Counted, form: Form) -> bytes:
    """Return the octets of one row (RFC 9990 §3.1.1.7).

    Raises:
        UsageError: for a row that no report can hold.
    """
    row, messages = counted
    if messages < 1:
        msg = f"{shown(messages)} messages: a row stands for at least one"
        raise UsageError(msg)
    try:
        address = ip_address(row.source_ip)
    except ValueError:
        msg = f"{shown(row.source_ip)} is not an address: give that of the client, such as '192.0.2.1'"
        raise UsageError(msg) from None
    disposition, client = _word("disposition", row.disposition, words.DISPOSITIONS), str(address)
    if form == "rfc7489":
        # RFC 7489 Appendix C knows neither this word nor "::"
        disposition, client = "none" if disposition == "pass" else disposition, address.exploded
    parts = [
        f"  <record>\n    <row><source_ip>{client}</source_ip><count>{messages:d}</count><policy_evaluated>",
        # RFC 9990 §3.1.1.9
        _element("disposition", disposition),
        _element("dkim", _word("dkim", row.dkim, words.VERDICTS)),
        _element("spf", _word("spf", row.spf, words.VERDICTS)),
        *(_reason(override, form) for override in row.overrides),
        "</policy_evaluated></row>\n    <identifiers>",
        *_identifiers(row, form),
        "</identifiers>\n    <auth_results>",
        *map(_dkim, _preferred(row)),
        *_spf(row, form),
        "</auth_results>\n  </record>\n",
    ]
    return "".join(parts).encode()


def _reason(override: Override, form: Form) -> str:
    """RFC 9990 §3.1.6, §3.1.1.14; RFC 7489 Appendix C."""
    kind, comment = _word("the type of an override", override.type, words.OVERRIDES), override.comment
    if kind not in words.OVERRIDES_BY_FORM[form]:
        kind, comment = "other", f"{kind}: {comment}" if comment else kind
    return f"<reason>{_element('type', kind)}{_optional('comment', comment)}</reason>"


def _identifiers(row: Row, form: Form) -> Iterable[str]:
    """RFC 9990 §3.1.1.10: an empty envelope_from is the null reverse-path."""
    author, sender, recipient = (_name(text or "") for text in (row.header_from, row.envelope_from, row.envelope_to))
    if author is None:
        msg = f"{shown(row.header_from)} is not a domain name: give the Author Domain, such as 'example.com'"
        raise UsageError(msg)
    yield _element("header_from", author)
    if sender or row.envelope_from == "" or form == "rfc7489":
        yield _element("envelope_from", sender or "")
    yield _optional("envelope_to", recipient or "")


def _name(text: str) -> str | None:
    """Return a domain name as A-labels; None for anything else, even an address.

    A stranger may have written it, and there are readers that refuse a whole report for one domain that is none.
    """
    name = names.to_ascii(text)
    return None if name is None or name.rpartition(".")[2].isdigit() else name


def _preferred(row: Row) -> Iterable[DkimResult]:
    """Return the results of DKIM that are reported, those of RFC 9990 §3.1.3 that are preferred first.

    Not those without a domain that could have been used. Which of them are in relaxed alignment is known where the row
    was made: an order that is right already is kept.
    """
    named = [found._replace(domain=name) for found in row.dkim_results if (name := _name(found.domain)) is not None]
    if len(named) < 2:
        return named
    author = names.to_ascii(row.header_from) or ""

    def rank(found: DkimResult) -> int:
        if found.result != "pass":
            return 3
        return 0 if found.domain == author else 1 if names.may_share_organization(found.domain, author) else 2

    return sorted(named, key=rank)[:_MAX_DKIM]


def _dkim(found: DkimResult) -> str:
    """RFC 9990 §3.1.1.12."""
    return (
        f"<dkim>{_element('domain', found.domain)}{_element('selector', found.selector)}"
        f"{_element('result', _word('the result of DKIM', found.result, words.DKIM))}"
        f"{_optional('human_result', found.human_result)}</dkim>"
    )


def _spf(row: Row, form: Form) -> Iterable[str]:
    """RFC 9990 §3.1.1.13: one result at most, and none for HELO; RFC 7489 Appendix C: one at least."""
    results = [found._replace(domain=name) for found in row.spf_results if (name := _name(found.domain)) is not None]
    for found in results:
        _word("the scope of SPF", found.scope, ("", "mfrom", "helo"))
        _word("the result of SPF", found.result, words.SPF)
    if form == "rfc7489":
        yield from map(_old_spf, results or [SpfResult(_name(row.header_from) or "", "none")])
        return
    for found in [found for found in results if found.scope != "helo"][:1]:
        yield (
            f"<spf>{_element('domain', found.domain)}{_optional('scope', found.scope)}"
            f"{_element('result', found.result)}{_optional('human_result', found.human_result)}</spf>"
        )


def _old_spf(found: SpfResult) -> str:
    # RFC 7489 Appendix C knows no "policy", which does not authorize
    result, scope = "neutral" if found.result == "policy" else found.result, found.scope or "mfrom"
    return f"<spf>{_element('domain', found.domain)}{_element('scope', scope)}{_element('result', result)}</spf>"


def _word(what: str, value: str, known: Collection[str]) -> str:
    if value not in known:
        msg = f"{what} is {shown(value)}: give one of {', '.join(sorted(filter(None, known)))}"
        raise UsageError(msg)
    return value


def _choice(name: str, value: str, known: Collection[str]) -> str:
    return _element(name, _word(name, value, known)) if value else ""


def _optional(name: str, text: str) -> str:
    return _element(name, text) if text else ""


def _element(name: str, text: str) -> str:
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}…"
    # XML has no controls and no lone surrogates; `html` replaces them, and a few more
    return f"<{name}>{text if _PLAIN.fullmatch(text) else html(text)}</{name}>"
