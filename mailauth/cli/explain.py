"""Tell the story of a verdict: the path of the message, each check with its rule, what would have to change."""

from __future__ import annotations

import argparse
from pathlib import Path

from mailauth.cli.render import print_story
from mailauth.cli.verify import authentications
from mailauth.errors import UsageError
from mailauth.explain import tell


def run(arguments: argparse.Namespace) -> int:
    """Explain each message on the terminal, or one as a page."""
    if arguments.html is not None and len(arguments.messages) > 1:
        msg = "--html writes one page for one message"
        raise UsageError(msg)
    statuses = [0]
    for name, raw, authentication, _ in authentications(arguments, statuses):
        story = tell(authentication, raw)
        if arguments.html is not None:
            from mailauth.explain.html import as_html  # noqa: PLC0415  only for --html

            Path(arguments.html).write_text(as_html(story, authentication), encoding="utf-8")
        else:
            print_story(story, name, dns=arguments.questions)
    return max(statuses)
