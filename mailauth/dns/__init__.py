"""DNS as values: questions and answers, the evaluations that ask, and `run`, which drives them."""

from mailauth.dns.drive import run
from mailauth.dns.transcript import Transcript, gather
from mailauth.dns.values import Answer, Answers, Batch, Evaluation, Question, Resolver, Status, Traced, Use

__all__ = [
    "Answer",
    "Answers",
    "Batch",
    "Evaluation",
    "Question",
    "Resolver",
    "Status",
    "Traced",
    "Transcript",
    "Use",
    "gather",
    "run",
]
