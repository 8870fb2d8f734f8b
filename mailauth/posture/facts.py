"""All that was found out about a domain, before it is judged."""

from __future__ import annotations

from typing import NamedTuple

from mailauth.dane import DaneOutcome
from mailauth.mta_sts import MtaStsOutcome
from mailauth.posture.bimi import BimiFacts
from mailauth.posture.dkim import DkimFacts
from mailauth.posture.dmarc import DmarcFacts
from mailauth.posture.mx import MxFacts
from mailauth.posture.spf_facts import SpfFacts
from mailauth.tls_rpt import TlsRptOutcome


class Facts(NamedTuple):
    """The facts by section.

    `sends` is whether the domain sends mail, as it was said or as its records say; where they do not (`sends_known` is
    false), it is taken to.
    """

    mx: MxFacts
    spf: SpfFacts
    dkim: DkimFacts
    dmarc: DmarcFacts
    mta_sts: MtaStsOutcome
    tls_rpt: TlsRptOutcome
    dane: DaneOutcome
    bimi: BimiFacts
    sends: bool
    sends_known: bool
