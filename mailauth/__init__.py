"""mailauth: who really sent this message?

SPF, DKIM, ARC and DMARC verification for receivers of mail: raw message and connection in, verdicts with reasons and
an `Authentication-Results` field out. `authenticate` does it all; `mailauth.aio` is the same for event loops.

The core is loaded with the package. What not every user needs, `aio`, `attachments`, `bimi`, `dane`, `dnslists`,
`explain`, `fetchers`, `filters`, `lookalike`, `mta_sts`, `opinions`, `policy`, `posture`, `reports`, `resolvers`,
`saved`, `stores`, `testing` and `tls_rpt`, is loaded when it is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mailauth import arc, authres, dkim, dmarc, iprev, spf
from mailauth._version import __version__
from mailauth.authentication import Authentication
from mailauth.compose import evaluate
from mailauth.connection import Connection
from mailauth.context import Context
from mailauth.dns import Answer, Evaluation, Question, Status, gather, run
from mailauth.errors import MailauthError, UsageError
from mailauth.limits import Limits, Options
from mailauth.message import Message
from mailauth.message.edit import HeaderField
from mailauth.results import Disposition, Malformed, Problem, Reason, Result
from mailauth.sync import authenticate

if TYPE_CHECKING:
    from mailauth import aio as aio
    from mailauth import attachments as attachments
    from mailauth import bimi as bimi
    from mailauth import dane as dane
    from mailauth import dnslists as dnslists
    from mailauth import explain as explain
    from mailauth import fetchers as fetchers
    from mailauth import filters as filters
    from mailauth import lookalike as lookalike
    from mailauth import mta_sts as mta_sts
    from mailauth import opinions as opinions
    from mailauth import policy as policy
    from mailauth import posture as posture
    from mailauth import reports as reports
    from mailauth import resolvers
    from mailauth import saved as saved
    from mailauth import stores as stores
    from mailauth import testing as testing
    from mailauth import tls_rpt as tls_rpt

__all__ = [
    "Answer",
    "Authentication",
    "Connection",
    "Context",
    "Disposition",
    "Evaluation",
    "HeaderField",
    "Limits",
    "MailauthError",
    "Malformed",
    "Message",
    "Options",
    "Problem",
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

_WHEN_NAMED = frozenset(
    [
        "aio",
        "attachments",
        "bimi",
        "dane",
        "dnslists",
        "explain",
        "fetchers",
        "filters",
        "lookalike",
        "mta_sts",
        "opinions",
        "policy",
        "posture",
        "reports",
        "resolvers",
        "saved",
        "stores",
        "testing",
        "tls_rpt",
    ]
)


def __getattr__(name: str) -> Any:
    if name not in _WHEN_NAMED:
        msg = f"module 'mailauth' has no attribute {name!r}"
        raise AttributeError(msg)
    return import_module(f"mailauth.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHEN_NAMED})
