"""Explain each verdict: the path of the message, each check with its rule, and what would have to change."""

from __future__ import annotations

import argparse

from mailauth.cli.outputs import write_page
from mailauth.cli.render import STYLES, terminal
from mailauth.cli.streams import EX_USAGE, ReaderGoneError, write_out
from mailauth.cli.verify import Unread, verified
from mailauth.errors import UsageError
from mailauth.explain import Story, as_text, tell
from mailauth.saved.keys import notes as key_notes
from mailauth.text import safe


def run(arguments: argparse.Namespace) -> int:
    """Explain each message on the terminal, and one also as a page if requested."""
    if arguments.html is not None and len(arguments.messages) > 1:
        msg = "--html writes one page for one message"
        raise UsageError(msg)
    status = 0
    for each in verified(arguments):
        if isinstance(each, Unread):
            status = EX_USAGE
            continue
        notes = (*each.saved.notes(), *key_notes(each.saved, each.files))
        story = tell(each.saved.authentication, each.saved.raw, notes)
        try:
            write_out(_text(story, each.name, dns=arguments.questions))
        except ReaderGoneError:
            # The page and the recording are still useful
            if arguments.html is None and arguments.record is None:
                break
        if arguments.html is not None:
            from mailauth.explain.html import as_html  # noqa: PLC0415  only for --html

            write_page(arguments.html, as_html(story, each.saved.authentication), "--html")
    return status


def _text(story: Story, name: str, *, dns: bool) -> str:
    """Return the story of one message; the result words in colour on a terminal."""
    text = as_text(story, dns=dns)
    if (console := terminal()) is None:
        return f"{safe(name)}\n{text}\n"
    from rich.text import Text  # noqa: PLC0415  an extra

    shown = Text(text)
    for word, style in STYLES.items():
        shown.highlight_regex(rf"(?m)(?<=: ){word}$", style)
    with console.capture() as capture:
        console.print(Text(safe(name), style="bold"), soft_wrap=True)
        console.print(shown, soft_wrap=True)
    return capture.get()
