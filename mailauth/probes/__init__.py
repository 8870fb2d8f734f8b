"""A look at servers as their clients see them: mail exchangers, with STARTTLS.

`SmtpProber` makes the connections; `downgrade` says whether somebody on the way took TLS away; `survey` looks at all
mail exchangers of a domain.
"""

from mailauth.probes.downgrade import Downgrade, Verdict, downgrade
from mailauth.probes.smtp import SmtpProber
from mailauth.probes.survey import survey
from mailauth.probes.values import CertificateStatus, ProbeStatus, Reply, SmtpProbe, TlsFacts

__all__ = [
    "CertificateStatus",
    "Downgrade",
    "ProbeStatus",
    "Reply",
    "SmtpProbe",
    "SmtpProber",
    "TlsFacts",
    "Verdict",
    "downgrade",
    "survey",
]
