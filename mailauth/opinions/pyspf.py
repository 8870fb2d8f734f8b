"""The opinion of pyspf on SPF, and what explains a difference."""

from __future__ import annotations

import re
from typing import Any

from mailauth import names
from mailauth.connection import Connection
from mailauth.opinions.answers import Answers, NoOpinion, Opinion, TooMuch, printable_words
from mailauth.results import Reason
from mailauth.spf.outcome import SpfOutcome

_MAX_SPF_RECORD = 4096
_MAX_IDENTITY = 512


def _pyspf(answers: Answers) -> Any:
    """Return the class of a pyspf query over the transcript: its lookup function is a global, its method is not."""
    import spf  # noqa: PLC0415 optional: imported on use

    class Query(spf.query):  # type: ignore[misc]
        overlong = False  # a name that DNS cannot hold

        def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002, FBT001, FBT002
            name = str(name).lower().removesuffix(".")
            if not names.queryable(name):
                self.overlong = self.overlong or len(name) > names.MAX_NAME
                return []
            answer = answers.require(name, qtype)
            if answer.failed:
                raise spf.TempError(f"DNS {answer.status} for {name} {qtype}")
            if qtype == "TXT" and any(len(r) > _MAX_SPF_RECORD for r in answer.records):
                raise TooMuch(f"a TXT record at {name} is so large that pyspf would compute for seconds")
            records: list[Any] = [(r,) for r in answer.records] if qtype == "TXT" else list(answer.records)
            if not records and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                    raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
            return records

    return Query


def spf_opinion(connection: Connection, outcome: SpfOutcome, answers: Answers) -> Opinion:
    """Compare the result for one identity."""
    sender = f"postmaster@{outcome.domain}" if outcome.scope == "helo" else connection.mail_from or ""
    ours = str(outcome.result)
    if max(len(sender), len(connection.helo or "")) > _MAX_IDENTITY:
        return Opinion(outcome.check, "pyspf", ours, None, None, "the identity is absurdly long")
    words = ""
    query = _pyspf(answers)(i=str(connection.address), s=sender, h=connection.helo or "", querytime=0, strict=True)
    try:
        theirs, _, words = query.check()
    except NoOpinion as reason:
        return Opinion(outcome.check, "pyspf", ours, None, None, printable_words(reason))
    except Exception as error:  # noqa: BLE001  it lets many types out
        theirs, words = f"error ({type(error).__name__})", str(error)
    agrees = theirs == ours
    shown = theirs if agrees or not words else f"{theirs} ({printable_words(words)})"
    explanation = None
    if not agrees:
        explanation = _explain_spf(connection, outcome, theirs, words, answers)
    if not agrees and explanation is None and query.overlong:
        explanation = "pyspf cuts a name that is too long by one label only (RFC 7208 §7.3)"
    return Opinion(outcome.check, "pyspf", ours, shown, agrees, explanation)


# What pyspf says when it is wrong
_PYSPF_SAYS = (
    ("Void lookup limit", "pyspf counts every query that finds nothing; RFC 7208 §4.6.4 limits the terms that do"),
    ("Too many DNS lookups", "pyspf counts redirect= when it reads it, not when it follows it (RFC 7208 §6.1)"),
    ("trivial recursion", "pyspf refuses an include of the domain itself before it is reached (RFC 7208 §4.6, §5.2)"),
    (
        "MUST appear at most once",
        "pyspf refuses any modifier that appears twice, not just redirect= and exp= (RFC 7208 §6)",
    ),
    ("invalid-macro-char", "pyspf refuses a macro-string that ends in %% (RFC 7208 §7.1)"),
    (" PTR", "pyspf makes a failed PTR look-up a temperror; the mechanism merely does not match (RFC 7208 §5.5)"),
    ("DNS ", "pyspf asks for every host of mx and ptr, and one without answer is a temperror (RFC 7208 §5.4, §5.5)"),
    (
        "included domain",
        "a choice of ours: an include whose name is bad after expansion does not match (RFC 7208 §4.8)",
    ),
)


# What it overlooks
_PYSPF_PASSES = {
    Reason.SPF_SYNTAX: "pyspf takes some macros and modifiers outside the grammar for text (RFC 7208 §7.1, §12)",
    Reason.LIMIT_SPF_TERMS: "a choice of ours: %{p} costs one of the ten terms",
    Reason.LIMIT_SPF_QUERIES: "we make a limited number of queries",
    Reason.LIMIT_RECORD_BYTES: "we read records of a limited size",
}


# What it reads differently
_PYSPF_READS = (
    (
        rb"(?i)%\{[^sl}][0-9]*r?\.*[+,/_=-]",
        "pyspf joins the parts of a macro with their own delimiters (RFC 7208 §7.3: dots)",
    ),
    (rb"%\{[A-Za-z][0-9]*R", "pyspf does not know R for r in a macro (RFC 7208 §7.1: ABNF has no case)"),
    (rb" (?!redirect=|exp=)(?i:redirect|exp)=", "pyspf knows modifiers in lower case only (RFC 7208 §4.6.1)"),
    (
        rb"(?i)%\{p",
        "pyspf looks up %{p} before the term is reached, and keeps that of the first domain (RFC 7208 §7.3)",
    ),
)


def _explain_spf(connection: Connection, outcome: SpfOutcome, theirs: str, words: str, answers: Answers) -> str | None:
    local, _, domain = (connection.mail_from or "").rpartition("@")
    if "@" in local:
        return "pyspf splits an address at its first @, whatever is quoted (RFC 5321 §4.1.2)"
    if not domain.isascii() and outcome.scope == "mfrom":
        return "pyspf does not convert U-labels to A-labels (RFC 8616 §4)"
    if not local.isascii():
        return "pyspf looks up a local part that is not ASCII; a term that uses it does not match (RFC 8616 §4)"
    if theirs in ("permerror", "temperror"):
        for said, explanation in _PYSPF_SAYS:
            if said in words:
                return explanation
    elif outcome.reason in _PYSPF_PASSES:
        return _PYSPF_PASSES[outcome.reason]
    records = answers.spf_records()
    return next((why for pattern, why in _PYSPF_READS if any(re.search(pattern, r) for r in records)), None)
