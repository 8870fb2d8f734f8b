"""Generated aggregate reports: seeded, with hostile text where a stranger may write."""

from __future__ import annotations

import random
from importlib import util
from pathlib import Path
from typing import TypeVar

import pytest

from mailauth.reports.aggregate import Form
from mailauth.reports.values import (
    Counted,
    DkimResult,
    Metadata,
    Override,
    Period,
    Policy,
    Reporter,
    Row,
    SpfResult,
)
from support.suites import FOLDER

T = TypeVar("T")
DAY = 86400
DKIM = ("none", "pass", "fail", "policy", "neutral", "temperror", "permerror")
SPF = ("none", "pass", "fail", "softfail", "neutral", "temperror", "permerror")
OVERRIDES = ("local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder")
POLICIES = ("none", "quarantine", "reject")
HOSTILE = (
    *("\x00", "\x1b[2J", "\r\n", "\t", "\x7f", "\x85", "\u2028", "\u202e", "\ud800", "\udcff", "\ufffe", "\uffff"),
    *("<", "&", "]]>", "<!--", "<![CDATA[", "</feedback>", '"', "'", "&lt;", "&#0;", "%", "😀", "é", "\ufeff", " "),
)
_PLAIN = ("example.com", "mail.example.com", "news.example.com", "example.net", "xn--bcher-kva.example", "a.b.example")


def schema_path(form: Form = "rfc9990") -> Path:
    """Return where the schema of an RFC is, which is not part of this project; skips if it is nowhere."""
    found = util.find_spec("dmarc")
    folder = Path(found.origin).parent / "report" / "schemas" if found and found.origin else None
    paths = [folder / ("dmarc-2.0.xsd" if form == "rfc9990" else "dmarc.xsd")] if folder else []
    if form == "rfc9990":
        paths.append(FOLDER.parent / "rfc" / "rfc9990-appendixA-dmarc-2.0.xsd")
    for path in paths:
        if path.is_file():
            return path
    pytest.skip("the schemas of the RFCs are in the package dmarc: pip install dmarc")


class Generator:
    """Makes reports by a seed; `hostile` puts text into them that tries to break the file."""

    def __init__(self, seed: int, *, hostile: bool = False) -> None:
        self.random, self.hostile = random.Random(seed), hostile

    def text(self, plain: str) -> str:
        if not self.hostile or self.random.random() < 0.5:
            return plain
        made = plain + "".join(self.random.choices(HOSTILE, k=self.random.randrange(8)))
        return made * 400 if self.random.random() < 0.01 else made

    def domain(self) -> str:
        return self.text(self.random.choice(_PLAIN))

    def maybe(self, value: T, absent: T) -> T:
        return self.random.choice((value, absent))

    def metadata(self) -> Metadata:
        choice, begin = self.random.choice, self.random.randrange(20000) * DAY
        return Metadata(
            reporter=Reporter(
                org_name=self.text("Example Org"), email="dmarc@example.org",
                extra_contact_info=self.maybe(self.text("https://example.org/dmarc"), ""),
            ),
            report_id=f"{self.random.getrandbits(64):x}" + self.maybe("@example.org", ""),
            period=Period(begin, begin + DAY),
            policy=Policy(
                domain=choice(_PLAIN), p=choice(POLICIES), sp=choice(("", *POLICIES)), np=choice(("", *POLICIES)),
                adkim=choice(("", "r", "s")), aspf=choice(("", "r", "s")), fo=self.maybe(self.text("1:d"), ""),
                testing=choice(("", "y", "n")), discovery=choice(("", "psl", "treewalk")), pct=self.maybe("50", ""),
            ),
            generator=self.maybe(self.text("mailauth"), ""),
            errors=tuple(self.text("no such tag") for _ in range(self.random.randrange(3))),
        )  # fmt: skip

    def row(self) -> Row:
        choice = self.random.choice
        address = f"192.0.2.{self.random.randrange(256)}", f"2001:db8::{self.random.randrange(1, 65536):x}"
        return Row(
            source_ip=choice(address),
            disposition=choice(("none", "pass", "quarantine", "reject")),
            dkim=choice(("pass", "fail")),
            spf=choice(("pass", "fail")),
            header_from=choice(_PLAIN),
            envelope_from=choice((None, "", self.domain())),
            envelope_to=self.maybe(None, self.domain()),
            overrides=tuple(
                Override(choice(OVERRIDES), self.maybe(self.text("on a list"), ""))
                for _ in range(choice((0, 0, 1, 2)))
            ),
            dkim_results=tuple(
                DkimResult(self.domain(), self.text("s1"), choice(DKIM), self.maybe(self.text("signature"), ""))
                for _ in range(choice((0, 1, 1, 2, 3)))
            ),
            spf_results=tuple(
                SpfResult(self.domain(), choice(SPF), human_result=self.maybe(self.text("by ip4"), ""))
                for _ in range(choice((0, 1, 1)))
            ),
        )  # fmt: skip

    def rows(self, most: int = 12) -> list[Counted]:
        return [Counted(self.row(), self.random.choice((1, 2, 10**9))) for _ in range(self.random.randint(1, most))]
