"""mailauth: who really sent this message?

SPF, DKIM, ARC and DMARC verification for receivers of mail: raw message and connection in, verdicts with reasons and
an `Authentication-Results` field out. `authenticate` does it all; `mailauth.aio` is the same for event loops.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mailauth import arc, authres, dkim, dmarc, iprev, resolvers, spf
from mailauth._version import __version__
from mailauth.authenticate import Authentication, authenticate, evaluate
from mailauth.authres.write import HeaderField
from mailauth.connection import Connection
from mailauth.dns import Answer, Evaluation, Question, Status, gather, run
from mailauth.errors import MailauthError, UsageError
from mailauth.limits import Limits, Options
from mailauth.message import Message
from mailauth.results import Disposition, Malformed, Reason, Result

if TYPE_CHECKING:
    from mailauth import aio as aio
    from mailauth import reference as reference
    from mailauth import testing as testing

__all__ = [
    "Answer",
    "Authentication",
    "Connection",
    "Disposition",
    "Evaluation",
    "HeaderField",
    "Limits",
    "MailauthError",
    "Malformed",
    "Message",
    "Options",
    "Question",
    "Reason",
    "Result",
    "Status",
    "UsageError",
    "__version__",
    "arc",
    "authenticate",
    "authres",
    "dkim",
    "dmarc",
    "evaluate",
    "gather",
    "iprev",
    "resolvers",
    "run",
    "spf",
]

_EDGES = frozenset({"aio", "reference", "testing"})


def __getattr__(name: str) -> Any:
    if name in _EDGES:
        return import_module(f"mailauth.{name}")
    msg = f"module 'mailauth' has no attribute {name!r}"
    raise AttributeError(msg)
