"""mailauth: who really sent this message?

SPF, DKIM, ARC and DMARC verification for receivers of mail: raw message and connection in, verdicts with reasons and
an `Authentication-Results` field out. `authenticate` does it all; `mailauth.aio` is the same for event loops.

Every name is loaded when it is first used, so that to import the package costs next to nothing.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mailauth._version import __version__

if TYPE_CHECKING:
    from mailauth import aio as aio
    from mailauth import arc, authres, dkim, dmarc, iprev, resolvers, spf
    from mailauth import reference as reference
    from mailauth import testing as testing
    from mailauth.authenticate import Authentication, authenticate, evaluate
    from mailauth.authres.write import HeaderField
    from mailauth.connection import Connection
    from mailauth.dns import Answer, Evaluation, Question, Status, gather, run
    from mailauth.errors import MailauthError, UsageError
    from mailauth.limits import Limits, Options
    from mailauth.message import Message
    from mailauth.results import Disposition, Malformed, Reason, Result

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

_MODULES = {
    "address",
    "aio",
    "arc",
    "authres",
    "connection",
    "dkim",
    "dmarc",
    "dns",
    "errors",
    "iprev",
    "limits",
    "message",
    "names",
    "reference",
    "resolvers",
    "results",
    "spf",
    "taglist",
    "testing",
}
_PLACES = {
    "Answer": "dns",
    "Authentication": "authenticate",
    "Connection": "connection",
    "Disposition": "results",
    "Evaluation": "dns",
    "HeaderField": "authres",
    "Limits": "limits",
    "MailauthError": "errors",
    "Malformed": "results",
    "Message": "message",
    "Options": "limits",
    "Question": "dns",
    "Reason": "results",
    "Result": "results",
    "Status": "dns",
    "UsageError": "errors",
    "authenticate": "authenticate",
    "evaluate": "authenticate",
    "gather": "dns",
    "run": "dns",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module  # noqa: PLC0415  only where something is loaded

    if name in _MODULES:
        return import_module(f"mailauth.{name}")
    if name not in _PLACES:
        msg = f"module 'mailauth' has no attribute {name!r}"
        raise AttributeError(msg)
    # The core as a whole, always in this order: threads that begin together would wait for each other's modules
    import_module("mailauth.authenticate")
    value = getattr(import_module(f"mailauth.{_PLACES[name]}"), name)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


class _Package(ModuleType):
    """The package: `mailauth.authenticate` is the function, also when the module of this name has been imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "authenticate" and isinstance(value, ModuleType):
            value = value.authenticate
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
