"""Evaluations side by side: the questions of all that wait share a round, and each is asked once.

A `Transcript` is the memory of one message: its questions and answers, within the limits. Waits for nothing itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import filterfalse
from typing import Any

from mailauth.dns.values import Answer, Evaluation, Question, Status


class Transcript:
    """The questions of one message: each is asked once, within the limits; beyond them, the rest time out unasked.

    Attributes:
        answers: every question that was asked, in order.
        rounds: the number of questions of each round.
    """

    __slots__ = ("_max_questions", "_max_rounds", "answers", "rounds")

    def __init__(self, max_questions: int, max_rounds: int) -> None:
        """Begin without a question."""
        self._max_questions, self._max_rounds = max_questions, max_rounds
        self.answers: dict[Question, Answer] = {}
        self.rounds: list[int] = []

    def gather(
        self, evaluations: Sequence[Evaluation[Any]], secondary: Sequence[Evaluation[Any]] = (), share: int = 0
    ) -> Evaluation[list[Any]]:
        """Run evaluations concurrently, in shared rounds; those in `secondary` may cause `share` questions in total."""
        answers = self.answers
        known = answers.__contains__
        answer_to: Callable[[Question], Answer] = answers.__getitem__
        running = [*evaluations, *secondary]
        sends = [evaluation.send for evaluation in running]
        results: list[Any] = [None] * len(running)
        # None begins an evaluation
        waiting: list[tuple[int, Any]] = [(index, None) for index in range(len(running))]
        shared: set[Question] = set()
        try:
            while waiting:
                answered, waiting = waiting, []
                new: dict[Question, None] = {}
                refused = ""
                for index, last in answered:
                    batch, missing = last, list[Question]()
                    try:
                        while not missing:
                            batch = sends[index](batch and tuple(map(answer_to, batch)))
                            missing = [*filterfalse(known, batch)]
                    except StopIteration as stop:
                        results[index] = stop.value
                        continue
                    waiting.append((index, batch))
                    if index < len(evaluations):
                        new.update(dict.fromkeys(missing))
                        continue
                    for question in missing:
                        if question not in shared:
                            if len(shared) >= share:
                                refused = f"{share} questions for checks that do not affect DMARC"
                                continue
                            shared.add(question)
                        new[question] = None
                room = self._max_questions - len(answers)
                if len(new) > room:
                    refused = f"{self._max_questions} questions"
                if new and len(self.rounds) >= self._max_rounds:
                    room, refused = 0, f"{self._max_rounds} rounds of questions"
                if asked := tuple(new)[: max(room, 0)]:
                    self.rounds.append(len(asked))
                    answers.update(zip(asked, (yield asked), strict=True))
                if refused:
                    spent = Answer(Status.TIMEOUT, detail=f"not asked: the message has used up its {refused}")
                    answer_to = _or(answers, spent)
        finally:
            for evaluation in running:
                evaluation.close()
        return results


def _or(answers: dict[Question, Answer], default: Answer) -> Callable[[Question], Answer]:
    return lambda question: answers.get(question, default)


def gather(*evaluations: Evaluation[Any]) -> Evaluation[tuple[Any, ...]]:
    """Run evaluations concurrently: each round holds the questions of all that are still waiting, each asked once."""
    return tuple((yield from Transcript(sys.maxsize, sys.maxsize).gather(evaluations)))
