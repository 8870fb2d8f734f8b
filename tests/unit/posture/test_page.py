"""docs/domain.md lists every finding and the points; `MAILAUTH_DOCS=write` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mailauth.posture import CATALOGUE, LETTERS, POINTS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "domain.md"
SECTIONS = {
    "spf": "SPF", "dmarc": "DMARC", "dkim": "DKIM", "mx": "MX", "dnssec": "DNSSEC", "mta_sts": "MTA-STS",
    "tls_rpt": "TLS-RPT", "dane": "DANE", "smtp": "SMTP", "bimi": "BIMI",
}  # fmt: skip
MEANT = {
    "critical": "Somebody can send as the domain, or take over its mail, today.",
    "high": "The same at some receivers or for some names, or a protection fails entirely.",
    "medium": "A protection fails in part.",
    "low": "It matters only together with something else; or mail to the domain suffers, or its logo.",
    "note": "Worth knowing.",
}


def severities() -> str:
    rows = "".join(f"| {severity} | {points} | {MEANT[severity]} |\n" for severity, points in POINTS.items())
    letters = ", ".join(f"{letter} from {least}" for letter, least in LETTERS.items())
    return f"| severity | points | what an impostor could do |\n|---|---|---|\n{rows}\nThe letters: {letters}.\n"


def findings() -> str:
    text = ""
    for section, title in SECTIONS.items():
        text += f"### {title}\n\n| code | severity | what it means | remedy | source |\n|---|---|---|---|---|\n"
        for code, entry in CATALOGUE.items():
            if entry.section == section:
                threat, remedy = (
                    words.replace("{subject}", "example.com").replace("{other}", "example.net")
                    for words in (entry.threat, entry.remedy)
                )
                text += f"| `{code}` | {entry.severity} | {threat} | {remedy} | {entry.rule} |\n"
        text += "\n"
    return text


def test_every_section_has_its_title() -> None:
    assert {entry.section for entry in CATALOGUE.values()} == set(SECTIONS)


def test_the_page_lists_all() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, text in (("severities", severities()), ("findings", findings())):
        mark = f"<!-- from mailauth.posture: {name} -->\n"
        pattern = re.compile(re.escape(mark) + r".*?<!-- end -->", re.DOTALL)
        made = f"{mark}\n{text.rstrip()}\n\n<!-- end -->"
        assert len(pattern.findall(page)) == 1
        if os.environ.get("MAILAUTH_DOCS") == "write":
            page = pattern.sub(made.replace("\\", r"\\"), page)
            PAGE.write_text(page, encoding="utf-8")
        assert pattern.findall(page) == [made], "run MAILAUTH_DOCS=write pytest tests/unit/posture/test_page.py"
