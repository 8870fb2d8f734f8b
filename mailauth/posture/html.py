"""A posture as one self-contained page, or the table of several; no script, nothing loaded.

Severities are shown by word and sign, not by colour alone. All that is shown may be a stranger's, and goes through
`text.html`. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailauth.page import counted, page, section
from mailauth.posture.domain import Posture
from mailauth.posture.finding import Finding
from mailauth.posture.lines import facts, headline, spf_tree
from mailauth.posture.rating import LETTERS, START
from mailauth.posture.text import HEADINGS, opening, row
from mailauth.text import html

_TONES = {"critical": ("✗", "bad"), "high": ("✗", "bad"), "medium": ("!", "warn"), "low": ("!", "warn")}
_NO_TONE = ("\N{EN DASH}", "plain")
_GRADES = {"A": "good", "B": "good", "C": "warn", "D": "bad", "F": "bad"}

_STYLE = """
header.good{border-color:var(--good)}header.bad{border-color:var(--bad)}header.warn{border-color:var(--warn)}
.grade{float:right;margin:0 0 .5rem 1rem;border:.15rem solid;border-radius:.5rem;padding:0 .9rem;font-size:2.6rem;
font-weight:700;line-height:1.4}
.check{background:var(--soft);border-radius:.4rem;padding:.7rem .9rem;margin:.7rem 0}
.check .mono{display:block;padding:.3rem .5rem;margin:.2rem 0;background:var(--bg);border:1px solid var(--edge);
border-radius:.3rem;white-space:pre-wrap}
.tree{list-style:none;padding:0}
.d1{padding-left:0}.d2{padding-left:1.2rem}.d3{padding-left:2.4rem}.d4{padding-left:3.6rem}.d5{padding-left:4.8rem}
h4{font-size:1rem}
ul+h3,summary~h3,details+h3,h4{margin:1rem 0 .3rem}
.check h3,.check h4{margin:0 0 .3rem}
table{table-layout:auto}
table.sum{width:auto;min-width:min(26rem,100%)}
.ratings th,.ratings td+td{overflow-wrap:normal}
td.n,th.n{text-align:right}
@media(max-width:30rem){.d2{padding-left:.7rem}.d3{padding-left:1.4rem}.d4{padding-left:2.1rem}.d5{padding-left:2.8rem}
.wide{display:none}}
@media print{.check{break-inside:avoid;border:1px solid var(--edge)}}
"""
_DEEPEST = 5


def as_html(postures: Sequence[Posture]) -> str:
    """Return the page of one domain, or a page with the table of several; always encodable as UTF-8."""
    if len(postures) == 1:
        return _one(postures[0])
    content = (
        f"<header>\n<h1>{counted(len(postures), 'domain')}</h1>\n<p>{html(opening(postures))}</p>\n</header>\n<main>\n"
        + section("table", "Ratings", _table(postures))
        + "".join(section(f"d{number}", html(each.domain), _folded(each)) for number, each in enumerate(postures))
        + "</main>\n"
    )
    return page(f"mailauth: {counted(len(postures), 'domain')}", content, _STYLE)


def _folded(posture: Posture) -> str:
    return f"<details>\n<summary>{html(headline(posture))}</summary>\n{_report(posture, 3)}</details>"


def _one(posture: Posture) -> str:
    tone = _GRADES.get(posture.rating.letter, "plain")
    content = (
        f'<header class="{tone}">\n<p class="grade {tone}">{html(posture.rating.letter)}</p>\n'
        f"<h1><bdi>{html(posture.domain)}</bdi></h1>\n<p>{html(headline(posture))}.</p>\n</header>\n<main>\n"
        f"{_report(posture, 2)}</main>\n"
    )
    return page(f"{posture.domain}: {posture.rating.letter}", content, _STYLE)


def _table(postures: Sequence[Posture]) -> str:
    wide = {"spf", "worst"}

    def kind(heading: str) -> str:
        classes = " ".join([*(["n"] if heading == "points" else []), *(["wide"] if heading in wide else [])])
        return f' class="{classes}"' if classes else ""

    heads = "".join(f'<th scope="col"{kind(each)}>{each}</th>' for each in HEADINGS)
    rows = "".join(
        "<tr>" + "".join(f"<td{kind(head)}>{html(cell)}</td>" for head, cell in cells) + "</tr>\n"
        for cells in (zip(HEADINGS, row(each), strict=True) for each in postures)
    )
    # A long name leaves the other columns their room
    return f'<table class="ratings">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>'


def _report(posture: Posture, level: int) -> str:
    """Return what there is to say of a domain; headings begin at a level."""
    findings = "".join(_finding(each, level + 1) for each in posture.findings) or '<p class="dim">None.</p>'
    parts = [
        ("Findings", findings),
        ("Points", _points(posture)),
        ("What it publishes", _facts(posture, level + 1)),
    ]
    if posture.unchecked:
        items = "".join(f"<li>{html(each)}</li>\n" for each in posture.unchecked)
        parts.append(("Could not be checked", f"<ul>\n{items}</ul>"))
    return "".join(f"<h{level}>{heading}</h{level}>\n{content}\n" for heading, content in parts)


def _finding(finding: Finding, level: int) -> str:
    sign, tone = _TONES.get(finding.severity, _NO_TONE)
    badge = f'<span class="badge {tone}"><span aria-hidden="true">{sign}</span> {finding.severity}</span>'
    records = "".join(f'<span class="mono">{html(each)}</span>' for each in finding.evidence)
    publish = "".join(f'<span class="mono">{html(each.line)}</span>' for each in finding.fix)
    return (
        f'<div class="check">\n<h{level}>{badge} {html(finding.threat)}</h{level}>\n<p>{html(finding.detail)}</p>\n'
        + (f"<div>{records}</div>\n" if records else "")
        + f"<p>{html(finding.remedy)}</p>\n"
        + (f"<div>Publish:{publish}</div>\n" if publish else "")
        + f'<p class="dim">{finding.code}, {html(finding.rule)}</p>\n</div>\n'
    )


def _points(posture: Posture) -> str:
    rating = posture.rating
    lines = [("start", START), *((code, -points) for code, points in rating.deductions)]
    rows = "".join(f'<tr><td>{name}</td><td class="n">{points}</td></tr>\n' for name, points in lines)
    total = f'<tr><th scope="row">points, not below 0</th><td class="n">{rating.points}</td></tr>\n'
    letters = ", ".join(f"{letter} from {least}" for letter, least in LETTERS.items())
    return f'<table class="sum">\n<caption>{letters}.</caption>\n<tbody>\n{rows}{total}</tbody>\n</table>'


def _facts(posture: Posture, level: int) -> str:
    pieces = []
    for name, lines in facts(posture):
        items = "".join(f"<li>{html(line)}</li>\n" for line in lines)
        pieces.append(f"<h{level}>{name}</h{level}>\n<ul>\n{items}</ul>\n")
        if name == "SPF" and posture.spf.own.terms:
            tree = "".join(
                f'<li class="mono d{min(depth, _DEEPEST)}">{html(line)}</li>\n' for depth, line in spf_tree(posture)
            )
            pieces.append(
                f"<details>\n<summary>Tree of records, with the lookups of each term</summary>\n"
                f'<ul class="tree">\n{tree}</ul>\n</details>\n'
            )
    return "".join(pieces)
