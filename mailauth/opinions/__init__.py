"""The second opinion: what independent implementations say about the same message and the same DNS.

dkimpy, pyspf, authres and publicsuffix2 read the same octets over the transcript of an `Authentication`; each
disagreement is reported, and explained if it is a known defect or choice. Bounded: an engine that would take excessive
time is not asked, and the report says so. Uses no network and none of their globals, so that any number of threads may
ask.
"""

from __future__ import annotations

from typing import Any

from mailauth.authentication import Authentication
from mailauth.message.fields import Message
from mailauth.opinions.answers import Answers, Opinion
from mailauth.opinions.authres import header_opinion
from mailauth.opinions.dkimpy import arc_opinion, dkim_opinions
from mailauth.opinions.publicsuffix2 import organization_opinion
from mailauth.opinions.pyspf import spf_opinion
from mailauth.results import Result

__all__ = ["Opinion", "second_opinion"]


def second_opinion(raw: bytes, authentication: Authentication, resolver: Any = None) -> tuple[Opinion, ...]:
    """Ask the independent engines about an authenticated message. Never raises for any message.

    Args:
        raw: the octets that were given to `authenticate`.
        authentication: its result; the engines get its DNS transcript.
        resolver: a synchronous resolver for what an engine asks and we did not, such as the key of a signature that we
            refused without a lookup; None: an engine that asks for more gives no opinion.
    """
    message = Message.parse(raw)
    answers = Answers(dict(authentication.dns), resolver)
    opinions = [
        spf_opinion(authentication.connection, outcome, answers)
        for outcome in (authentication.spf, authentication.helo_spf)
        if outcome is not None and outcome.domain is not None and authentication.connection.address is not None
    ]
    opinions += dkim_opinions(message, authentication, answers)
    if authentication.arc is not None and authentication.arc.result is not Result.NONE:
        opinions.append(arc_opinion(message, authentication, answers))
    if authentication.dmarc is not None and authentication.dmarc.organizational_domain is not None:
        opinions.append(organization_opinion(authentication))
    if authentication.headers:
        opinions.append(header_opinion(authentication))
    return tuple(opinions)
