"""The story as text: for terminals, logs and mails. Untrusted control characters never get through."""

from __future__ import annotations

from collections.abc import Iterator

from mailauth.explain.checks import Step
from mailauth.explain.story import Story
from mailauth.text import safe


def as_text(story: Story, *, dns: bool = False) -> str:
    """Return the story as lines of text; with `dns` also every question."""
    return "\n".join(_lines(story, dns=dns)) + "\n"


def _lines(story: Story, *, dns: bool) -> Iterator[str]:
    yield safe(story.headline)
    if story.identity:
        yield ""
        yield "What the message says about itself"
        yield from (f"  {safe(name)}: {safe(value)}".rstrip() for name, value in story.identity)
    yield ""
    yield "What to do"
    yield from (f"  {safe(line)}" for line in story.advice)
    if story.file:
        yield ""
        yield "What the file tells"
        yield from (f"  {safe(line)}" for line in story.file)
    if story.path:
        yield ""
        yield "The path that it claims, oldest hop first (only the last was written by the receiver)"
        yield from (f"  {number}. {safe(hop)}" for number, hop in enumerate(story.path, 1))
    yield ""
    yield "The checks"
    for step in story.steps:
        yield from step_lines(step)
    if dns:
        yield ""
        yield "DNS"
        yield from (f"  {safe(line)}" for line in story.questions)


def step_lines(step: Step) -> Iterator[str]:
    """Return the lines of one check, indented."""
    subject = f" {step.subject}" if step.subject else ""
    yield safe(f"  {step.check}{subject}: {step.result}")
    yield safe(f"      {step.detail}" + (f" [{step.reason}, {step.source}]" if step.reason else ""))
    yield from (safe(f"      - {line}") for line in step.lines)
    yield from (safe(f"      > {line}") for line in step.remedy)
