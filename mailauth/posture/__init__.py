"""How safe a domain is against impostors, by the parsers that judge mail.

`examine` asks what a domain publishes of SPF, DKIM, DMARC, MX, MTA-STS, TLS-RPT, DANE and BIMI, and says what an
impostor could do with it, why, and which record prevents it.
"""

from mailauth.posture.catalogue import CATALOGUE
from mailauth.posture.codes import Code, Entry, Severity
from mailauth.posture.domain import Posture, examine
from mailauth.posture.finding import Finding, Fix
from mailauth.posture.rating import LETTERS, POINTS, Rating
from mailauth.posture.selectors import GUESSES, MAX_SELECTORS, learn
from mailauth.posture.smtp import SmtpFacts

__all__ = [
    "CATALOGUE",
    "GUESSES",
    "LETTERS",
    "MAX_SELECTORS",
    "POINTS",
    "Code",
    "Entry",
    "Finding",
    "Fix",
    "Posture",
    "Rating",
    "Severity",
    "SmtpFacts",
    "examine",
    "learn",
]
