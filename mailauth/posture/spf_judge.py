"""What the SPF records of a domain let an impostor do (RFC 7208). Asks nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from mailauth import names
from mailauth.posture.asking import Subject, listed, many
from mailauth.posture.codes import Code
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding, Fix, found
from mailauth.posture.shared import platform_of
from mailauth.posture.spf_facts import SpfFacts, SpfRecord, SpfTerm
from mailauth.results import Malformed, Result
from mailauth.spf.record import Mechanism, parse_record

PARKED = "v=spf1 -all"
_LIMIT, _VOID_LIMIT, _MX_LIMIT = 10, 2, 10  # RFC 7208 §4.6.4
# Bits: a wider network is not one organization's mail hosts; those of a provider may have more
_WIDE4, _WIDE4_OTHERS, _WIDE6 = 16, 12, 32
_SIZE = 450  # RFC 7208 §3.4: the octets of the name and all records at it are to be fewer
_CUT = "..."


def judge(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about SPF."""
    spf, domain = facts.spf, subject.domain
    own = spf.own
    if own.state == "unknown":
        return
    if own.problem:
        yield _unusable(domain, facts)
        return
    yield from _terms(subject, spf)
    yield from _counts(domain, spf)
    yield from _open(domain, facts)
    yield from _minor(domain, spf)


def _publish(domain: str, text: str) -> tuple[Fix, ...]:
    return (Fix(domain, "TXT", text),)


def _unusable(domain: str, facts: Facts) -> Finding:
    spf, own = facts.spf, facts.spf.own
    if len(spf.published) > 1:
        fix = _merged(domain, spf.published)
        return found(Code.SPF_MULTIPLE, domain, own.problem, evidence=spf.published, fix=fix)
    if spf.published:
        return found(Code.SPF_SYNTAX, domain, own.problem, evidence=spf.published)
    if spf.near_misses:
        meant = spf.near_misses[0]
        detail = 'the record does not begin with "v=spf1" and a space'
        return found(Code.SPF_NEAR_MISS, domain, detail, evidence=spf.near_misses, fix=_repaired(domain, meant))
    receivers = " mx" if facts.mx.hosts else ""
    text = f"v=spf1{receivers} ~all" if facts.sends else PARKED
    return found(Code.SPF_MISSING, domain, own.problem, fix=_publish(domain, text))


def _is_right(text: str) -> bool:
    try:
        parse_record(text.encode())
    except Malformed:
        return False
    return not text.endswith(_CUT)


def _repaired(domain: str, text: str) -> tuple[Fix, ...]:
    """Return what a record that does not begin rightly was meant to be, where that is plain."""
    _, one, rest = text.partition("1")
    terms = rest.replace("\\009", " ").strip("\"' ;,.").split()
    repaired = " ".join(["v=spf1", *terms])
    return _publish(domain, repaired) if one and terms and _is_right(repaired) else ()


def _merged(domain: str, texts: Collection[str]) -> tuple[Fix, ...]:
    """Return one record with the terms of several, and the `all` of the first; none where one has a redirect."""
    terms = [term for text in texts for term in text.split()[1:]]
    ends = [term for term in terms if _is_all(term)]
    merged = " ".join(["v=spf1", *dict.fromkeys(t for t in terms if not _is_all(t)), *ends[:1]])
    plain = all(map(_is_right, texts)) and not any(t.lower().startswith("redirect=") for t in terms)
    return _publish(domain, merged) if plain else ()


def _is_all(term: str) -> bool:
    return term.lstrip("+-~?").lower() == "all"


def _rewritten(record: SpfRecord, domain: str, *, without: Collection[str] = (), end: str = "") -> tuple[Fix, ...]:
    """Return the own record without some terms, or with another end; nobody can repair a stranger's record."""
    if record.domain != domain or record.text is None or record.text.endswith(_CUT):
        return ()
    # As published, "Redirect=" may be in capitals
    unwanted = {term.lower() for term in without}
    terms = [term for term in record.text.split()[1:] if term.lower() not in unwanted]
    if end:
        terms = [term for term in terms if not _is_all(term)] + [end]
    return _publish(domain, " ".join(["v=spf1", *terms]))


