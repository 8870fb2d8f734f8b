"""From what is known of a message to what is done with it, by the rules of this receiver.

The rules are tried in this order, and the first that applies gives its name to `Decision.rule`:

1. `local`: the client logged in, or is in one of our own networks. Accepted untouched.
2. `author`: there is not exactly one author domain. No exception applies to such a message.
3. `temperror`: DNS left the DMARC result open.
4. `pass`: DMARC passed.
5. `sealer`, `forwarder`, `list`: an exception excuses a message that DMARC or `Rules.domains` would hold back. An
   exception is explicit and rests on what cannot be forged, so nothing below it makes it harsher.
6. `domain`, `policy`: `Rules.domains`, and the policy of the author domain after a fail; the harsher of the two.
7. `permerror`: the DMARC record of the author domain is broken.
8. `no-policy`: there is no DMARC record, or a bounce shows no domain; `unchecked`: DMARC was not checked.

Then `requirements` may make a decision harsher, never milder; `local`, an exception and a deferral stay as they are.
So may `encrypted`, also where there is an exception: that is about the sender, not about what was sent.
Last, a client that is not known, or was read from the message, is never refused: reject becomes quarantine, whatever
the rule.

Starts from the outcomes as they are, the advice of DMARC included; asks nothing, and reads no clock.
"""

from __future__ import annotations

import dataclasses

from mailauth import attachments, names
from mailauth.authentication import Authentication
from mailauth.connection import Connection
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.errors import UsageError
from mailauth.message.fields import Message, Octets
from mailauth.policy import requirements
from mailauth.policy.decision import Decision, Override, reply
from mailauth.policy.exceptions import EXCUSES, excuses
from mailauth.policy.rules import DEFAULT_RULES, Rules, clients_of
from mailauth.results import Disposition, Reason, Result

_SEVERITY = (Disposition.ACCEPT, Disposition.QUARANTINE, Disposition.REJECT)
_CLOSED = frozenset({attachments.Kind.ENCRYPTED, attachments.Kind.UNREAD})
_ASKED = {
    None: Disposition.ACCEPT,
    "none": Disposition.ACCEPT,
    "quarantine": Disposition.QUARANTINE,
    "reject": Disposition.REJECT,
}
_NO_AUTHOR = {
    Reason.AUTHOR_MISSING: "the message names no author",
    Reason.AUTHOR_REPEATED: "the message has more than one From field",
    Reason.AUTHOR_DOMAINS: "From names more than one domain",
}
# RFC 6376 §6.3, RFC 7372 §3.2: where only keys, or only SPF, are not known
_OPEN = {frozenset({"dkim"}): "4.7.5", frozenset({"spf"}): "4.7.24"}


def decide(auth: Authentication, rules: Rules = DEFAULT_RULES, *, message: Message | Octets | None = None) -> Decision:
    """Return what to do with a message. Pure, and never raises for any message.

    A forwarder of `Rules.forwarders` excuses a message only where forwarding explains the failure: a signature of the
    author domain whose body hash differs; or no such signature, and SPF that fails for the client, or passes for a name
    of the forwarder itself. A list of `Rules.lists` excuses a message whose List-Id or List-Post names it and whose
    domain passed DKIM or SPF. A client that is a guess excuses nothing.

    Args:
        auth: what `authenticate` returned.
        rules: see `Rules`.
        message: the message that was authenticated, in octets or parsed: `Rules.lists`, `Rules.encrypted` and the
            point "one-click" read it.

    Returns:
        The decision, with the fields to add and to remove: `Decision.apply` alone is enough.

    Raises:
        UsageError: for `Rules.lists` or `Rules.encrypted` without the message.
        TypeError: for a message that is not octets.
    """
    if rules.reads_message and message is None:
        which = "lists=…) reads List-Id" if rules.lists else "encrypted=…) reads attachments"
        msg = f"Rules({which}: give the message, decide(auth, rules, message=raw)"
        raise UsageError(msg)
    parsed = None
    if message is not None and (rules.reads_message or "one-click" in rules.points):
        parsed = message if isinstance(message, Message) else Message.parse(message, auth.limits)
    if (why := local_client(auth.connection, rules)) is not None:
        return Decision(rule="local", detail=why)
    decision = _by_dmarc(auth, rules, parsed)
    decision = _by_requirements(auth, rules, parsed, decision)
    decision = _by_attachments(rules, parsed, decision)
    decision = _known_client_only(auth, decision)
    return dataclasses.replace(
        decision,
        folder=rules.folder if decision.action is Disposition.QUARANTINE else "",
        add=auth.headers,
        remove=auth.forged,
        override=_override(auth.dmarc, decision),
    )


