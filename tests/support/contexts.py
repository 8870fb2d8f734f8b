"""The context of a check out of the arguments of a test."""

from __future__ import annotations

from typing import Any

from mailauth import Context


def taken(arguments: dict[str, Any], **defaults: Any) -> Context:
    """Take out of the arguments what belongs to a `Context`, and return it; None stands for what it has by itself."""
    given = defaults | {n: arguments.pop(n) for n in ("limits", "options", "now", "receiver", "uses") if n in arguments}
    return Context(**{name: value for name, value in given.items() if value is not None})
