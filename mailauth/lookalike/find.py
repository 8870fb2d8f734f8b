"""Whether a domain imitates a protected name. Never raises for any input, and asks nothing.

What cannot be a domain name in DNS is not examined. Does not know which imitations are registered, who owns them, or
which words of a language are a name by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailauth import names
from mailauth.lookalike.label import Match, parts, whole
from mailauth.lookalike.protected import Core, Index, Protected, split
from mailauth.lookalike.score import (
    BASES,
    IN_SUBDOMAIN,
    NEAR_SUFFIX,
    OTHER_SUFFIX,
    THRESHOLD,
    WHOLE_DOMAIN,
    Finding,
    Kind,
    scored,
)
from mailauth.lookalike.shape import decoded, glance, plain
from mailauth.lookalike.slip import slip
from mailauth.text import one_line

# What IDNA of 2003, and software that still follows it, takes for a dot
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
_AS_A_WHOLE = frozenset({None, Kind.SCRIPT, Kind.GLYPHS, Kind.LETTERS, Kind.ACCENTS})


def find(domain: str, protected: Protected, threshold: int = THRESHOLD) -> tuple[Finding, ...]:
    """Return the protected names that a domain imitates, the likeliest first. Never raises for any input.

    A protected domain and its subdomains imitate none.

    Args:
        domain: a domain name in any form, such as `auth.dmarc.author_domain`.
        protected: what may be imitated.
        threshold: the least score of a finding, from 0 to 100.
    """
    if protected.owner(domain) is not None:
        return ()
    return likeliest(in_domain(domain, protected.index), threshold)


def likeliest(found: Iterable[Finding], threshold: int) -> tuple[Finding, ...]:
    """Return one finding for each protected name, those of the highest score."""
    best: dict[str, Finding] = {}
    for each in found:
        if each.score >= threshold and (each.protected not in best or each.score > best[each.protected].score):
            best[each.protected] = each
    return tuple(sorted(best.values(), key=lambda each: (-each.score, each.protected)))


def in_domain(domain: str, index: Index) -> Iterator[Finding]:
    """Yield all that a domain imitates, whoever owns it."""
    name = names.lower_ascii(domain[: names.MAX_NAME + 2].translate(_DOTS).removesuffix("."))
    if not names.queryable(name):
        return
    name = names.to_ascii(name) or name
    above, suffix = split(name)
    *others, registered = map(decoded, above)
    for match in (*whole(registered, index), *parts(registered, index)):
        yield _registered(name, registered, match, suffix)
    if not others:
        return
    for core in index.glances.get(glance(plain("".join((*others, registered)))), ()):
        base = BASES[Kind.DOTS] + (0 if suffix in core.domains else OTHER_SUFFIX)
        yield finding(Kind.DOTS, base, core, suffix, f"{name} is {core.shown} with dots in it")
    site = f"{registered}.{suffix}"
    for i, label in enumerate(others):
        after = ".".join((*others[i + 1 :], registered, suffix, ""))
        for core, kind, base, _ in (*whole(label, index), *parts(label, index)):
            ours = next((s for s in core.domains if after.startswith((f"{s}.", f"{s}-"))), None)
            if ours is not None and (kind in _AS_A_WHOLE or label.endswith(f"-{core.shown}")):
                why = f"{core.domains[ours]} appears in a subdomain of {site}"
                yield written_out(Kind.SUBDOMAIN, core.domains[ours], why)
            elif kind in _AS_A_WHOLE:
                why = f"{core.shown} is a subdomain of {site}"
                yield finding(Kind.SUBDOMAIN, BASES[Kind.SUBDOMAIN], core, suffix, why)
            else:
                why = f"{label}, a subdomain of {site}, looks like {core.shown}"
                yield finding(Kind.SUBDOMAIN, base + IN_SUBDOMAIN, core, suffix, why)


def _registered(name: str, label: str, match: Match, suffix: str) -> Finding:
    core, kind, base, why = match
    if kind is None and suffix in core.domains:
        kind, base, why = Kind.GLYPHS, BASES[Kind.GLYPHS], "it is the same name, written in another way"
    elif kind is None:
        kind, base, why = Kind.SUFFIX, BASES[Kind.SUFFIX], "the name is the same, the suffix is another"
        # There are too many countries for a slip to say something
        base += NEAR_SUFFIX if any(len(theirs) > 2 and slip(suffix, theirs) for theirs in core.domains) else 0
    elif kind not in {Kind.WORDS, Kind.PART} and suffix not in core.domains:
        base += OTHER_SUFFIX
    shown = name if label.isascii() else f"{label}.{suffix} ({name})"
    return finding(kind, base, core, suffix, f"{shown} looks like {core.target(suffix)}: {why}")


def finding(kind: Kind, base: int, core: Core, suffix: str, why: str) -> Finding:
    """Return a finding of the protected domain of a core with a suffix, if there is one, or of the first."""
    return Finding(kind, core.target(suffix), scored(base, len(core.plain)), one_line(why))


def written_out(kind: Kind, domain: str, why: str) -> Finding:
    """Return the finding of a whole protected domain, which is no chance however short it is."""
    return Finding(kind, domain, WHOLE_DOMAIN, one_line(why))
