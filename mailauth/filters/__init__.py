"""Filters: functions of a user that say what to do with a message, and the chain that turns them into a decision."""

from mailauth.filters.actions import Action, Add, Answer, End, Remove, accept, add, defer, quarantine, reject, remove
from mailauth.filters.chain import Chain
from mailauth.filters.load import load
from mailauth.filters.read import addresses, text
from mailauth.filters.step import Filter, filter  # noqa: A004  the name is for `@filter`

__all__ = [
    "Action",
    "Add",
    "Answer",
    "Chain",
    "End",
    "Filter",
    "Remove",
    "accept",
    "add",
    "addresses",
    "defer",
    "filter",
    "load",
    "quarantine",
    "reject",
    "remove",
    "text",
]
