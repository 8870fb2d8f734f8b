"""What a look at the mail exchangers of a domain showed, and what it says about the way of mail to it.

The look itself is made by `mailauth.probes.survey`, which connects; here nothing does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailauth.mta_sts import MtaStsOutcome
from mailauth.posture.codes import Code
from mailauth.posture.finding import Finding, found, quote

_OLD = frozenset({"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"})  # RFC 8996 §2
_TRUSTED = ("valid", "not_judged")
_MATCHED = (None, "matched", "unusable")
_NOTICED = ("stripped", "likely")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpFacts:
    """What one mail exchanger does.

    Attributes:
        host: its name.
        address: where the connection went.
        tls: whether there was a TLS session; None if the server could not be asked.
        detail: why not, in words.
        version: of TLS, such as "TLSv1.3"; empty without a session, as is `certificate`.
        certificate: whether the certificate is valid for the host; see `mailauth.probes.CertificateStatus`.
        certificate_detail: why not.
        dane: whether the certificate matches the TLSA records, see `mailauth.dane.MatchStatus`; None without records.
        dane_detail: why, or why not.
        promised: what promises TLS, in words.
        downgrade: whether somebody took TLS away; see `mailauth.probes.Downgrade`.
        evidence: what that rests on, in words.
    """

    host: str
    address: str
    tls: bool | None
    detail: str = ""
    version: str = ""
    certificate: str = ""
    certificate_detail: str = ""
    dane: str | None = None
    dane_detail: str = ""
    promised: tuple[str, ...] = ()
    downgrade: str = "unknown"
    evidence: tuple[str, ...] = ()


def judge(domain: str, hosts: Sequence[SmtpFacts], sts: MtaStsOutcome) -> Iterator[Finding]:
    """Yield the findings about the mail exchangers; none about one that could not be asked."""
    follows = sts.policy is not None and sts.policy.mode != "none"
    for each in hosts:
        seen = f"{each.host} at {each.address}"
        if each.tls is False and each.promised:
            detail = f"{seen}: {each.detail}; promised by {', '.join(each.promised)}"
            yield found(Code.SMTP_PROMISED, domain, detail, other=each.host)
        elif each.tls is False:
            yield found(Code.SMTP_NO_TLS, domain, f"{seen}: {each.detail}", other=each.host)
        elif each.tls:
            if each.version in _OLD:
                yield found(Code.SMTP_OLD_TLS, domain, f"{seen}: {each.version}", other=each.host)
            if each.dane not in _MATCHED:
                yield found(Code.SMTP_DANE, domain, f"{seen}: {each.dane_detail}", other=each.host)
            if follows and each.certificate not in _TRUSTED:
                detail = f"{seen}: the certificate is {each.certificate}: {each.certificate_detail}"
                yield found(Code.SMTP_CERTIFICATE, domain, detail, other=each.host)
        if each.downgrade in _NOTICED:
            evidence = map(quote, each.evidence)
            yield found(Code.SMTP_DOWNGRADE, domain, f"{seen}: {each.downgrade}", evidence=evidence, other=each.host)
