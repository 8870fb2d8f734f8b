"""The frame of a self-contained page: for a browser, a ticket, a printer, light or dark, wide or narrow.

No script, nothing loaded, and a content security policy that says so. Knows nothing of what is on the page.
"""

from __future__ import annotations

from mailauth.text import html

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#f3f5f8;--edge:#6b7480;--dim:#4a525c;--good:#0b5d22;
--bad:#a3001f;--warn:#754600}
@media screen and (prefers-color-scheme:dark){:root{--bg:#14171c;--fg:#e7eaee;--soft:#21262d;--edge:#8d97a3;
--dim:#b4bcc6;--good:#74e08f;--bad:#ff9da4;--warn:#f3c75f}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:54rem;background:var(--bg);color:var(--fg);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.25rem;margin:2rem 0 .5rem;padding-bottom:.2rem;border-bottom:1px solid var(--edge)}
h3{font-size:1.05rem;margin:0 0 .3rem}
p,ul,ol{margin:.3rem 0}
ul,ol{padding-left:1.4rem}
code,td,.mono{font-family:ui-monospace,monospace;font-size:.9em}
.dim,figcaption{color:var(--dim);font-size:.92rem}
header{border-left:.4rem solid var(--edge);padding-left:.8rem}
.badge{display:inline-block;border:1px solid;border-radius:.3rem;padding:0 .45rem;font-size:.92rem;font-weight:700;
background:var(--bg);white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.plain{color:var(--dim)}
header[class]{color:inherit}
figure{margin:.5rem 0}
svg{display:block;width:100%;height:auto}
svg text{fill:currentColor;font:14px system-ui,sans-serif;unicode-bidi:isolate}
summary{cursor:pointer}
table{border-collapse:collapse;width:100%;table-layout:fixed;font-size:.9rem}
caption{text-align:left;color:var(--dim);padding:.4rem 0}
th,td{border:1px solid var(--edge);padding:.25rem .4rem;text-align:left;vertical-align:top}
td p{margin:0 0 .2rem}
@media(max-width:30rem){th,td{padding:.2rem .25rem;font-size:.78rem}}
@media print{body{max-width:none;padding:0;font-size:10pt}h2,h3{break-after:avoid}figure,tr{break-inside:avoid}
details::details-content{content-visibility:visible;height:auto}}
"""


def page(title: str, content: str, style: str = "") -> str:
    """Return a page.

    Args:
        title: plain text for the title bar.
        content: what is in the body, as HTML.
        style: rules of its own, after those that all pages have.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">\n"""
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n{content}</body>\n</html>\n"
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1,000 messages"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def section(key: str, heading: str, content: str) -> str:
    """Return a section: its key in the page, a heading of our own, and what is in it, as HTML."""
    return f'<section aria-labelledby="{key}">\n<h2 id="{key}">{heading}</h2>\n{content}\n</section>\n'