def local_client(connection: Connection, rules: Rules) -> str | None:
    """Say why a client is one of ours, whose mail is not checked; None if it is not."""
    if connection.login and not connection.is_guess:
        return "the client logged in"
    if connection.address is None or connection.is_guess:
        return None
    network = clients_of(rules.local).network_of(connection.address)
    return None if network is None else f"the client {connection.ip} is in our own network {network}"


def _by_dmarc(auth: Authentication, rules: Rules, message: Message | None) -> Decision:
    dmarc = auth.dmarc
    if dmarc is None:
        return Decision(rule="unchecked", detail="DMARC was not checked")
    author = dmarc.author_domain
    if author is None:
        return _no_author(dmarc, rules)
    if dmarc.result is Result.TEMPERROR:
        return _temperror(dmarc, author, rules)
    if dmarc.result is Result.PASS:
        return Decision(rule="pass", detail=dmarc.detail)
    found = (_policy(auth, dmarc, author, rules), _domain(auth, dmarc, author, rules))
    # Of equals the first: the policy of the author domain
    harsher = max([each for each in found if each is not None], key=_severity, default=None)
    if harsher is not None:
        held = harsher.action is not Disposition.ACCEPT
        return next(excuses(auth, dmarc, author, rules, message), harsher) if held else harsher
    if dmarc.result is Result.PERMERROR:
        return Decision(action=Disposition(rules.permerror), rule="permerror", detail=dmarc.detail)
    return Decision(rule="no-policy", detail=dmarc.detail)


def _no_author(dmarc: DmarcOutcome, rules: Rules) -> Decision:
    if dmarc.result is not Result.PERMERROR:
        return Decision(rule="no-policy", detail=dmarc.detail)
    action = dmarc.disposition if rules.no_author == "advice" else Disposition(rules.no_author)
    if action is not Disposition.REJECT:
        return Decision(action=action, rule="author", detail=dmarc.detail)
    # RFC 9989 §7.2: the word DMARC appears in the text
    why = _NO_AUTHOR.get(dmarc.reason, "From cannot be read as the address of one domain")
    return _rejected("author", dmarc.detail, "5.7.1", f"DMARC needs a single author domain: {why}")


def _temperror(dmarc: DmarcOutcome, author: str, rules: Rules) -> Decision:
    if rules.temperror == "accept":
        return Decision(rule="temperror", detail=dmarc.detail)
    waiting = frozenset(i.mechanism for i in dmarc.identifiers if i.result is Result.TEMPERROR and i.aligned)
    # RFC 9989 §7.2: best done with a 4xy reply
    text = f"DMARC: DNS did not answer for {author}, try again later"
    answer = reply(451, _OPEN.get(waiting, "4.4.3"), text)
    return Decision(action=Disposition.DEFER, rule="temperror", detail=dmarc.detail, reply=answer)


def _policy(auth: Authentication, dmarc: DmarcOutcome, author: str, rules: Rules) -> Decision | None:
    """Return what the policy of the author domain makes of a fail."""
    if dmarc.result is not Result.FAIL:
        return None
    action = _ASKED[dmarc.policy]
    override = None
    if dmarc.testing and (action is Disposition.QUARANTINE or _published(dmarc) == "quarantine"):
        override = Override("policy_test_mode")
    if action is not Disposition.REJECT:
        return Decision(action=action, rule="policy", detail=dmarc.detail, override=override)
    # A trusted sealer turns the advice into accept; that is an exception, and has its own rule
    advised = dmarc.disposition is Disposition.REJECT
    if rules.reject == "always" or (rules.reject == "advice" and advised):
        text = f"Rejected per the DMARC policy of {author}: neither SPF nor DKIM passed for this domain"
        return _rejected("policy", dmarc.detail, _failed_code(auth), text)
    # RFC 9989 §7.4
    override = Override("local_policy", "p=reject alone is not a reason to reject")
    return Decision(action=Disposition.QUARANTINE, rule="policy", detail=dmarc.detail, override=override)


def _published(dmarc: DmarcOutcome) -> str:
    """Return the policy of a domain that exists before t=y made it weaker."""
    # RFC 9989 §4.7: sp is for subdomains, and p where there is no sp
    below = dmarc.author_domain != dmarc.policy_domain
    word = (dmarc.published.get("sp") if below else None) or dmarc.published.get("p", "")
    return word.lower()


