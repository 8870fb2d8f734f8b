"""DMARC (RFC 9989; RFC 7489 and 9091 by option): policy discovery, alignment, advice."""

from mailauth.dmarc.author import Author, author_of
from mailauth.dmarc.check import check, walks_ahead
from mailauth.dmarc.discovery import ask_walk, find_policy, walk, walk_names
from mailauth.dmarc.outcome import DmarcOutcome, Identifier
from mailauth.dmarc.psl import SuffixList, load_suffix_list
from mailauth.dmarc.record import Record, parse, publishes

__all__ = [
    "Author",
    "DmarcOutcome",
    "Identifier",
    "Record",
    "SuffixList",
    "ask_walk",
    "author_of",
    "check",
    "find_policy",
    "load_suffix_list",
    "parse",
    "publishes",
    "walk",
    "walk_names",
    "walks_ahead",
]
