"""Figures for Prometheus: verdicts, decisions, times, DNS answers, limits. Needs the extra `metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from mailauth.serve.judge import Judged

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counts what a `Judge` tells: give it `observe` as an observer.

    Labels are words of this package, of the rules and of the filters; a stranger cannot add to them.

    Args:
        registry: where the figures are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "mailauth_decisions", "Messages by what was decided", ["action", "rule"], registry=registry
        )
        self._results = Counter("mailauth_results", "Results of the checks", ["check", "result"], registry=registry)
        self._limits = Counter(
            "mailauth_limits", "Outcomes that a limit decided", ["check", "limit"], registry=registry
        )
        self._answers = Counter("mailauth_dns_answers", "Answers of DNS that were used", ["status"], registry=registry)
        self._seconds = Histogram(
            "mailauth_seconds", "Seconds to judge a message, DNS included", buckets=_SECONDS, registry=registry
        )
        self._octets = Counter("mailauth_octets", "Octets of the messages", registry=registry)
        self._counted = Counter(
            "mailauth_report_messages", "Messages counted for DMARC reports", ["fate"], registry=registry
        )

    def observe(self, judged: Judged) -> None:
        """Count a message."""
        authentication, decision = judged.authentication, judged.decision
        self._decisions.labels(str(decision.action), decision.rule).inc()
        for outcome in authentication.outcomes:
            self._results.labels(outcome.check, str(outcome.result)).inc()
            kind, _, limit = str(outcome.reason).partition(":")
            if kind == "limit":
                self._limits.labels(outcome.check, limit).inc()
        for _, answer in authentication.dns:
            self._answers.labels(answer.status.name.lower()).inc()
        self._seconds.observe(judged.seconds)
        self._octets.inc(judged.octets)

    def counted(self, fate: str, messages: int) -> None:
        """Count messages that a `Collector` has "kept", or "lost"."""
        self._counted.labels(fate).inc(messages)