def _failed_code(auth: Authentication) -> str:
    """Return the enhanced status code for a DMARC fail: RFC 7372 §3.4 where SPF and DKIM failed, else that of DMARC."""
    failed = auth.spf is not None and auth.spf.result is Result.FAIL
    # RFC 9989 §7.2: 5.7.1, where it was not "more than one message authentication check"
    return "5.7.26" if failed and requirements.dkim_code(auth) == "5.7.20" else "5.7.1"


def _domain(auth: Authentication, dmarc: DmarcOutcome, author: str, rules: Rules) -> Decision | None:
    """Return what `Rules.domains` makes of a message without an aligned pass."""
    found = rules.domain_rule(author)
    if found is None:
        return None
    domain, action = found
    # Without a policy nothing says which names are aligned: those at or below the domain of the rule are its own
    passed = [i for i in dmarc.identifiers if i.result is Result.PASS]
    if dmarc.result is not Result.FAIL and any(i.aligned or names.is_under(i.domain, domain) for i in passed):
        return None
    detail = f"mail from {domain} needs an aligned SPF or DKIM pass here: {dmarc.detail}"
    if action == "quarantine":
        return Decision(action=Disposition.QUARANTINE, rule="domain", detail=detail)
    text = f"DMARC: mail from {author} is accepted here only with an aligned SPF or DKIM pass"
    return _rejected("domain", detail, _failed_code(auth), text)


# --- what may follow -------------------------------------------------------------------------------------------------


def _by_requirements(auth: Authentication, rules: Rules, message: Message | None, decision: Decision) -> Decision:
    missed = requirements.missed(rules.points, auth, message)
    if not missed:
        return decision
    decision = dataclasses.replace(decision, missed=missed)
    if rules.missed == "note" or decision.rule in EXCUSES or decision.action is Disposition.DEFER:
        return decision
    action = Disposition(rules.missed)
    detail = f"it misses the sender requirements {', '.join(missed)}"
    if action is Disposition.REJECT:
        author = (auth.dmarc.author_domain if auth.dmarc is not None else None) or "this message"
        text = f"Requirements of this receiver that {author} misses: {', '.join(missed)}"
        found = _rejected("requirements", detail, requirements.enhanced_code(missed, auth), text)
    else:
        found = Decision(action=action, rule="requirements", detail=detail)
    return max(decision, dataclasses.replace(found, missed=missed), key=_severity)


def _by_attachments(rules: Rules, message: Message | None, decision: Decision) -> Decision:
    if rules.encrypted == "accept" or message is None or decision.action is Disposition.DEFER:
        return decision
    found = [f for f in attachments.encrypted(message) if f.kind in _CLOSED and f.format not in {"pgp", "smime"}]
    # What is certain comes first
    first = min(found, key=lambda finding: not finding.certain, default=None)
    if first is None:
        return decision
    what = "an encrypted attachment" if first.certain else "an attachment that cannot be read"
    detail = f"{what}: {first.path}: {first.detail}"
    if rules.encrypted == "reject" and first.certain:
        text = f"Encrypted attachments are not accepted here: {first.path}"
        harsher = _rejected("encrypted", detail, "5.7.1", text)
    else:
        harsher = Decision(action=Disposition.QUARANTINE, rule="encrypted", detail=detail)
    return max(decision, dataclasses.replace(harsher, missed=decision.missed), key=_severity)


def _known_client_only(auth: Authentication, decision: Decision) -> Decision:
    if decision.action is not Disposition.REJECT or not (auth.connection.is_guess or auth.connection.address is None):
        return decision
    detail = f"{decision.detail}; not rejected, because the client is not known for certain"
    override = Override("local_policy", "the client is not known for certain")
    return dataclasses.replace(decision, action=Disposition.QUARANTINE, detail=detail, reply=None, override=override)


def _override(dmarc: DmarcOutcome | None, decision: Decision) -> Override | None:
    """Return why a decision differs from the policy of the author domain (RFC 9990 §3.1.6); None if it does not."""
    # RFC 9989 §5.4
    if dmarc is None or dmarc.result is not Result.FAIL:
        return None
    override = decision.override
    # t=y has made the policy weaker already, and the weaker one is applied
    if decision.action is _ASKED[dmarc.policy] and (override is None or override.type != "policy_test_mode"):
        return None
    return override or Override("local_policy", decision.rule)


def _severity(decision: Decision) -> int:
    return _SEVERITY.index(decision.action)


def _rejected(rule: str, detail: str, enhanced: str, text: str) -> Decision:
    return Decision(action=Disposition.REJECT, rule=rule, detail=detail, reply=reply(550, enhanced, text))