def _terms(subject: Subject, spf: SpfFacts) -> Iterator[Finding]:
    domain = subject.domain
    by_domain = {record.domain: record for record in spf.records}
    bad = [
        (record, term, *what)
        for record in spf.records
        for term in record.terms
        if (what := _wrong(subject, record, term, by_domain)) is not None
    ]
    # One record to publish instead, without all of them; but where there is a record, hosts may send by it once it is
    # repaired, and -all would make their mail fail
    unwanted = {
        term.text
        for record, term, code, *_ in bad
        if record.domain == domain and not (code is Code.SPF_TARGET_BROKEN and _has_record(by_domain, term))
    }
    for record, term, code, detail, other in bad:
        where = term.text if record.domain == domain else f"{term.text} of {record.domain}"
        evidence = (f"{record.domain} TXT {record.text}",)
        fix = _rewritten(record, domain, without=unwanted) if term.text in unwanted else ()
        yield found(code, domain, f"{where}: {detail}", evidence=evidence, fix=fix, other=other)


def _has_record(by_domain: Mapping[str, SpfRecord], term: SpfTerm) -> bool:
    return by_domain[term.target or ""].state == "ok"


def _wrong(
    subject: Subject, record: SpfRecord, term: SpfTerm, by_domain: Mapping[str, SpfRecord]
) -> tuple[Code, str, str] | None:
    """Return what is wrong with the target of a term: the code, the detail, and the other domain that matters."""
    passes = term.result in ("", "pass")
    below = by_domain.get(term.target or "") if term.kind in ("include", "redirect") else None
    if term.registrable and passes:
        return Code.SPF_REGISTRABLE, f"{term.missing} does not exist, nor does {term.registrable}", term.registrable
    if below is not None and below.problem and below.state != "unknown":
        return Code.SPF_TARGET_BROKEN, below.problem, ""
    if term.missing and passes and not _is_own(subject, record, term.missing):
        other = subject.suffixes.organizational_domain(term.missing)
        return Code.SPF_TARGET_MISSING, f"{term.missing} does not exist", other
    return None


def _is_own(subject: Subject, record: SpfRecord, missing: str) -> bool:
    """Whether a name belongs to the domain, or to whoever publishes the record that names it."""
    home = subject.suffixes.organizational_domain(record.domain)
    return names.is_under(missing, subject.organization) or names.is_under(missing, home)


def _counts(domain: str, spf: SpfFacts) -> Iterator[Finding]:
    evidence = (f"{domain} TXT {spf.own.text}",)
    if loops := [record.domain for record in spf.records if record.loops]:
        yield found(Code.SPF_LOOP, domain, f"the circle is {listed(loops)}", evidence=evidence)
    elif spf.lookups > _LIMIT:
        most = sorted(spf.own.terms, key=lambda term: -term.lookups)
        costs = listed([f"{term.text} {term.lookups}" for term in most])
        detail = f"up to {many(spf.lookups)} terms need DNS, of {_LIMIT} that may: {costs}"
        yield found(Code.SPF_LOOKUPS, domain, detail, evidence=evidence)
    if spf.strict_voids > _VOID_LIMIT:
        void = [term.text for record in spf.records for term in record.terms if term.state in ("missing", "empty")]
        detail = (
            f"up to {many(spf.strict_voids)} queries find nothing, of {_VOID_LIMIT} that may "
            f"({many(spf.voids)} terms, whatever the client)" + (f": {listed(void)}" if void else "")
        )
        code = Code.SPF_VOID_LOOKUPS if spf.voids > _VOID_LIMIT else Code.SPF_VOID_STRICT
        yield found(code, domain, detail, evidence=evidence)
    for record in spf.records:
        for term in record.terms:
            if term.hosts > _MX_LIMIT:
                detail = f"{term.text} of {record.domain}: {term.hosts} MX names, of {_MX_LIMIT} that may be"
                yield found(Code.SPF_MX_NAMES, domain, detail, evidence=evidence)


