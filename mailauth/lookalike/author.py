"""Whether an author imitates a protected name: by the domain, the display name or the local part of an address.

Never raises for any input, and asks nothing. Does not know which senders a protected name has elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailauth.lookalike.find import finding, in_domain, likeliest, written_out
from mailauth.lookalike.label import parts, words
from mailauth.lookalike.protected import Core, Protected
from mailauth.lookalike.score import BASES, THRESHOLD, WITH_WORDS, Finding, Kind
from mailauth.lookalike.shape import glance, plain

_SHOWN = 256  # characters of a display name or local part that count: no program shows more on a line
_BACKWARDS = "\u202e"  # RIGHT-TO-LEFT OVERRIDE: what follows is shown in the other direction
_WORDS_JOINED = 3  # "Spar Fuchs" is Sparfuchs
# "S p a r f u c h s"
_SPACED = re.compile(r"(?<![^\W_])[^\W_](?:[\W_][^\W_])+(?![^\W_])")
_WORD = re.compile(r"[^\W_]+")
# A domain name in other text. What follows "=" is an address that a forwarder or list rewrote
_DOMAIN = re.compile(r"(?<![\w.=-])[\w-]+(?:\.[\w-]+)+")
_PLACES = {Kind.DISPLAY_NAME: "display name", Kind.LOCAL_PART: "local part"}


def find_in_author(
    display_name: str, address: str, protected: Protected, threshold: int = THRESHOLD
) -> tuple[Finding, ...]:
    """Return the protected names that an author imitates by domain, display name or local part, the likeliest first.

    An address at a protected domain or its subdomains imitates none. Never raises for any input.

    Args:
        display_name: the decoded display name, "" for none.
        address: the address.
        protected: what may be imitated.
        threshold: the least score of a finding, from 0 to 100.
    """
    local, _, domain = address.rpartition("@")
    if protected.owner(domain) is not None:
        return ()
    found = list(in_domain(domain, protected.index))
    shown = display_name[:_SHOWN]
    found += _in_text(shown, protected, Kind.DISPLAY_NAME)
    if _BACKWARDS in shown:
        found += _in_text(shown[::-1], protected, Kind.DISPLAY_NAME)
    found += _in_text(local[:_SHOWN], protected, Kind.LOCAL_PART)
    return likeliest(found, threshold)


def _in_text(text: str, protected: Protected, kind: Kind) -> Iterator[Finding]:
    for domain in _DOMAIN.findall(text):
        if (ours := protected.owner(domain)) is not None:
            yield written_out(kind, ours, f"the {_PLACES[kind]} contains {domain}")
    tokens = _WORD.findall(_SPACED.sub(_closed_up, plain(text)))
    strange = [i for i, token in enumerate(tokens) if not (token.isdecimal() or token in words())]
    for i, token in enumerate(tokens):
        for j in range(i + 1, min(i + _WORDS_JOINED, len(tokens)) + 1):
            for core in protected.index.glances.get(glance("".join(tokens[i:j])), ()):
                # In a local part a name alone may be the name of a person
                beside = (kind is Kind.DISPLAY_NAME or j - i < len(tokens)) and all(i <= k < j for k in strange)
                yield _named(kind, core, core.shown, beside=beside)
        for match in parts(token, protected.index):
            if match.kind is Kind.WORDS:
                yield _named(kind, match.core, match.why, beside=all(k == i for k in strange))


def _closed_up(spaced: re.Match[str]) -> str:
    return spaced[0][::2]


def _named(kind: Kind, core: Core, what: str, *, beside: bool) -> Finding:
    base = BASES[kind] + (WITH_WORDS if beside else 0)
    return finding(kind, base, core, "", f"the {_PLACES[kind]} names {what}")
