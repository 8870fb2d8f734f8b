"""The story as text: for terminals, logs and mails. Controls of strangers never come through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailauth.explain.checks import Step
from mailauth.explain.story import Story

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def safe(text: str) -> str:
    """Return text that stays on its line and cannot steer a terminal."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def as_text(story: Story, *, dns: bool = False) -> str:
    """Return the story as lines of text; with `dns` also every question."""
    return "\n".join(_lines(story, dns=dns)) + "\n"


def _lines(story: Story, *, dns: bool) -> Iterator[str]:
    yield safe(story.headline)
    if story.identity:
        yield ""
        yield "The message says of itself"
        yield from (f"  {safe(name)}: {safe(value)}".rstrip() for name, value in story.identity)
    yield ""
    yield "What to do"
    yield from (f"  {safe(line)}" for line in story.advice)
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
