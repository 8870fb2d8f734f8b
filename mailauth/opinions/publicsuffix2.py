"""The opinion of publicsuffix2 on the Organizational Domain."""

from __future__ import annotations

from functools import cache
from typing import Any

from mailauth.authentication import Authentication
from mailauth.opinions.answers import Opinion


@cache
def _suffix_list() -> Any:
    import publicsuffix2  # noqa: PLC0415 optional: imported on use

    return publicsuffix2.PublicSuffixList()


def organization_opinion(authentication: Authentication) -> Opinion:
    """Compare the Organizational Domain of the author."""
    outcome = authentication.dmarc
    assert outcome is not None  # noqa: S101  the caller has looked
    ours = outcome.organizational_domain or ""
    theirs = str(_suffix_list().get_sld(outcome.author_domain))
    explanation = None
    if theirs != ours:
        if outcome.discovery == "treewalk":
            explanation = "the tree walk goes by published records, the list by what was registered in 2019"
        else:
            explanation = "publicsuffix2 looks up its list of 2019, and takes names above a rule for rules"
    return Opinion("organizational domain", "publicsuffix2", ours, theirs, theirs == ours, explanation)
