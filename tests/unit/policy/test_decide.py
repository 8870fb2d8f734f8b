"""What is done with a message: one row a case, each through a real evaluation."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.attached import mail, sample
from support.growth import GROWTH, SMALL, TIMES, grows
from support.signing import MAIL, NOW, key_zone, sealed, signed

from mailauth import Authentication, Connection, Message, Options, UsageError, authenticate
from mailauth.policy import Decision, Override, Rules, decide, reply
from mailauth.testing import Zone

OURS, FORWARDER, STRANGER = "192.0.2.3", "198.51.100.9", "203.0.113.66"
ZONE: dict[str, Any] = {
    "example.com": {"TXT": [f"v=spf1 ip4:{OURS} -all"]},
    # Forward-confirmed, and below a domain that the rules name
    "9.100.51.198.in-addr.arpa": {"PTR": ["out.forwarder.example"]},
    "out.forwarder.example": {"A": [FORWARDER]},
    "forwarder.example": {"TXT": [f"v=spf1 ip4:{FORWARDER} -all"]},
    # Claims the same name, which does not lead back
    "66.113.0.203.in-addr.arpa": {"PTR": ["out.forwarder.example"]},
    "spammer.example": {"TXT": ["v=spf1 -all"]},
    "lists.example.org": {"TXT": [f"v=spf1 ip4:{FORWARDER} -all"]},
    **key_zone(),
    **key_zone("lists.example.org", "arc", "rsa2048-list"),
    **key_zone("spammer.example", "s9", "rsa2048-other"),
}
CLOSED = sample("zip-aes.zip")
LIST = b"List-Id: Developers <dev.lists.example.org>\r\n"
TWO = MAIL.replace(b"From: ", b"From: Mallory <m@example.net>, ")
BOUNCE = MAIL.replace(b"Anna <anna@example.com>", b"MAILER-DAEMON")
PASSED = "dmarc=pass header.from=example.com; arc=none smtp.remote-ip=192.0.2.3"
SEALED = sealed(MAIL, results=PASSED)
TRUSTING = Options(trusted_sealers=frozenset({"lists.example.org"}))
ENFORCING = Options(enforce_reject=True)
BODY_CHANGED = signed().replace(b"Robin,", b"Bobin,")
SUBJECT_CHANGED = signed().replace(b"Two ", b"[list] Two ")
LISTED = signed(LIST + MAIL, by="rsa2048-list", tags={"d": "lists.example.org", "s": "arc"})
REJECT = "v=DMARC1; p=reject"
STRICT = Rules(reject="always")
FORWARDERS = Rules(reject="always", forwarders=frozenset({"forwarder.example"}))
LISTS = Rules(reject="always", lists={"lists.example.org": "lists.example.org"})
BRAND = Rules(domains={"example.com": "reject"})
NO_POLICY = "none"


@dataclass
class Case:
    """A message and the rules, and what becomes of it; the reply by its start."""

    name: str
    action: str
    rule: str
    raw: bytes = MAIL
    record: str = REJECT
    rules: Rules = field(default_factory=Rules)
    reply: str | None = None
    override: tuple[str, str] | None = None
    ip: str | None = STRANGER
    known: Mapping[str, Any] = field(default_factory=dict)
    options: Options | None = None
    zone: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    missed: tuple[str, ...] = ()

    @property
    def authentication(self) -> Authentication:
        known: dict[str, Any] = {"ip": self.ip, "helo": "mx.example.net", "mail_from": "anna@example.com"}
        connection = Connection(**known | dict(self.known))
        policy = {} if self.record is NO_POLICY else {"_dmarc.example.com": {"TXT": [self.record]}}
        zone = Zone(ZONE | policy | dict(self.zone))
        return authenticate(self.raw, connection, zone, "mx.example.org", NOW, options=self.options)

    def decide(self) -> Decision:
        return decide(self.authentication, self.rules, message=self.raw)


SPF_FAILED = "550 5.7.26 Rejected per the DMARC policy of example.com: neither SPF nor DKIM passed for this domain"
MITIGATED = ("local_policy", "p=reject alone is not a reason to reject")
SEALS = ("local_policy", "arc=pass as[1].d=lists.example.org as[1].s=arc remote-ip[1]=192.0.2.3")
UNSURE = ("local_policy", "the client is not known for certain")
GUESS = {"source": "received"}
TESTING = ("policy_test_mode", "")

CASES = [
    # our own
    Case("a client that logged in", "accept", "local", rules=STRICT, known={"login": "anna"}),
    Case("our own network", "accept", "local", rules=Rules(reject="always", local=frozenset({"203.0.113.0/24"}))),
    Case("an IPv6 network is another family", "reject", "policy",
         rules=Rules(reject="always", local=frozenset({"::/1"})), reply=SPF_FAILED),
    Case("a network that was guessed", "quarantine", "policy", folder="Junk", override=UNSURE, known=GUESS,
         rules=Rules(reject="always", local=frozenset({"203.0.113.0/24"}))),
    Case("a login that was guessed", "quarantine", "policy", folder="Junk", override=UNSURE,
         rules=STRICT, known=GUESS | {"login": "anna"}),
    # no single author
    Case("two authors", "quarantine", "author", raw=TWO, folder="Junk"),
    Case("two authors, by advice", "reject", "author", raw=TWO, options=ENFORCING,
         reply="550 5.7.1 DMARC needs a single author domain: From names more than one domain"),
    Case("two authors, by rule", "reject", "author", raw=TWO, rules=Rules(no_author="reject"),
         reply="550 5.7.1 DMARC needs a single author domain: From names more than one domain"),
    Case("two authors, by rule held", "quarantine", "author", raw=TWO, options=ENFORCING, folder="Junk",
         rules=Rules(no_author="quarantine")),
    Case("two From fields", "reject", "author", raw=b"From: x@example.net\r\n" + MAIL, rules=Rules(no_author="reject"),
         reply="550 5.7.1 DMARC needs a single author domain: the message has more than one From field"),
    Case("a From without an address", "reject", "author", raw=b"From: Anna\r\n\r\n", rules=Rules(no_author="reject"),
         reply="550 5.7.1 DMARC needs a single author domain: the message names no author"),
    Case("no From", "reject", "author", raw=b"To: a@example.org\r\n\r\n", rules=Rules(no_author="reject"),
         reply="550 5.7.1 DMARC needs a single author domain: the message names no author"),
    Case("a From that nobody can read", "reject", "author", raw=b"From: a@b@c.example <\r\n\r\n",
         rules=Rules(no_author="reject"),
         reply="550 5.7.1 DMARC needs a single author domain: From cannot be read as the address of one domain"),
    Case("two authors through a forwarder", "reject", "author", raw=TWO, ip=FORWARDER,
         rules=dataclasses.replace(FORWARDERS, no_author="reject"), reply="550 5.7.1 DMARC needs"),
    Case("two authors through a list", "quarantine", "author", folder="Junk", rules=LISTS, ip=FORWARDER,
         raw=signed(LIST + TWO, by="rsa2048-list", tags={"d": "lists.example.org", "s": "arc"})),
    Case("two authors, and a client that was guessed", "quarantine", "author", raw=TWO, known=GUESS, folder="Junk",
         rules=Rules(no_author="reject")),
    Case("a bounce that shows no domain", "accept", "no-policy", raw=BOUNCE, known={"mail_from": ""},
         rules=Rules(no_author="reject")),
    # what is encrypted
    Case("an encrypted archive", "quarantine", "encrypted", raw=CLOSED, folder="Junk", record=NO_POLICY,
         rules=Rules(encrypted="quarantine")),
    Case("an encrypted archive that nobody minds", "accept", "no-policy", raw=CLOSED, record=NO_POLICY),
    Case("an encrypted archive, refused", "reject", "encrypted", raw=CLOSED, record=NO_POLICY,
         rules=Rules(encrypted="reject"),
         reply="550 5.7.1 Encrypted attachments are not accepted here: 2: zip-aes.zip"),
    Case("an encrypted archive of ours", "accept", "local", raw=CLOSED, known={"login": "anna"},
         rules=Rules(encrypted="reject")),
    Case("an encrypted archive that passes DMARC", "reject", "encrypted", raw=signed(CLOSED),
         rules=Rules(encrypted="reject"), reply="550 5.7.1 Encrypted"),
    Case("an encrypted archive through a forwarder", "reject", "encrypted", raw=CLOSED, ip=FORWARDER,
         rules=dataclasses.replace(FORWARDERS, encrypted="reject"), reply="550 5.7.1 Encrypted"),
    Case("an encrypted archive that DMARC refuses", "reject", "policy", raw=CLOSED,
         rules=Rules(reject="always", encrypted="reject"), reply=SPF_FAILED),
    Case("an encrypted archive that waits for DNS", "defer", "temperror", raw=CLOSED, rules=Rules(encrypted="reject"),
         zone={"_dmarc.example.com": "TIMEOUT"}, reply="451 4.4.3 DMARC"),
    Case("an archive that cannot be read", "quarantine", "encrypted", folder="Junk", record=NO_POLICY,
         raw=mail(b"PK\x03\x04" + bytes(40), "a.zip"), rules=Rules(encrypted="reject")),
    Case("a plain archive", "accept", "no-policy", raw=sample("zip-plain.zip"), record=NO_POLICY,
         rules=Rules(encrypted="reject")),
    Case("a message for one of our users alone", "accept", "no-policy", raw=sample("pgp-mime.eml"), record=NO_POLICY,
         rules=Rules(encrypted="reject")),
    # DNS left it open
    Case("no answer for the policy", "defer", "temperror", zone={"_dmarc.example.com": "TIMEOUT"},
         reply="451 4.4.3 DMARC: DNS did not answer for example.com, try again later"),
    Case("no answer for SPF", "defer", "temperror", zone={"example.com": "SERVFAIL"}, reply="451 4.7.24 DMARC: DNS"),
    Case("no answer for a key", "defer", "temperror", raw=signed(), zone={"s1._domainkey.example.com": "TIMEOUT"},
         reply="451 4.7.5 DMARC: DNS did not"),
    Case("no answer for SPF nor for a key", "defer", "temperror", raw=signed(), reply="451 4.4.3 DMARC: DNS did not",
         zone={"s1._domainkey.example.com": "TIMEOUT", "example.com": "TIMEOUT"}),
    Case("no answer, and it is taken as it is", "accept", "temperror", zone={"_dmarc.example.com": "TIMEOUT"},
         rules=Rules(temperror="accept")),
    Case("no answer, and a rule for the domain", "defer", "temperror", zone={"_dmarc.example.com": "TIMEOUT"},
         rules=BRAND, reply="451 4.4.3 DMARC"),
    Case("no answer for a stranger's key", "reject", "policy", rules=STRICT, reply=SPF_FAILED,
         raw=signed(by="rsa2048-other", tags={"d": "spammer.example", "s": "s9"}),
         zone={"s9._domainkey.spammer.example": "TIMEOUT"}),
    # DMARC decides
    Case("a pass by SPF", "accept", "pass", ip=OURS, rules=STRICT),
    Case("a pass by DKIM", "accept", "pass", raw=signed(), rules=STRICT),
    Case("p=reject, by default", "quarantine", "policy", folder="Junk", override=MITIGATED),
    Case("p=reject, by advice", "reject", "policy", options=ENFORCING, reply=SPF_FAILED),
    Case("p=reject, always", "reject", "policy", rules=STRICT, reply=SPF_FAILED),
    Case("p=reject, never", "quarantine", "policy", rules=Rules(reject="never"), options=ENFORCING, folder="Junk",
         override=MITIGATED),
    Case("p=reject, and one check failed", "reject", "policy", rules=STRICT, known={"mail_from": "a@spammer.example"},
         zone={"spammer.example": {"TXT": ["v=spf1 +all"]}}, reply="550 5.7.1 Rejected per the DMARC policy of"),
    Case("p=reject, and a stranger signed", "reject", "policy", rules=STRICT, reply="550 5.7.1 Rejected per the DMARC",
         raw=signed(by="rsa2048-other", tags={"d": "spammer.example", "s": "s9"})),
    Case("p=quarantine", "quarantine", "policy", record="v=DMARC1; p=quarantine", rules=STRICT, folder="Junk"),
    Case("p=quarantine, into a folder", "quarantine", "policy", record="v=DMARC1; p=quarantine", folder="Suspicious",
         rules=Rules(folder="Suspicious")),
    Case("p=none", "accept", "policy", record="v=DMARC1; p=none", rules=STRICT),
    Case("no policy", "accept", "no-policy", record=NO_POLICY, rules=STRICT),
    Case("DMARC is not checked", "accept", "unchecked", rules=STRICT, options=Options(checks=frozenset({"spf"}))),
    Case("sp=", "reject", "policy", raw=MAIL.replace(b"@example.com", b"@news.example.com"), rules=STRICT,
         record="v=DMARC1; p=none; sp=reject", reply="550 5.7.26 Rejected per the DMARC policy of news.example.com:"),
    Case("a U-label", "reject", "policy", raw=MAIL.replace(b"@example.com", "@b\u00fccher.example".encode()),
         rules=STRICT, zone={"_dmarc.xn--bcher-kva.example": {"TXT": [REJECT]}},
         reply="550 5.7.26 Rejected per the DMARC policy of xn--bcher-kva.example: neither"),
    Case("a broken record", "accept", "permerror", record="v=DMARC1; p=nonsense", rules=STRICT),
    Case("a broken record, held", "quarantine", "permerror", record="v=DMARC1; p=nonsense", folder="Junk",
         rules=Rules(permerror="quarantine")),
    # t=y
    Case("p=reject; t=y", "quarantine", "policy", record="v=DMARC1; p=reject; t=y", rules=STRICT, folder="Junk",
         override=TESTING),
    Case("p=quarantine; t=y", "accept", "policy", record="v=DMARC1; p=quarantine; t=y", override=TESTING),
    Case("p=none; t=y", "accept", "policy", record="v=DMARC1; p=none; t=y"),
    Case("sp=quarantine; t=y", "accept", "policy", record="v=DMARC1; p=none; sp=quarantine; t=y", override=TESTING,
         raw=MAIL.replace(b"@example.com", b"@news.example.com")),
    Case("t=y, and it passes", "accept", "pass", record="v=DMARC1; p=reject; t=y", ip=OURS),
    Case("t=y does not bind us", "reject", "domain", record="v=DMARC1; p=quarantine; t=y", rules=BRAND,
         reply="550 5.7.26 DMARC: mail from example.com", override=("local_policy", "domain")),
    # a client that is not known
    Case("a client that was guessed", "quarantine", "policy", rules=STRICT, known=GUESS, folder="Junk",
         override=UNSURE),
    Case("no client", "quarantine", "policy", rules=STRICT, ip=None, folder="Junk", override=UNSURE),
    Case("a guess may defer", "defer", "temperror", known=GUESS, zone={"_dmarc.example.com": "TIMEOUT"},
         reply="451 4.4.3 DMARC"),
    # sealers
    Case("a trusted sealer", "accept", "sealer", raw=SEALED, rules=STRICT, options=TRUSTING, override=SEALS),
    Case("a sealer that is not trusted", "reject", "policy", raw=SEALED, rules=STRICT, reply=SPF_FAILED),
    Case("a trusted sealer that saw a fail", "reject", "policy", raw=sealed(MAIL, results="dmarc=fail"), rules=STRICT,
         options=TRUSTING, reply=SPF_FAILED),
    Case("a trusted sealer, and a rule for the domain", "accept", "sealer", raw=SEALED, rules=BRAND, options=TRUSTING,
         record="v=DMARC1; p=none"),
    Case("a trusted sealer without an address", "accept", "sealer", options=TRUSTING, rules=STRICT,
         raw=sealed(MAIL, results='dmarc=pass header.from=example.com; arc=none smtp.remote-ip="1;2"'),
         override=("local_policy", "arc=pass as[1].d=lists.example.org as[1].s=arc")),
    # forwarders
    Case("forwarded, unsigned", "accept", "forwarder", ip=FORWARDER, rules=FORWARDERS,
         override=("trusted_forwarder", "forwarder.example")),
    Case("forwarded, by network", "accept", "forwarder", ip=FORWARDER,
         rules=Rules(reject="always", forwarders=frozenset({"198.51.100.0/24"})),
         override=("trusted_forwarder", "198.51.100.0/24")),
    Case("forwarded, softfail", "accept", "forwarder", ip=FORWARDER, rules=FORWARDERS,
         zone={"example.com": {"TXT": ["v=spf1 ~all"]}}, override=("trusted_forwarder", "forwarder.example")),
    Case("forwarded under the forwarder's own reverse-path", "accept", "forwarder", ip=FORWARDER, rules=FORWARDERS,
         known={"mail_from": "SRS0=x=example.com=anna@forwarder.example"},
         override=("trusted_forwarder", "forwarder.example")),
    Case("forwarded, with a footer", "accept", "forwarder", ip=FORWARDER, raw=BODY_CHANGED, rules=FORWARDERS,
         override=("trusted_forwarder", "forwarder.example")),
    Case("forwarded, with a signature of the forwarder", "accept", "forwarder", ip=FORWARDER, rules=FORWARDERS,
         raw=signed(by="rsa2048-list", tags={"d": "lists.example.org", "s": "arc"}),
         override=("trusted_forwarder", "forwarder.example")),
    Case("forwarded, and another subject", "reject", "policy", ip=FORWARDER, raw=SUBJECT_CHANGED, rules=FORWARDERS,
         reply=SPF_FAILED),
    Case("forwarded, under a reverse-path that could not align", "reject", "policy", ip=FORWARDER, rules=FORWARDERS,
         known={"mail_from": "a@spammer.example"}, reply=SPF_FAILED),
    Case("forwarded, under a reverse-path that passes", "reject", "policy", ip=FORWARDER, rules=FORWARDERS,
         known={"mail_from": "a@spammer.example"}, zone={"spammer.example": {"TXT": ["v=spf1 +all"]}},
         reply="550 5.7.1 Rejected per"),
    Case("forwarded, without SPF", "reject", "policy", ip=FORWARDER, rules=FORWARDERS, zone={"example.com": {}},
         reply="550 5.7.1 Rejected per"),
    Case("forwarded, and SPF is not checked", "reject", "policy", ip=FORWARDER, rules=FORWARDERS,
         options=Options(checks=frozenset({"dkim", "dmarc", "iprev"})), reply="550 5.7.1 Rejected per"),
    Case("a reverse name that does not lead back", "reject", "policy", rules=FORWARDERS, reply=SPF_FAILED),
    Case("a HELO name", "reject", "policy", rules=FORWARDERS, known={"helo": "out.forwarder.example"},
         reply=SPF_FAILED),
    Case("a forwarder that was guessed", "quarantine", "policy", ip=FORWARDER, rules=FORWARDERS, known=GUESS,
         folder="Junk", override=UNSURE),
    Case("a forwarder, and nothing to excuse", "accept", "policy", ip=FORWARDER, rules=FORWARDERS,
         record="v=DMARC1; p=none"),
    Case("a forwarder, and a rule for the domain", "accept", "forwarder", ip=FORWARDER, record=NO_POLICY,
         rules=dataclasses.replace(FORWARDERS, domains={"example.com": "reject"})),
    # lists
    Case("a list that signs", "accept", "list", raw=LISTED, rules=LISTS,
         override=("mailing_list", "lists.example.org")),
    Case("a list by SPF", "accept", "list", raw=LIST + MAIL, rules=LISTS, ip=FORWARDER,
         known={"mail_from": "dev-bounces@lists.example.org"}, override=("mailing_list", "lists.example.org")),
    Case("a list by List-Post", "accept", "list", rules=LISTS, override=("mailing_list", "lists.example.org"),
         raw=b"List-Post: <mailto:dev@lists.example.org?subject=x>\r\n" + LISTED.replace(LIST, b"")),
    Case("a List-Id alone", "reject", "policy", raw=LIST + MAIL, rules=LISTS, reply=SPF_FAILED),
    Case("a List-Id, and SPF that fails for the list", "reject", "policy", raw=LIST + MAIL, rules=LISTS,
         known={"mail_from": "dev-bounces@lists.example.org"}, reply=SPF_FAILED),
    Case("two List-Id", "reject", "policy", raw=LIST + LISTED, rules=LISTS, reply="550 5.7.1 Rejected per"),
    Case("a list that is not known", "reject", "policy", rules=LISTS, reply="550 5.7.1 Rejected per",
         raw=LISTED.replace(LIST, b"List-Id: <dev.lists.example.net>\r\n")),
    Case("a signature of the list, and no List-Id", "reject", "policy", rules=LISTS, reply="550 5.7.1 Rejected per",
         raw=LISTED.replace(LIST, b"")),
    Case("a List-Id with a signature of another", "reject", "policy", rules=LISTS, reply="550 5.7.1 Rejected per",
         raw=LIST + signed(by="rsa2048-other", tags={"d": "spammer.example", "s": "s9"})),
    Case("a list whose key is in testing", "reject", "policy", raw=LISTED, rules=LISTS,
         zone=key_zone("lists.example.org", "arc", "rsa2048-list", t="y"), reply="550 5.7.1 Rejected per"),
    Case("a list by SPF for a guess", "quarantine", "policy", raw=LIST + MAIL, rules=LISTS, ip=FORWARDER,
         known={"mail_from": "dev-bounces@lists.example.org"} | GUESS, folder="Junk", override=UNSURE),
    Case("a list, and a rule for the domain", "accept", "list", raw=LISTED, record=NO_POLICY,
         rules=dataclasses.replace(LISTS, domains={"example.com": "reject"})),
    # rules for domains
    Case("our own domain at p=none", "reject", "domain", record="v=DMARC1; p=none", rules=BRAND,
         reply="550 5.7.26 DMARC: mail from example.com is accepted here only with an aligned SPF or DKIM pass",
         override=("local_policy", "domain")),
    Case("our own domain without a policy", "reject", "domain", record=NO_POLICY, rules=BRAND,
         reply="550 5.7.26 DMARC: mail from example.com"),
    Case("a domain without a policy that signs", "accept", "no-policy", raw=signed(), record=NO_POLICY, rules=BRAND),
    Case("a domain without a policy, and a subdomain signs", "accept", "no-policy", record=NO_POLICY, rules=BRAND,
         raw=signed(tags={"d": "mail.example.com"}), zone=key_zone("mail.example.com")),
    Case("a domain without a policy, and a stranger signs", "reject", "domain", record=NO_POLICY, rules=BRAND,
         raw=signed(by="rsa2048-other", tags={"d": "spammer.example", "s": "s9"}), reply="550 5.7.1 DMARC: mail from"),
    Case("a subdomain signs, and alignment is strict", "reject", "domain", record="v=DMARC1; p=none; adkim=s",
         rules=BRAND,
         raw=signed(tags={"d": "mail.example.com"}), zone=key_zone("mail.example.com"),
         reply="550 5.7.1 DMARC: mail from", override=("local_policy", "domain")),
    Case("a domain with a broken record", "reject", "domain", record="v=DMARC1; p=nonsense", rules=BRAND,
         reply="550 5.7.26 DMARC: mail from"),
    Case("a subdomain", "quarantine", "domain", raw=MAIL.replace(b"@example.com", b"@a.news.example.com"),
         record="v=DMARC1; p=none", folder="Junk", override=("local_policy", "domain"),
         rules=Rules(domains={"example.com": "reject", "news.example.com": "quarantine"})),
    Case("a name that only ends alike", "accept", "no-policy", record=NO_POLICY, rules=BRAND,
         raw=MAIL.replace(b"@example.com", b"@notexample.com")),
    Case("a pass of a domain with a rule", "accept", "pass", ip=OURS, rules=BRAND),
    Case("the policy is harsher", "reject", "policy", reply=SPF_FAILED,
         rules=Rules(reject="always", domains={"example.com": "quarantine"})),
    Case("the rule is harsher", "reject", "domain", rules=BRAND, reply="550 5.7.26 DMARC: mail from"),
    Case("the policy and the rule agree", "quarantine", "policy", record="v=DMARC1; p=quarantine", folder="Junk",
         rules=Rules(domains={"example.com": "quarantine"})),
    Case("a rule, and a client that was guessed", "quarantine", "domain", rules=BRAND, known=GUESS, folder="Junk",
         override=UNSURE),
    # requirements
    Case("a point is noted", "accept", "pass", raw=signed(), rules=Rules(requirements=("spf",)), missed=("spf",)),
    Case("a point, held", "quarantine", "requirements", raw=signed(), folder="Junk", missed=("spf",),
         rules=Rules(requirements=("spf",), missed="quarantine")),
    Case("SPF alone", "reject", "requirements", raw=signed(), rules=Rules(requirements=("spf",), missed="reject"),
         reply="550 5.7.23 Requirements of this receiver that example.com misses: spf", missed=("spf",)),
    Case("an error of SPF", "reject", "requirements", raw=signed(), rules=Rules(requirements=("spf",), missed="reject"),
         zone={"example.com": {"TXT": ["v=spf1 nonsense"]}}, reply="550 5.7.24 Requirements", missed=("spf",)),
    Case("DKIM alone", "reject", "requirements", ip=OURS, rules=Rules(requirements=("dkim",), missed="reject"),
         reply="550 5.7.20 Requirements", missed=("dkim",)),
    Case("a signature that is not acceptable", "reject", "requirements", ip=OURS, missed=("dkim",),
         raw=signed(tags={"t": "1", "x": "2"}), rules=Rules(requirements=("dkim",), missed="reject"),
         reply="550 5.7.21 Requirements"),
    Case("reverse DNS", "reject", "requirements", raw=signed(), missed=("fcrdns",), reply="550 5.7.25 Requirements",
         rules=Rules(requirements=("fcrdns",), missed="reject")),
    Case("several points", "reject", "requirements", raw=signed(), missed=("spf", "fcrdns"),
         reply="550 5.7.26 Requirements of this receiver that example.com misses: spf, fcrdns",
         rules=Rules(requirements=("fcrdns", "spf"), missed="reject")),
    Case("no TLS", "reject", "requirements", raw=signed(), known={"tls": ""}, missed=("tls",),
         reply="550 5.7.1 Requirements", rules=Rules(requirements=("tls",), missed="reject")),
    Case("no author", "reject", "requirements", raw=TWO, missed=("one-from",),
         reply="550 5.7.1 Requirements of this receiver that this message misses: one-from",
         rules=Rules(requirements=("one-from",), missed="reject")),
    Case("what is not known is not missed", "accept", "pass", raw=signed(), ip=None,
         rules=Rules(requirements=("spf", "fcrdns", "tls", "one-click"), missed="reject")),
    Case("a point, and a client that was guessed", "quarantine", "requirements", known=GUESS, record=NO_POLICY,
         rules=Rules(requirements=("dkim",), missed="reject"), folder="Junk", missed=("dkim",)),
    Case("a point at p=none", "quarantine", "requirements", record="v=DMARC1; p=none", folder="Junk",
         rules=Rules(requirements=("dkim",), missed="quarantine"), missed=("dkim",),
         override=("local_policy", "requirements")),
    Case("points never make it milder", "reject", "policy", missed=("dkim",), reply=SPF_FAILED,
         rules=Rules(reject="always", requirements=("dkim",), missed="quarantine")),
    Case("points may make a policy harsher", "reject", "requirements", missed=("dkim",), reply="550 5.7.20 Require",
         record="v=DMARC1; p=quarantine", rules=Rules(requirements=("dkim",), missed="reject"),
         override=("local_policy", "requirements")),
    Case("points and an exception", "accept", "forwarder", ip=FORWARDER, missed=("dkim",),
         rules=dataclasses.replace(FORWARDERS, requirements=("dkim",), missed="reject"),
         override=("trusted_forwarder", "forwarder.example")),
    Case("points and a list", "accept", "list", raw=LISTED, missed=("spf",),
         override=("mailing_list", "lists.example.org"),
         rules=dataclasses.replace(LISTS, requirements=("spf",), missed="reject")),
    Case("points and a sealer", "accept", "sealer", raw=SEALED, options=TRUSTING, missed=("spf",), override=SEALS,
         rules=Rules(reject="always", requirements=("spf",), missed="reject")),
    Case("points and a deferral", "defer", "temperror", zone={"_dmarc.example.com": "TIMEOUT"}, missed=("dkim",),
         rules=Rules(requirements=("dkim",), missed="reject"), reply="451 4.4.3 DMARC"),
    Case("points and our own client", "accept", "local", known={"login": "anna"},
         rules=Rules(requirements=("dkim",), missed="reject")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_what_is_done(case: Case) -> None:
    # RFC 9989 §5.4, §7.2; RFC 7372 §3.1, §3.2, §3.3, §3.4; RFC 9990 §3.1.6; RFC 8617 §7.2.2
    found = case.decide()
    assert (str(found.action), found.rule, found.folder) == (case.action, case.rule, case.folder), found.detail
    assert (found.reply is None) == (case.reply is None)
    assert str(found.reply or "").startswith(case.reply or "")
    assert found.override == (case.override and Override(*case.override))  # type: ignore[arg-type]
    assert found.missed == case.missed
    assert found.detail
    assert found.detail.isprintable()


# --- every decision --------------------------------------------------------------------------------------------------


def test_rules_that_do_nothing_follow_the_advice() -> None:
    for case in CASES:
        for options in (None, ENFORCING, TRUSTING):
            if case.known.get("login") is None and case.ip is not None and "source" not in case.known:
                auth = dataclasses.replace(case, options=options).authentication
                assert auth.dmarc is not None
                assert decide(auth).action is auth.dmarc.disposition


def test_each_rule_has_its_rows() -> None:
    assert {case.rule for case in CASES} == {
        "local", "author", "temperror", "pass", "sealer", "forwarder", "list", "domain", "policy", "permerror",
        "no-policy", "unchecked", "requirements", "encrypted",
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_decision_is_a_value(case: Case) -> None:
    found = case.decide()
    assert pickle.loads(pickle.dumps(found)) == found == case.decide()
    assert found == decide(case.authentication, pickle.loads(pickle.dumps(case.rules)), message=Message.parse(case.raw))
    assert json.loads(json.dumps(found.to_dict()))["rule"] == case.rule
    assert len(str(found.reply)) <= 510
    assert str(found.reply).isascii()


def test_the_fields_of_the_verdict_are_those_of_the_decision() -> None:
    raw = b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\r\n" + MAIL
    case = Case("forged", "quarantine", "policy", raw=raw)
    changed = case.decide().apply(raw)
    assert changed == case.authentication.apply(raw)
    assert changed.count(b"Authentication-Results: mx.example.org") == 1
    assert b"dmarc=fail" in changed


def test_mail_of_our_own_is_not_touched() -> None:
    raw = b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\r\n" + MAIL
    assert Case("ours", "accept", "local", raw=raw, known={"login": "anna"}).decide().apply(raw) == raw


def test_a_chain_of_many_sets_is_named_by_its_newest() -> None:
    raw = MAIL
    for _ in range(12):
        raw = sealed(raw, results=PASSED)
    case = Case("long", "accept", "sealer", raw=raw, options=TRUSTING)
    override = case.decide().override
    assert override is not None
    assert override.comment.startswith("arc=pass as[12].d=lists.example.org as[12].s=arc as[11].d=")
    assert override.comment.endswith("as[3].d=lists.example.org as[3].s=arc remote-ip[1]=192.0.2.3")


def test_lists_need_the_message() -> None:
    with pytest.raises(UsageError, match="give the message"):
        decide(CASES[0].authentication, LISTS)


def test_text_is_not_a_message() -> None:
    with pytest.raises(TypeError, match="must be bytes"):
        decide(CASES[0].authentication, LISTS, message="From: x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "enhanced"),
    [(250, "2.0.0"), (550, "4.7.1"), (451, "5.7.1"), (55, "5.7.1"), (550, "5.7"), (550, "5.7.1\r")],
)
def test_a_reply_refuses(code: int, enhanced: str) -> None:
    with pytest.raises(UsageError, match=r"give a pair such as 550 and '5\.7\.1'"):
        reply(code, enhanced, "no")


def test_a_reply_is_one_short_line() -> None:
    line = str(reply(550, "5.7.1", "no\r\n250 yes \u2028" + "x" * 1000))
    assert line.startswith("550 5.7.1 no??250 yes ?xxx")
    # RFC 5321 §4.5.3.1.5
    assert len(line) <= 510


HOSTILE = [
    b"List-Id: " + b"<" * 60_000 + b"\r\n" + MAIL,
    b"List-Id: <" + b"a." * 30_000 + b">\r\n" + MAIL,
    b"List-Id: <\xff\x00(>\r\nList-Post: <mailto:@>\r\n" + MAIL,
    b"List-Post: " + b"<mailto:a@" * 6_000 + b"\r\n" + MAIL,
    b"List-Id: <>" + b" \r\n " * 10_000 + b"x\r\n" + MAIL,
    b"List-Unsubscribe: " + b"<https://a.example>," * 3_000 + b"\r\nList-Unsubscribe-Post: x\r\n" + MAIL,
    b"List-Id: <a.example>\r\n" * 4_000 + MAIL,
    b"",
    b"\r\n",
    b"From: " + b"\xff" * 5_000 + b"@example.com\r\n\r\n",
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_a_message_raises(raw: bytes) -> None:
    rules = dataclasses.replace(LISTS, requirements="gmail-yahoo-2024-bulk", missed="reject", no_author="reject")
    found = Case("hostile", "", "", raw=raw, rules=rules).decide()
    assert found.detail.isprintable()
    assert found.rule in {"policy", "author", "requirements"}


@pytest.mark.parametrize("value", [b"<", b"<a.example> ", b"<mailto:a@", b"<https://a.example>,", b"(", b" \r\n "])
def test_the_work_grows_with_the_message(value: bytes) -> None:
    def work(size: int) -> Any:
        names = (b"List-Id", b"List-Post", b"List-Unsubscribe")
        raw = b"".join(b"%b: %b\r\n" % (name, value * (size // len(value))) for name in names) + MAIL
        case = Case("long", "", "", raw=raw, rules=dataclasses.replace(LISTS, requirements=("one-click",)))
        auth, message = case.authentication, Message.parse(raw)
        return lambda: lambda: decide(auth, case.rules, message=message)

    assert grows(work(SMALL), work(SMALL * TIMES)) < GROWTH
