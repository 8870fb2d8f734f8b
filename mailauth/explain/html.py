"""The story as one self-contained page: for a browser, a ticket, a printer.

No script, nothing loaded, and a content security policy that says so; results are shown by word and sign, not by colour
alone (WCAG 2.2 §1.4.1), and the picture is an inline SVG whose description says the same in words. Every value may be
data of strangers: all of it goes through `text.html`. Formats what the story and the outcomes say, and decides nothing;
may know neither DNS nor the octets of the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.explain.checks import Step
from mailauth.explain.judged import Judged
from mailauth.explain.lines import record_of, shorten, some
from mailauth.explain.story import Story
from mailauth.page import counted, page, section
from mailauth.results import Reason, Result
from mailauth.spf.outcome import SpfOutcome
from mailauth.text import html, safe

_MAX_LINKS = 8
_MAX_SETS = 10
_MAX_RECORDS = 5
_MAX_RECORD = 600
_MARKS = {
    "pass": ("✓", "good"),
    "fail": ("✗", "bad"),
    "permerror": ("✗", "bad"),
    "policy": ("✗", "bad"),
    "softfail": ("!", "warn"),
    "temperror": ("?", "warn"),
}
_NO_MARK = ("\N{EN DASH}", "plain")
_QUOTED = re.compile("`([^`]+)`")
_NAMES = {"iprev": "Reverse name", "spf helo": "SPF of HELO", "spf": "SPF of MAIL FROM"}

_STYLE = """
h4{font-size:1rem;margin:.6rem 0 0}
header.good{border-color:var(--good)}header.bad{border-color:var(--bad)}header.warn{border-color:var(--warn)}
.check{background:var(--soft);border-radius:.4rem;padding:.7rem .9rem;margin:.7rem 0}
svg{max-width:30rem}
svg .mono{font:15px ui-monospace,monospace}
svg rect{fill:var(--soft);stroke:var(--edge)}
svg path{fill:none;stroke:currentColor;stroke-width:2}
svg circle{fill:var(--bg);stroke:currentColor;stroke-width:1.5}
svg .sign{font-weight:700;text-anchor:middle}
@media print{.check{break-inside:avoid;border:1px solid var(--edge)}}
"""


# Whether an identifier is aligned, by mechanism and domain, as DMARC decided
_Alignment: TypeAlias = Mapping[tuple[str, str], bool | None]


class _Link(NamedTuple):
    """An identifier of the message, and its relation to the author."""

    label: str
    name: str
    result: str
    counts: bool
    word: str


class _Set(NamedTuple):
    """One ARC set."""

    sealer: str
    result: str
    word: str
    claim: str


def as_html(story: Story, authentication: Judged, title: str = "") -> str:
    """Return the story as a page, always encodable as UTF-8. Never raises for any authentication.

    Args:
        story: what `tell` returned for the authentication.
        authentication: what `authenticate` returned: the picture and the table of questions are made from it.
        title: shown in the title bar and below the headline; empty: the Subject in the title bar, or the author.
    """
    dmarc = authentication.dmarc
    subject = next((value for name, value in story.identity if name == "Subject" and value.strip()), "")
    author = dmarc.author_domain if dmarc is not None else None
    tone = _mark(dmarc.result if dmarc is not None else "")[1]
    path = _list("ol", story.path) if story.path else '<p class="dim">No Received fields are known.</p>'
    advice = _list("ul", story.advice, _prose) if story.advice else '<p class="dim">Nothing.</p>'
    last = "The oldest hop comes first. Only the last was written by the receiver; the others are claims."
    content = (
        f'<header class="{tone}">\n<h1>{html(story.headline)}</h1>\n'
        + (f'<p class="dim"><bdi>{html(title)}</bdi></p>\n' if title else "")
        + "".join(f"<p>{html(name)}: <bdi>{html(value)}</bdi></p>\n" for name, value in story.identity)
        + f'<p class="dim">{_connection(authentication)}</p>\n</header>\n<main>\n'
        + section("advice", "What to do", advice)
        + section("picture", "Overview", _figure(authentication, story.sealed))
        + (section("file", "What the file tells", _list("ul", story.file)) if story.file else "")
        + section("path", "The path", f'<p class="dim">{last}</p>\n{path}' if story.path else path)
        + section("checks", "The checks", "".join(_check(n, step) for n, step in enumerate(story.steps, 1)))
        + section("dns", "DNS questions", _questions(authentication))
        + "</main>\n"
    )
    return page(title or subject or author or "mailauth", content, _STYLE)


# -- values and small pieces


def _cut(value: object, room: int) -> str:
    """Return a value that fits the picture; the end of a long name remains, because it says whose name it is."""
    text = safe(str(value))
    # Characters that are not ASCII may be wide
    room = room if text.isascii() else room // 2
    head = room // 3
    return text if len(text) <= room else f"{text[:head]}…{text[head + 1 - room :]}"


def _mark(result: str) -> tuple[str, str]:
    return _MARKS.get(str(result), _NO_MARK)


def _badge(result: str) -> str:
    sign, tone = _mark(result)
    return f'<span class="badge {tone}"><span aria-hidden="true">{sign}</span> {html(result)}</span>'


def _prose(value: str) -> str:
    """Return text of our own, in which backticks quote code."""
    return _QUOTED.sub(r"<code>\1</code>", html(value))


def _list(tag: str, items: tuple[str, ...], form: Callable[[str], str] = html) -> str:
    return f"<{tag}>\n" + "".join(f"<li>{form(item)}</li>\n" for item in items) + f"</{tag}>"


def _connection(authentication: Judged) -> str:
    connection = authentication.connection
    facts = {
        "Client": connection.ip,
        "HELO": connection.helo,
        "MAIL FROM": None if connection.mail_from is None else f"<{connection.mail_from}>",
    }
    shown = [f"{name} <bdi>{html(value)}</bdi>" for name, value in facts.items() if value is not None]
    learnt = " (read from the message: a guess)" if connection.is_guess else ""
    return ", ".join(shown) + learnt if shown else "Nothing is known about the SMTP connection."


def _check(number: int, step: Step) -> str:
    name = _NAMES.get(step.check, step.check.upper())
    subject = f" <bdi>{html(step.subject)}</bdi>" if step.subject else ""
    reason = f"<code>{html(step.reason)}</code>, " if step.reason else ""
    source = f"{reason}{html(step.source)}".strip().removesuffix(",")
    grounds = f'<p class="dim">{_prose(step.meaning)} [{source}]</p>\n' if source else ""
    return (
        f'<section class="check" aria-labelledby="check{number}">\n'
        f'<h3 id="check{number}">{html(name)}{subject} {_badge(step.result)}</h3>\n<p>{html(step.detail)}</p>\n'
        + grounds
        + (f"{_list('ul', step.lines)}\n" if step.lines else "")
        + (f"<h4>What would have to change</h4>\n{_list('ul', step.remedy, _prose)}\n" if step.remedy else "")
        + "</section>\n"
    )


def _questions(authentication: Judged) -> str:
    trace = authentication.trace
    if not trace:
        return '<p class="dim">Nothing.</p>'
    rows = "".join(
        f'<tr><td>{each.round}</td><th scope="row" class="mono">{html(each.question.name)} '
        f"{html(each.question.rdtype)}</th><td>{''.join(_answers(each.answer))}</td>"
        f"<td>{html(', '.join(dict.fromkeys(use.check for use in each.uses)) or 'asked in advance')}</td></tr>\n"
        for each in trace
    )
    asked = f"{counted(len(trace), 'question')} in {counted(len(authentication.rounds), 'round')}"
    return (
        f"<details>\n<summary>{asked}</summary>\n<table>\n"
        "<caption>Each question was asked once; those of one round were asked together.</caption>\n"
        '<colgroup><col style="width:4.4em"><col style="width:30%"><col><col style="width:18%"></colgroup>\n'
        '<thead><tr><th scope="col">Round</th><th scope="col">Question</th><th scope="col">Answer</th>'
        f'<th scope="col">Used by</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</details>'
    )


def _answers(answer: Any) -> Iterator[str]:
    yield from (f"<p>alias of {html(alias)}</p>" for alias in some(answer.cnames, _MAX_RECORDS))
    if not answer.records:
        yield f"<p>{html(answer.status)}{html(f' ({shorten(answer.detail)})' if answer.detail else '')}</p>"
    for record in answer.records[:_MAX_RECORDS]:
        yield f"<p>{html(record_of(record, _MAX_RECORD))}</p>"
    if len(answer.records) > _MAX_RECORDS:
        yield f"<p>… {len(answer.records) - _MAX_RECORDS} more</p>"


# -- the picture: first its content, then the same in words and in lines


def _links(authentication: Judged) -> list[_Link]:
    """Return the identifiers of the message, those that count for DMARC first."""
    links = []
    dmarc = authentication.dmarc
    identifiers = dmarc.identifiers if dmarc is not None else ()
    alignment: _Alignment = {(each.mechanism, each.domain): each.aligned for each in identifiers}
    for outcome in authentication.outcomes:
        if isinstance(outcome, SpfOutcome) and outcome.scope == "mfrom":
            links.append(_link("spf", "MAIL FROM ", outcome, dmarc, alignment))
        elif isinstance(outcome, DkimOutcome):
            links.append(_link("dkim", "DKIM d=", outcome, dmarc, alignment))
    return sorted(links, key=lambda link: not link.counts)


def _link(mechanism: Any, label: str, outcome: Any, dmarc: DmarcOutcome | None, alignment: _Alignment) -> _Link:
    key = (mechanism, outcome.domain)
    counts = False
    if dmarc is None:
        word = "DMARC not checked"
    elif dmarc.author_domain is None:
        word = "no author"
    elif outcome.domain is None:
        word = "no identifier"
    elif key not in alignment:
        word = "not counted"
    elif alignment[key] is False:
        strict = dmarc.published.get(f"a{mechanism}", "").lower() == "s"
        word = "not aligned: must be equal" if strict else "not aligned"
    elif outcome.result is not Result.PASS:
        # A matching directive explains nothing to a reader who does not see its qualifier
        word = "no pass" if outcome.reason is Reason.SPF_MATCH else str(outcome.reason)
    elif alignment[key] is None:
        word = f"alignment not decided, DMARC {dmarc.result}"
    elif mechanism not in dmarc.aligned:
        word = f"aligned, DMARC {dmarc.result}"
    else:
        counts, word = True, "aligned"
    return _Link(label, outcome.domain or "no domain", str(outcome.result), counts, word)


def _sets(authentication: Judged, sealed: tuple[str, ...]) -> tuple[list[_Set], int]:
    """Return the first sets of the chain, and how many there are."""
    arc = authentication.arc
    if arc is None:
        return [], 0
    count = max(len(arc.sealers), arc.instances)
    sets = []
    for index in range(min(count, _MAX_SETS)):
        word = "chain broken" if arc.result is Result.FAIL else "changed"
        if arc.result is Result.PASS and index + 1 >= (arc.oldest_pass or 0):
            word = "unchanged"
        claim = f"claims dmarc={_cut(sealed[index], 10)}" if index < len(sealed) and sealed[index] else ""
        sealer = arc.sealers[index] if index < len(arc.sealers) else ""
        sets.append(_Set(sealer or "unknown sealer", str(arc.result), word, claim))
    return sets, count


def _figure(authentication: Judged, sealed: tuple[str, ...]) -> str:
    links, (sets, count) = _links(authentication), _sets(authentication, sealed)
    dmarc = authentication.dmarc
    author = (dmarc.author_domain if dmarc is not None else None) or "no single author"
    verdict = f"DMARC {dmarc.result}, advice: {dmarc.disposition}" if dmarc is not None else "DMARC was not checked"
    pieces = [_box(8, 8, 404, author, "From: ", _mark(dmarc.result if dmarc is not None else "")[0] + " " + verdict)]
    words = [f"The domain of the author is {author}: {verdict}."]
    shown, y = links[:_MAX_LINKS], 94
    words += [f"{link.label}{link.name}: {link.result}, {link.word}." for link in shown]
    for row, link in enumerate(shown):
        pieces.append(_edge(20 + 10 * (len(shown) - 1 - row), y, link))
        y += 70
    if len(links) != len(shown) or not links:
        rest = f"… {len(links) - len(shown)} more below" if links else "Neither SPF nor DKIM gives an identifier."
        pieces.append(f'<text x="126" y="{y + 12}">{rest}</text>')
        words.append(rest)
        y += 28
    if sets and authentication.arc is not None:
        arc = authentication.arc
        trust = ("trusted" if arc.trusted else "not trusted") + " here" if arc.result is Result.PASS else arc.reason
        heading = f"ARC chain, oldest first: {_mark(arc.result)[0]} {arc.result}, {trust}"
        pieces.append(f'<text x="8" y="{y + 22}">{html(heading)}</text>')
        words.append(f"ARC chain: {arc.result}, {trust}.")
        words += [f"i={i}: {s.sealer}, {s.word}{s.claim and ', '}{s.claim}." for i, s in enumerate(sets, 1)]
        y += 36
        pieces += [_arc_box(i, y, each, last=i == len(sets)) for i, each in enumerate(sets, 1)]
        y += (len(sets) + 1) // 2 * 102 - 14
        if count > len(sets):
            pieces.append(f'<text x="8" y="{y + 14}">… {count - len(sets)} newer sets</text>')
            y += 24
    passed = any(each.result == Result.PASS for each in sets)
    changed = " “changed” means that the message was changed after that ARC set." if passed else ""
    return (
        f'<figure>\n<svg viewBox="0 0 420 {y}" role="img" aria-labelledby="svg-title svg-desc">\n'
        '<title id="svg-title">How the identifiers of the message relate to its author</title>\n'
        f'<desc id="svg-desc">{html(" ".join(words))}</desc>\n{"".join(pieces)}</svg>\n'
        "<figcaption>A solid line with ✓: it passed and is aligned with the author, so it counts. A dashed line with "
        f"✗: it does not count. Long names are shortened.{changed}</figcaption>\n</figure>"
    )


def _box(x: int, y: int, width: int, name: str, label: str, *lines: str) -> str:
    """Return a box: a label and a name, truncated to fit, and our own words below it."""
    texts = "".join(
        f'<text x="{x + 10}" y="{y + 24 + 22 * n}">{html(line)}</text>\n' for n, line in enumerate(lines, 1)
    )
    return (
        f'<g><title>{html(label + name)}</title>\n<rect x="{x}" y="{y}" width="{width}" '
        f'height="{36 + 22 * len(lines)}" rx="6"/>\n<text class="mono" x="{x + 10}" y="{y + 24}">{html(label)}'
        f"{html(_cut(name, (width - 20) // 9 - len(label)))}</text>\n{texts}</g>\n"
    )


def _edge(lane: int, y: int, link: _Link) -> str:
    """Return the line from the author to an identifier, each in its own lane, so that none cross."""
    sign, tone = ("✓", "good") if link.counts else ("✗", "bad")
    dashes = "" if link.counts else ' stroke-dasharray="5 5"'
    words = f"{_mark(link.result)[0]} {link.result}; {link.word}"
    return (
        f'<g class="{tone}"><path d="M{lane} 66V{y + 29}H126"{dashes}/><circle cx="110" cy="{y + 29}" r="10"/>'
        f'<text class="sign" x="110" y="{y + 34}">{sign}</text></g>\n' + _box(126, y, 286, link.name, link.label, words)
    )


def _arc_box(instance: int, y: int, each: _Set, *, last: bool) -> str:
    """Return one set of a row of two, and the arrow to the next."""
    right, row = (instance - 1) % 2, (instance - 1) // 2
    x, y = 8 + 214 * right, y + 102 * row
    arrow = f"M317 {y + 80}v10H103v12m-5 -7l5 7l5 -7" if right else f"M198 {y + 40}h24m-7 -5l7 5l-7 5"
    words = f"i={instance} {_mark(each.result)[0]} {each.result}, {each.word}"
    # Anybody may have written the name in a broken chain
    label = "" if each.result == Result.PASS else "claims "
    return _box(x, y, 190, each.sealer, label, words, each.claim) + ("" if last else f'<path d="{arrow}"/>\n')
