"""Every finding: its code, its severity, the threat in words, the rule behind it and the remedy.

The page of the manual and the findings themselves take their words from here. In a threat, {subject} is the name that
the finding is about, and {other} the other domain that matters. What is about the way of mail to a domain, and about
its logo, is in `catalogue_more`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.posture.catalogue_more import MORE
from mailauth.posture.codes import Code, Entry, Severity, entries

_C, _H, _M, _L, _N = Severity

_SPF = entries("spf", {
    Code.SPF_MISSING: (
        _H, "Anyone can use {subject} as envelope sender: SPF says nothing about it.", "RFC 7208 §4.5, §8.1",
        "Publish which hosts send: the record below names those that take its mail, if any; add the others first."),
    Code.SPF_NEAR_MISS: (
        _H, "Anyone can use {subject} as envelope sender: receivers do not see the record.", "RFC 7208 §4.5",
        "Begin the record with v=spf1 and a space."),
    Code.SPF_MULTIPLE: (
        _H, "Anyone can use {subject} as envelope sender: receivers use none of its SPF records.", "RFC 7208 §3.2",
        "Publish one record with the terms of all."),
    Code.SPF_SYNTAX: (
        _H, "Anyone can use {subject} as envelope sender: receivers cannot read its SPF record.", "RFC 7208 §4.6",
        "Correct the term that the detail names."),
    Code.SPF_PASS_ALL: (
        _C, "Anyone can send as {subject}, and SPF passes.", "RFC 7208 §5.1",
        "Name the hosts that send, and end with ~all or -all."),
    Code.SPF_REGISTRABLE: (
        _C, "Whoever registers {other} can send as {subject}, and SPF passes.",
        "RFC 7208 §5.2, §5.3, §5.4, RFC 8020 §2", "Remove the term."),
    Code.SPF_TARGET_BROKEN: (
        _H, "Anyone can use {subject} as envelope sender: at a broken term, the result is an error.",
        "RFC 7208 §5.2, §6.1", "Remove the term, or have the other record repaired."),
    Code.SPF_TARGET_MISSING: (
        _M, "Whoever controls {other} can make a host that sends as {subject} with an SPF pass.", "RFC 7208 §4.6.4",
        "Remove the term."),
    Code.SPF_LOOP: (
        _H, "Anyone can use {subject} as envelope sender: its SPF record includes itself without end.",
        "RFC 7208 §4.6.4", "Break the circle."),
    Code.SPF_LOOKUPS: (
        _H, "Anyone can use {subject} as envelope sender: receivers give up its SPF record as an error.",
        "RFC 7208 §4.6.4", "Remove terms that nobody needs, or replace some by ip4 and ip6."),
    Code.SPF_VOID_LOOKUPS: (
        _M, "Anyone can use {subject} as envelope sender: receivers give up its SPF record as an error.",
        "RFC 7208 §4.6.4", "Remove the terms whose names have no records."),
    Code.SPF_VOID_STRICT: (
        _L, "Receivers that count every query without a result give up the SPF record of {subject} for some clients.",
        "RFC 7208 §4.6.4", "Replace names that have addresses of one IP version only by ip4 and ip6."),
    Code.SPF_MX_NAMES: (
        _M, "Receivers give up the SPF record of {subject} at a term mx, as an error.", "RFC 7208 §4.6.4",
        "Replace the term by ip4 and ip6."),
    Code.SPF_WIDE: (
        _H, "Strangers have addresses that may send as {subject}, and SPF passes.", "RFC 7208 §10.1.2",
        "Name the networks that send, and no more."),
    Code.SPF_NEUTRAL_ALL: (
        _M, "SPF says neutral of an impostor: receivers must treat {subject} as without SPF.", "RFC 7208 §8.2",
        "End with ~all or -all."),
    Code.SPF_NO_ALL: (
        _M, "SPF says neutral of an impostor: receivers must treat {subject} as without SPF.", "RFC 7208 §4.7",
        "End with ~all or -all."),
    Code.SPF_SOFTFAIL_ALL: (
        _L, "SPF says only softfail of an impostor, and no DMARC policy of {subject} makes up for it.",
        "RFC 7208 §8.5", "Publish a DMARC policy that asks for quarantine or reject; ~all is then right."),
    Code.SPF_NOT_PARKED: (
        _M, "{subject} sends no mail, but its SPF record does not say so.", "RFC 7208 §10.1.2",
        "Say that nobody sends."),
    Code.SPF_PTR: (
        _L, "Whoever controls a reverse zone and a name below {subject} can pass; many receivers skip ptr.",
        "RFC 7208 §5.5", "Replace ptr by ip4 and ip6."),
    Code.SPF_SIZE: (
        _N, "The answer with the SPF record of {subject} may not fit into a UDP packet, and get lost.",
        "RFC 7208 §3.4", "Shorten the record, or move other TXT records to other names."),
    Code.SPF_IGNORED: (
        _N, "Terms of {subject} after all, and redirect beside it, have no effect.", "RFC 7208 §5.1",
        "Move them before all, or remove them."),
    Code.SPF_SHARED: (
        _N, "{other} sends for many customers: only its own checks keep another one from using {subject}.",
        "RFC 7208 §11.4", "Nothing, if the provider verifies domains; DKIM tells its customers apart."),
    Code.SPF_MACRO: (
        _N, "Who may send as {subject} depends on each message, and cannot be listed here.", "RFC 7208 §7",
        "Nothing."),
})  # fmt: skip

_DMARC = entries("dmarc", {
    Code.DMARC_MISSING: (
        _C, "Anyone can send as {subject}: no DMARC policy applies.", "RFC 9989 §4.10.1",
        "Publish a record; begin with p=none and rua= if you do not know all that sends for you."),
    Code.DMARC_REGISTRABLE: (
        _C, "Whoever registers {other} can publish a policy for {subject} that lets everyone send as it.",
        "RFC 1034 §3.6.2, RFC 8020 §2", "Remove the alias, and publish the record itself."),
    Code.DMARC_TARGET_MISSING: (
        _M, "Whoever controls {other} can publish a policy for {subject} that lets everyone send as it.",
        "RFC 1034 §3.6.2", "Remove the alias, or have the other name published."),
    Code.DMARC_IGNORED: (
        _C, "Anyone can send as {subject}: what is published does not count as a DMARC record.", "RFC 9989 §4.10",
        "Publish exactly one record that begins with v=DMARC1."),
    Code.DMARC_UNUSABLE: (
        _C, "Anyone can send as {subject}: receivers do not apply its DMARC record.", "RFC 9989 §4.10.1",
        "Correct p, sp and np."),
    Code.DMARC_NONE: (
        _C, "Anyone can send as {subject}: its policy asks receivers to do nothing.", "RFC 9989 §4.7",
        "When the reports show that your own mail passes, ask for quarantine, then for reject."),
    Code.DMARC_SUBDOMAINS_NONE: (
        _H, "A subdomain of {subject} can be imitated: the policy for subdomains asks receivers to do nothing.",
        "RFC 9989 §4.7", "Remove sp, or give it the value of p."),
    Code.DMARC_MISSING_NONE: (
        _H, "A subdomain of {subject} that does not exist can be imitated.", "RFC 9989 §4.7", "Set np=reject."),
    Code.DMARC_OLD_RECEIVERS: (
        _M, "Receivers that still follow RFC 7489 apply a weaker policy to {subject}.", "RFC 7489 §6.6.3",
        "Publish a record that says the same to both."),
    Code.DMARC_TESTING: (
        _M, "t=y asks receivers to apply the next weaker policy to {subject}.", "RFC 9989 §4.7",
        "Remove t=y when the test is over."),
    Code.DMARC_QUARANTINE: (
        _L, "Impostors of {subject} still reach junk folders.", "RFC 9989 §4.7",
        "Ask for reject, unless its users write to mailing lists."),
    Code.DMARC_TAG_INVALID: (
        _L, "Receivers ignore a part of the DMARC record of {subject}.", "RFC 9989 §4.8",
        "Correct or remove the tag."),
    Code.DMARC_TAG_REMOVED: (
        _N, "RFC 9989 gives pct, rf and ri no effect.", "RFC 9989 §4.7", "Remove them; t=y is the new pct=0."),
    Code.DMARC_NO_REPORTS: (
        _M, "Nobody learns who sends as {subject}: there is no address for reports.", "RFC 9989 §4.7",
        "Add rua= with an address that reads them."),
    Code.DMARC_REPORT_REGISTRABLE: (
        _H, "Whoever registers {other} gets the reports about the mail of {subject}.", "RFC 9990 §4, RFC 8020 §2",
        "Remove the address."),
    Code.DMARC_REPORT_MISSING: (
        _L, "Reports about {subject} are lost: the host of an address does not exist.", "RFC 9990 §4",
        "Correct or remove the address."),
    Code.DMARC_REPORT_REFUSED: (
        _L, "Reports about {subject} are not sent: the other domain has not agreed to get them.", "RFC 9990 §4",
        "Have {other} publish the record, or remove the address."),
})  # fmt: skip

_DKIM = entries("dkim", {
    Code.DKIM_REGISTRABLE: (
        _C, "Whoever registers {other} can publish a key, and sign as {subject}.", "RFC 6376 §3.6.2, RFC 8020 §2",
        "Remove the alias."),
    Code.DKIM_SHORT_KEY: (
        _H, "Whoever factors the short key can sign as {subject} for receivers that still accept it.", "RFC 8301 §3.2",
        "Make a key of 2048 bits under a new selector, and remove this one."),
    Code.DKIM_TARGET_MISSING: (
        _L, "Whoever controls {other} can publish a key, and sign as {subject}.", "RFC 6376 §3.6.2",
        "Remove the alias, unless a provider that sends for you will put its next key there."),
    Code.DKIM_SYNTAX: (
        _M, "Signatures with this selector of {subject} never pass: receivers cannot read the key.",
        "RFC 6376 §3.6.1", "Publish the record of the signer anew."),
    Code.DKIM_UNUSABLE: (
        _M, "Signatures with this selector of {subject} never pass: the record forbids it.", "RFC 6376 §6.1.2",
        "Correct h=, s= and k=."),
    Code.DKIM_MULTIPLE: (
        _M, "Signatures of {subject} pass at some receivers only: several keys at one name are undefined.",
        "RFC 6376 §3.6.2.2", "Give each key a selector of its own."),
    Code.DKIM_SELECTOR_MISSING: (
        _N, "Signatures with this selector of {subject} do not pass: it has no key.", "RFC 6376 §6.1.2",
        "Publish the key, if mail is still signed with it."),
    Code.DKIM_WILDCARD: (
        _L, "Every selector of {subject} has a key, also those that nobody chose.", "RFC 4592 §2.1.1",
        "Publish each key at its own selector."),
    Code.DKIM_1024: (
        _L, "A key of less than 2048 bits will not resist a strong attacker for long.", "RFC 8301 §3.2",
        "Make a key of 2048 bits under a new selector."),
    Code.DKIM_TESTING: (
        _L, "t=y asks receivers to treat signed mail of {subject} as if it were unsigned.", "RFC 6376 §3.6.1",
        "Remove t=y when the test is over."),
    Code.DKIM_SAME_KEY: (
        _L, "Who gets this key can use it under several selectors: changing selectors changes nothing.",
        "RFC 6376 §3.1", "Make a key for each selector."),
    Code.DKIM_REVOKED: (
        _N, "The key is revoked: signatures with this selector of {subject} no longer pass.", "RFC 6376 §3.6.1",
        "Nothing."),
    Code.DKIM_NOT_PARKED: (
        _N, "{subject} sends no mail, and could revoke the keys of all selectors at once.", "RFC 6376 §3.6.1",
        "Publish an empty key for every selector."),
})  # fmt: skip

_MX = entries("mx", {
    Code.MX_REGISTRABLE: (
        _C, "Whoever registers {other} receives mail for {subject}: password resets, certificates, secrets.",
        "RFC 5321 §5.1, RFC 8020 §2", "Remove the MX record."),
    Code.MX_TARGET_MISSING: (
        _L, "Mail for {subject} is delayed or lost: a mail exchanger has no address.", "RFC 5321 §5.1",
        "Correct or remove the MX record."),
    Code.MX_LITERAL: (
        _L, "Mail for {subject} is lost: the MX record names an address, not a host.", "RFC 1035 §3.3.9",
        "Name a host that has this address."),
    Code.MX_ALIAS: (
        _N, "Some senders do not deliver to {subject}: a mail exchanger is an alias.", "RFC 2181 §10.3",
        "Name the host itself."),
    Code.MX_NULL_AND_OTHERS: (
        _L, "Senders disagree whether {subject} accepts mail.", "RFC 7505 §3",
        "Publish the null MX alone, or not at all."),
    Code.MX_NULL_SENDS: (
        _L, "Receivers may reject mail of {subject}, which says that it takes no answers.", "RFC 7505 §4.2",
        "Publish an MX record that accepts mail."),
    Code.MX_MISSING: (
        _L, "Receivers may reject mail of {subject}: bounces to it cannot be delivered.", "RFC 5321 §5.1",
        "Publish an MX record that accepts mail."),
    Code.MX_NOT_PARKED: (
        _L, "{subject} sends no mail, but does not say that it takes none.", "RFC 7505 §3",
        "Publish the null MX, unless it takes mail at its addresses."),
    Code.DOMAIN_REGISTRABLE: (
        _C, "Whoever registers {other} receives mail for {subject}, and can send as it.",
        "RFC 1034 §3.6.2, RFC 8020 §2", "Remove the alias."),
    Code.DOMAIN_TARGET_MISSING: (
        _M, "Whoever controls {other} can receive mail for {subject}, and send as it.", "RFC 1034 §3.6.2",
        "Remove the alias, or have the other name published."),
    Code.DOMAIN_MISSING: (
        _N, "{subject} does not exist in DNS.", "RFC 8020 §2", "Look whether the name is written correctly."),
})  # fmt: skip

_DNSSEC = entries("dnssec", {
    Code.DNSSEC_INSECURE: (
        _L, "Whoever can forge DNS answers can replace the records of {subject}.", "RFC 4035 §4.3",
        "Sign the zone."),
})  # fmt: skip

CATALOGUE: Mapping[Code, Entry] = {**_SPF, **_DMARC, **_DKIM, **_MX, **_DNSSEC, **MORE}
