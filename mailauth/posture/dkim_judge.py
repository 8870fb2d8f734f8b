"""What the DKIM keys of a domain let an impostor do (RFC 6376, RFC 8301). Asks nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mailauth.posture.asking import Subject, listed
from mailauth.posture.codes import Code
from mailauth.posture.dkim import DkimFacts, DkimKey, Selector
from mailauth.posture.facts import Facts
from mailauth.posture.finding import Finding, Fix, found

_STRONG = 2048  # bits of RSA
_CODES = {
    "key_revoked": Code.DKIM_REVOKED,
    "key_syntax": Code.DKIM_SYNTAX,
    "key_too_short": Code.DKIM_SHORT_KEY,
}


def judge(subject: Subject, facts: Facts) -> Iterator[Finding]:
    """Yield the findings about DKIM. That a guess found nothing is none of them."""
    dkim, domain = facts.dkim, subject.domain
    for selector in dkim.selectors:
        yield from _selector(domain, subject, selector)
    if any(key.reason is None for key in dkim.wildcard):
        evidence = [f"*._domainkey.{domain} TXT {key.text}" for key in dkim.wildcard]
        yield found(Code.DKIM_WILDCARD, domain, "a selector that nobody chose has a key", evidence=evidence)
    yield from _same(domain, dkim)
    if not facts.sends and not (dkim.all_revoked or dkim.unchecked) and not any(each.given for each in dkim.selectors):
        fix = (Fix(f"*._domainkey.{domain}", "TXT", "v=DKIM1; p="),)
        yield found(Code.DKIM_NOT_PARKED, domain, f"*._domainkey.{domain} has no empty key", fix=fix)


def _selector(domain: str, subject: Subject, selector: Selector) -> Iterator[Finding]:
    evidence = [f"{selector.at} TXT {key.text}" for key in selector.keys]
    if selector.missing:
        detail = f"{selector.at} is an alias of {selector.missing}, which does not exist"
        if selector.registrable:
            detail += f", nor does {selector.registrable}"
            yield found(Code.DKIM_REGISTRABLE, domain, detail, other=selector.registrable)
        else:
            other = subject.suffixes.organizational_domain(selector.missing)
            yield found(Code.DKIM_TARGET_MISSING, domain, detail, other=other)
        return
    if not selector.keys:
        if selector.known:
            yield found(Code.DKIM_SELECTOR_MISSING, domain, f"{selector.at} has no key")
        return
    if len(selector.keys) > 1:
        detail = f"{selector.at} has {len(selector.keys)} key records"
        yield found(Code.DKIM_MULTIPLE, domain, detail, evidence=evidence)
    for key, shown in zip(selector.keys, evidence, strict=True):
        yield from _key(domain, selector, key, shown)


def _key(domain: str, selector: Selector, key: DkimKey, shown: str) -> Iterator[Finding]:
    if key.reason is not None:
        code = _CODES.get(key.reason, Code.DKIM_UNUSABLE)
        yield found(code, domain, f"{selector.at}: {key.problem}", evidence=[shown])
    elif key.kind == "rsa" and key.bits < _STRONG:
        # RFC 8301 §3.2: signers SHOULD use at least 2048 bits
        yield found(Code.DKIM_1024, domain, f"{selector.at}: {key.bits} bits", evidence=[shown])
    if key.testing:
        # Nobody can repair a stranger's record
        mendable = selector.alias is None and not key.text.endswith("...")
        fix = (Fix(selector.at, "TXT", _without_testing(key.text)),) if mendable else ()
        yield found(Code.DKIM_TESTING, domain, f"{selector.at}: t=y", evidence=[shown], fix=fix)


def _without_testing(text: str) -> str:
    """Return a key record without the flag y of t=."""
    tags = []
    for tag in filter(None, (each.strip() for each in text.split(";"))):
        name, _, value = tag.partition("=")
        if name.strip() == "t":
            flags = [flag for flag in (each.strip() for each in value.split(":")) if flag != "y"]
            tags += [f"t={':'.join(flags)}"] if flags else []
        else:
            tags.append(tag)
    return "; ".join(tags)


def _same(domain: str, dkim: DkimFacts) -> Iterator[Finding]:
    places: dict[bytes, list[Selector]] = {}
    for selector in dkim.selectors:
        for key in selector.keys:
            # One key that is at two names because one is an alias of the other is meant to be the same
            if key.public:
                places.setdefault(key.public, []).append(selector)
    for selectors in places.values():
        if len({each.alias or each.at for each in selectors}) > 1:
            names = listed(list(dict.fromkeys(each.at for each in selectors)))
            yield found(Code.DKIM_SAME_KEY, domain, f"the same key is at {names}")
