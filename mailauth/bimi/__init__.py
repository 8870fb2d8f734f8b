"""BIMI: the logos of senders, and the certificates that prove whose they are.

`check` is the check of a message: `authenticate` makes it where `Options.checks` has "bimi". `svg.check` checks a logo,
`certificate.check` a mark certificate. lxml is imported when the first logo is read.
"""

from mailauth.bimi import certificate, path, svg
from mailauth.bimi.certificate import Evidence
from mailauth.bimi.check import check, find, trusted
from mailauth.bimi.discovery import Assertion
from mailauth.bimi.outcome import BimiOutcome
from mailauth.bimi.record import Record, parse
from mailauth.bimi.values import Checked, Code, Indicator, Problem

__all__ = [
    "Assertion",
    "BimiOutcome",
    "Checked",
    "Code",
    "Evidence",
    "Indicator",
    "Problem",
    "Record",
    "certificate",
    "check",
    "find",
    "parse",
    "path",
    "svg",
    "trusted",
]
