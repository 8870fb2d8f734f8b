"""All that was found out about a domain, before it is judged."""

from __future__ import annotations

from typing import NamedTuple

from mailauth.posture.dkim import DkimFacts
from mailauth.posture.dmarc import DmarcFacts
from mailauth.posture.mx import MxFacts
from mailauth.posture.spf_facts import SpfFacts


class Facts(NamedTuple):
    """The facts by section.

    `sends` is whether the domain sends mail, as it was said or as its records say; where they do not (`sends_known` is
    false), it is taken to.
    """

    mx: MxFacts
    spf: SpfFacts
    dkim: DkimFacts
    dmarc: DmarcFacts
    sends: bool
    sends_known: bool
