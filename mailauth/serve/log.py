"""The log of a service: one line an event, its facts as fields; no personal data unless that is asked for."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

from mailauth.results import to_plain
from mailauth.serve.judge import Judged
from mailauth.serve.milter import QUEUE_ID
from mailauth.text import safe

LOGGER = logging.getLogger("mailauth.decisions")
# What every record has; the rest are the fields that an event was logged with
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN = re.compile(r"[!#-<>-~]+")  # a value that needs no quotes: printable, without a space, a quote or "="


class Formatter(logging.Formatter):
    """Writes a record as JSON, or as a sentence with `key=value` after it.

    A journal adds the time itself, so only JSON has one.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return one line that contains no control character, whatever the values contain."""
        message = record.getMessage()
        # What is logged while a message is judged names the message
        known = {"queue_id": QUEUE_ID.get() or None, **vars(record)}
        fields = {name: value for name, value in known.items() if name not in _USUAL and value is not None}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if self._as_json:
            head = {"time": round(record.created, 3), "level": record.levelname.lower(), "event": message}
            return json.dumps(to_plain({**head, **fields}))
        words = (f"{name}={_value(value)}" for name, value in fields.items())
        return safe(" ".join([f"{record.levelname.lower()}: {message}", *words]))


def _value(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def observer(*, personal: bool) -> Callable[[Judged], None]:
    """Return an observer that logs each decision.

    Args:
        personal: log also the address and HELO name of the client, the reverse-path and the words of the decision.
    """

    def log(judged: Judged) -> None:
        authentication, decision = judged.authentication, judged.decision
        results: dict[str, list[str]] = {}
        for outcome in authentication.outcomes:
            results.setdefault(outcome.check.replace(" ", "_"), []).append(str(outcome.result))
        dmarc, known = authentication.dmarc, authentication.connection
        fields: dict[str, Any] = {
            "action": str(decision.action),
            "rule": decision.rule,
            "author_domain": dmarc.author_domain if dmarc is not None else None,
            **results,
            "missed": decision.missed or None,
            "override": decision.override.type if decision.override is not None else None,
            "octets": judged.octets,
            "questions": len(authentication.dns),
            "ms": round(judged.seconds * 1000),
        }
        if personal:
            fields |= {"ip": known.ip, "helo": known.helo, "mail_from": known.mail_from, "detail": decision.detail}
        LOGGER.info("message judged", extra=fields)

    return log