def _open(domain: str, facts: Facts) -> Iterator[Finding]:
    """Who may send, and what is said of everybody else."""
    spf = facts.spf
    evidence = (f"{domain} TXT {spf.own.text}",)
    end = "~all" if facts.sends else "-all"
    fix = _rewritten(spf.own, domain, end=end) if spf.default_at == domain else ()
    if spf.senders.everyone:
        detail = f"{spf.senders.ip4:,} IPv4 and {many(spf.senders.ip6)} IPv6 addresses may send"
        yield found(Code.SPF_PASS_ALL, domain, detail, evidence=evidence, fix=fix)
        return
    if wide := [(m.text, r) for r in spf.records for m in r.mechanisms if _is_wide(m, r, domain)]:
        detail = f"{listed([f'{text} of {r.domain}' for text, r in wide])}; {spf.senders.ip4:,} IPv4 addresses in all"
        yield found(Code.SPF_WIDE, domain, detail, evidence=[f"{r.domain} TXT {r.text}" for _, r in wide[:1]])
    if not facts.sends and not spf.authorises_nobody:
        detail = "its record is not just -all"
        yield found(Code.SPF_NOT_PARKED, domain, detail, evidence=evidence, fix=_publish(domain, PARKED))
        return
    where = f"the record of {spf.default_at}"
    if spf.default == Result.NEUTRAL:
        has_all = any(record.all is not None for record in spf.records if record.domain == spf.default_at)
        code = Code.SPF_NEUTRAL_ALL if has_all else Code.SPF_NO_ALL
        detail = f"{where} ends with ?all" if has_all else f"{where} has neither all nor redirect"
        yield found(code, domain, detail, evidence=evidence, fix=fix)
    elif spf.default == Result.SOFTFAIL and not (facts.dmarc.enforces or facts.dmarc.unchecked):
        yield found(Code.SPF_SOFTFAIL_ALL, domain, f"{where} ends with ~all", evidence=evidence)


def _is_wide(mechanism: Mechanism, record: SpfRecord, domain: str) -> bool:
    if mechanism.qualifier is not Result.PASS:
        return False
    least4 = _WIDE4 if record.domain == domain else _WIDE4_OTHERS
    by_name = mechanism.name in ("a", "mx")
    wide4 = (mechanism.name == "ip4" or by_name) and mechanism.prefix4 < least4
    wide6 = (mechanism.name == "ip6" or by_name) and mechanism.prefix6 < _WIDE6
    return wide4 or wide6


def _minor(domain: str, spf: SpfFacts) -> Iterator[Finding]:
    own = (f"{domain} TXT {spf.own.text}",)
    terms: list[tuple[SpfRecord, SpfTerm]] = [(record, term) for record in spf.records for term in record.terms]
    if ptr := [f"{term.text} of {record.domain}" for record, term in terms if term.kind == "ptr"]:
        yield found(Code.SPF_PTR, domain, listed(ptr), evidence=own)
    if spf.octets >= _SIZE:
        yield found(Code.SPF_SIZE, domain, f"all TXT records at {domain} have {spf.octets:,} octets", evidence=own)
    if spf.own.ignored:
        fix = _rewritten(spf.own, domain, without=set(spf.own.ignored))
        yield found(Code.SPF_IGNORED, domain, listed(spf.own.ignored), evidence=own, fix=fix)
    if macros := [f"{term.text} of {record.domain}" for record, term in terms if term.state == "macro"]:
        yield found(Code.SPF_MACRO, domain, listed(macros), evidence=own)
    platforms: dict[str, str] = {}
    for record, term in terms:
        if term.kind in ("include", "redirect") and (platform := platform_of(term.target or "")):
            platforms.setdefault(platform.name, f"{term.text} of {record.domain}")
    for name, detail in platforms.items():
        yield found(Code.SPF_SHARED, domain, detail, evidence=own, other=name)
