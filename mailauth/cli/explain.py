"""Explain each verdict: the path of the message, each check with its rule, and what would have to change."""

from __future__ import annotations

import argparse

from mailauth.cli.outputs import write_page
from mailauth.cli.render import explanation
from mailauth.cli.streams import EX_USAGE, ReaderGoneError, write_out
from mailauth.cli.verify import Unread, verified
from mailauth.errors import UsageError
from mailauth.explain import tell


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
        story = tell(each.authentication, each.raw)
        try:
            write_out(explanation(story, each.name, dns=arguments.questions))
        except ReaderGoneError:
            # The page and the recording are still useful
            if arguments.html is None and arguments.record is None:
                break
        if arguments.html is not None:
            from mailauth.explain.html import as_html  # noqa: PLC0415  only for --html

            write_page(arguments.html, as_html(story, each.authentication))
    return status
