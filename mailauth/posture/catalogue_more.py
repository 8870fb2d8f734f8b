"""The catalogue of findings about the way of mail to a domain (MTA-STS, TLS-RPT, DANE, SMTP), and about its logo.

With none of them can an impostor send as the domain: they weigh "low" at most, and what a domain does without is never
more than a note.
"""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.posture.codes import Code, Entry, Severity, entries

_L, _N = Severity.LOW, Severity.NOTE

_MTA_STS = entries("mta_sts", {
    Code.MTA_STS_MISSING: (
        _N, "Whoever is on the way can take TLS away from mail to {subject}: it has no policy of MTA-STS.",
        "RFC 8461 §3.1",
        "Serve a policy at https://mta-sts.{subject}/.well-known/mta-sts.txt, then publish the record."),
    Code.MTA_STS_RECORD: (
        _L, "Whoever is on the way can take TLS away from mail to {subject}: senders cannot use its MTA-STS record.",
        "RFC 8461 §3.1", "Publish one record of this form, with another id after each change of the policy."),
    Code.MTA_STS_POLICY: (
        _L, "Whoever is on the way can take TLS away from mail to {subject}: senders cannot use its MTA-STS policy.",
        "RFC 8461 §3.2, §3.3", "Serve the policy as text/plain, without redirects, with a valid certificate."),
    Code.MTA_STS_MX: (
        _L, "Mail for {subject} is delayed or lost: senders that follow its MTA-STS policy do not use {other}.",
        "RFC 8461 §4.1", "Add the mail exchanger to the policy, and change the id of the record."),
    Code.MTA_STS_NOT_ENFORCED: (
        _N, "Whoever is on the way can take TLS away from mail to {subject}: its MTA-STS policy does not enforce it.",
        "RFC 8461 §5",
        "When the reports show that TLS works, set the mode to enforce, and change the id of the record."),
    Code.MTA_STS_MAX_AGE: (
        _N, "Senders forget the MTA-STS policy of {subject} soon: whoever hides it that long can take TLS away.",
        "RFC 8461 §3.2", "Set max_age to weeks or more, and change the id of the record."),
})  # fmt: skip

_TLS_RPT = entries("tls_rpt", {
    Code.TLS_RPT_MISSING: (
        _N, "Nobody tells {subject} when senders cannot deliver by its own demands on TLS.", "RFC 8460 §3",
        "Publish the record, with an address that reads the reports."),
    Code.TLS_RPT_RECORD: (
        _L, "Reports about TLS are not sent to {subject}: senders cannot use its TLS-RPT record.", "RFC 8460 §3",
        "Publish one record of this form."),
    Code.TLS_RPT_UNUSABLE: (
        _L, "Reports about TLS are not sent to {subject}: no URI of its TLS-RPT record names a place.", "RFC 8460 §3",
        "Name a mailto: or https: URI."),
})  # fmt: skip

_DANE = entries("dane", {
    Code.DANE_MX_INSECURE: (
        _L, "Whoever can forge DNS answers diverts mail to {subject}, although its hosts have TLSA records.",
        "RFC 7672 §2.2.1", "Sign the zone of the MX records."),
    Code.DANE_UNUSABLE: (
        _L, "Any certificate will do for {other}: senders can use none of its TLSA records.", "RFC 7672 §2.2, §3.1",
        "Publish a TLSA record of the form 3 1 1 for the key of the server."),
    Code.DANE_RECORD_UNUSABLE: (
        _N, "Senders ignore a TLSA record of {other}.", "RFC 7672 §3.1", "Remove or correct it."),
    Code.DANE_PARTIAL: (
        _L, "Whoever is on the way leads mail for {subject} to a mail exchanger without TLSA records, such as {other}.",
        "RFC 7672 §2.2", "Publish TLSA records for all mail exchangers."),
})  # fmt: skip

_SMTP = entries("smtp", {
    Code.SMTP_NO_TLS: (
        _L, "Everybody on the way can read mail for {subject}: {other} offers no TLS.", "RFC 3207 §4",
        "Set up STARTTLS with a certificate for the host."),
    Code.SMTP_PROMISED: (
        _L, "Mail for {subject} is delayed or lost: {other} has no TLS, though it is promised.",
        "RFC 7672 §2.2, RFC 8461 §4.2", "Set up STARTTLS, or look who takes it away."),
    Code.SMTP_CERTIFICATE: (
        _L, "Mail for {subject} is delayed or lost: senders that follow its MTA-STS policy do not trust {other}.",
        "RFC 8461 §4.2", "Give the host a certificate of a public authority for its name."),
    Code.SMTP_DANE: (
        _L, "Mail for {subject} is delayed or lost: the certificate of {other} does not match its TLSA records.",
        "RFC 7672 §2.2, §3.1", "Publish the TLSA record of the new key before the server uses it."),
    Code.SMTP_OLD_TLS: (
        _L, "{other} has no version of TLS that is still safe.", "RFC 8996 §2", "Allow TLS 1.2 and 1.3."),
    Code.SMTP_DOWNGRADE: (
        _N, "It looks as if somebody between here and {other} takes TLS away.", "RFC 3207 §6",
        "Look from another network; if it is the same, look for a firewall that rewrites SMTP."),
})  # fmt: skip

_BIMI = entries("bimi", {
    Code.BIMI_RECORD: (
        _L, "The logo of {subject} is not shown: receivers cannot use its BIMI record.", "BIMI §5.3, §8.2",
        "Publish exactly one record, with l= and a= as https: URIs."),
    Code.BIMI_POLICY: (
        _L, "The logo of {subject} is not shown: its DMARC policy does not keep impostors from using it.",
        "BIMI §8.1", "Ask for quarantine or reject, for all mail and for subdomains."),
    Code.BIMI_LOGO: (
        _L, "The logo of {subject} is not shown: receivers cannot get it, or refuse it.", "BIMI §5.3.2, §8.3",
        "Publish a logo of the profile SVG Tiny PS."),
    Code.BIMI_EVIDENCE: (
        _L, "The logo of {subject} is not shown: its mark certificate does not prove that it is its own.", "BIMI §8.4",
        "Publish the certificates of the mark authority anew."),
    Code.BIMI_NO_EVIDENCE: (
        _N, "Many receivers do not show the logo of {subject}: no mark certificate proves that it is its own.",
        "BIMI §8.4", "Get a mark certificate, and name it in a=, if the logo is to be shown there."),
})  # fmt: skip

MORE: Mapping[Code, Entry] = {**_MTA_STS, **_TLS_RPT, **_DANE, **_SMTP, **_BIMI}
