"""Print what the chosen resolver answers to questions about one name."""

from __future__ import annotations

import argparse
import json

from mailauth.cli.resolver import chosen_resolver
from mailauth.dns import Answers, Evaluation, Question
from mailauth.dns import run as drive
from mailauth.errors import UsageError
from mailauth.explain.text import safe
from mailauth.names import to_ascii


def run(arguments: argparse.Namespace) -> int:
    """Ask, and print one line a record."""
    name = to_ascii(arguments.name)
    if name is None:
        msg = f"{arguments.name!r} is no domain name"
        raise UsageError(msg)
    questions = tuple(Question(name, rdtype.upper()) for rdtype in arguments.types)
    rows = list(zip(questions, drive(_ask(questions), chosen_resolver(arguments)), strict=True))
    if arguments.json:
        data = [{"question": {"name": q.name, "type": q.rdtype}, "answer": a.to_dict()} for q, a in rows]
        print(json.dumps(data, indent=2))
        return 0
    for question, answer in rows:
        aliases = "".join(f" -> {alias}" for alias in answer.cnames)
        head = f"{question.name}{aliases} {question.rdtype}"
        for record in answer.to_dict()["records"]:
            text = " ".join(map(str, record)) if isinstance(record, list) else str(record)
            print(safe(f"{head} {text}"))
        if not answer.records:
            print(safe(f"{head}: {answer.status}" + (f" ({answer.detail})" if answer.detail else "")))
    return 0


def _ask(questions: tuple[Question, ...]) -> Evaluation[Answers]:
    return (yield questions)
