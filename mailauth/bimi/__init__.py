"""BIMI: the logos of senders, and the certificates that prove whose they are.

`svg.check` checks a logo, `certificate.check` a mark certificate. lxml is imported when the first logo is read.
"""

from mailauth.bimi import certificate, path, svg
from mailauth.bimi.certificate import Evidence
from mailauth.bimi.values import Checked, Code, Indicator, Problem

__all__ = ["Checked", "Code", "Evidence", "Indicator", "Problem", "certificate", "path", "svg"]
