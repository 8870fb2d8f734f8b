"""Print what the chosen resolver answers to questions about one name."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from mailauth.cli.resolver import chosen_resolver
from mailauth.cli.streams import write_out
from mailauth.dns.drive import run as drive
from mailauth.dns.values import Answer, Answers, Evaluation, Question
from mailauth.errors import UsageError
from mailauth.names import to_ascii
from mailauth.text import safe, shown


def run(arguments: argparse.Namespace) -> int:
    """Ask, and print one line for each record."""
    name = to_ascii(arguments.name)
    if name is None:
        msg = f"{shown(arguments.name)} is not a domain name"
        raise UsageError(msg)
    questions = tuple(Question(name, rdtype.upper()) for rdtype in arguments.types)
    rows = list(zip(questions, drive(_ask(questions), chosen_resolver(arguments)), strict=True))
    if arguments.json:
        data = [{"question": {"name": q.name, "type": q.rdtype}, "answer": a.to_dict()} for q, a in rows]
        write_out(json.dumps(data, indent=2) + "\n")
    else:
        write_out("".join(f"{safe(line)}\n" for question, answer in rows for line in _lines(question, answer)))
    return 0


def _lines(question: Question, answer: Answer) -> Iterator[str]:
    aliases = "".join(f" -> {alias}" for alias in answer.cnames)
    head = f"{question.name}{aliases} {question.rdtype}"
    for record in answer.to_dict()["records"]:
        yield f"{head} " + (" ".join(map(str, record)) if isinstance(record, list) else str(record))
    if not answer.records:
        yield f"{head}: {answer.status}" + (f" ({answer.detail})" if answer.detail else "")


def _ask(questions: tuple[Question, ...]) -> Evaluation[Answers]:
    return (yield questions)
