"""What there is to know of one reason, and the words that several checks share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Everything about one reason.

    `meaning` is one sentence. `source` names the RFC sections, after "choice" where they leave the point open.
    `sender` is what the sender's administrator should do, empty when the reason always comes with a pass. `receiver`
    is what the receiver may do, or how to read the outcome. `results` are the outcomes it comes with, such as
    "spf=pass".
    """

    meaning: str
    source: str
    sender: str
    receiver: str
    results: tuple[str, ...]


BROKEN = ("dkim=permerror", "arc=fail")
DMARC_PERMERROR = ("dmarc=permerror",)
