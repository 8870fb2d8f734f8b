"""DMARC (RFC 9989; RFC 7489 and 9091 by option): policy discovery, alignment, advice."""

from mailauth.dmarc.check import Ahead, check, walks_ahead
from mailauth.dmarc.discovery import find_policy, walk, walk_names
from mailauth.dmarc.psl import SuffixList, load_suffix_list
from mailauth.dmarc.record import Record, parse, publishes

__all__ = [
    "Ahead",
    "Record",
    "SuffixList",
    "check",
    "find_policy",
    "load_suffix_list",
    "parse",
    "publishes",
    "walk",
    "walk_names",
    "walks_ahead",
]
