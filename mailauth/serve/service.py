"""The milter as a service: built from its configuration, told by signals to stop or to read it again.

The only module that knows all the parts; it decides nothing.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from mailauth import policy
from mailauth.authentication import Authentication
from mailauth.authres import forged_fields, write
from mailauth.authres.write import authserv_id_of
from mailauth.connection import Connection
from mailauth.dmarc import load_suffix_list
from mailauth.errors import MailauthError, UsageError
from mailauth.extras import needing
from mailauth.filters import Chain, Filter, load
from mailauth.message.fields import Message
from mailauth.policy.decision import Decision, reply
from mailauth.reports.store import Store
from mailauth.resolvers import AsyncDnspythonResolver, Cached, DnspythonResolver, Zone
from mailauth.results import Disposition
from mailauth.serve import config as configuration
from mailauth.serve import log, notify
from mailauth.serve.collector import Collector
from mailauth.serve.config import Config
from mailauth.serve.judge import Judge, Judged
from mailauth.serve.milter import MilterServer
from mailauth.stores import open_store
from mailauth.stores.opening import check_packages

_LOGGER = logging.getLogger("mailauth.service")
_PAGES_SECONDS = 4.0  # for the logo and the certificate of a message, which mail can do without
_TOO_LARGE = reply(552, "5.3.4", "the message is too large")  # RFC 3463 §3.4


class Parts:
    """What a configuration makes: a judge, and what goes around it.

    Args:
        config: the configuration.
        observers: what else is told of judged messages; they may outlive a configuration.

    Raises:
        MailauthError: for filters or a zone that cannot be read.
    """

    def __init__(self, config: Config, observers: Sequence[Callable[[Judged], None]] = ()) -> None:
        self.config = config
        # Refused here if it cannot be written, and not with each message
        self.authserv_id = authserv_id_of(config.authserv_id or socket.gethostname())
        if config.options.public_suffix_list is not None:
            # Not with each message
            load_suffix_list(config.options.public_suffix_list)
        # A filter may be skipped where it fails, the policy may not
        rules = Filter(self._policy, "policy", "defer", None)
        filters = [each for path in config.filters.files for each in load(path)]
        self._judge = Judge(
            Chain([*filters, rules]).run_async,
            resolver=resolver(config.dns, AsyncDnspythonResolver),
            authserv_id=self.authserv_id,
            limits=config.limits,
            options=config.options,
            fetcher=_fetcher(config),
            observers=[log.observer(personal=config.log.personal), *observers],
        )

    def _policy(self, auth: Authentication, message: Message, _: Connection) -> Decision:
        return policy.decide(auth, self.config.policy, message=message)

    def skip(self, connection: Connection) -> bool:
        """Return whether the mail of a client is accepted untouched: it comes from hosts of our own."""
        if connection.login is not None:
            return False
        loopback = connection.address is not None and connection.address.is_loopback
        return (loopback and self.config.milter.skip_loopback) or policy.local_client(
            connection, self.config.policy
        ) is not None

    async def judge(self, raw: bytes, connection: Connection) -> Decision:
        """Decide about a message. That of a user who logged in is not checked, but a user is none of our hosts."""
        if connection.login is not None:
            return Decision(rule="local", remove=self._forged(raw))
        return await self._judge(raw, connection)

    async def too_large(self, header: bytes, connection: Connection) -> Decision:
        """Decide about a message that is too large to be judged."""
        if connection.login is not None:
            return await self.judge(header, connection)
        if self.config.milter.too_large == "reject":
            return Decision(action=Disposition.REJECT, rule="too-large", reply=_TOO_LARGE)
        return await self.unjudged(header, connection)

    async def unjudged(self, header: bytes, _: Connection) -> Decision:
        """Accept a message that was not judged; what is forged in our name is removed all the same."""
        _LOGGER.warning("message accepted without a check")
        # RFC 8601 §2.2: no method was tried
        return Decision(rule="unjudged", add=(write(self.authserv_id, ()),), remove=self._forged(header))

    def _forged(self, header: bytes) -> tuple[int, ...]:
        # RFC 8601 §5: whatever did not come directly from another trusted MTA
        message = Message.parse(header, self.config.limits)
        forged = forged_fields(message, {self.authserv_id, *self.config.options.authserv_ids})
        if "bimi" not in self.config.options.checks:
            return forged
        from mailauth.bimi.fields import inbound  # noqa: PLC0415  large, and needed here only

        return tuple(sorted({*forged, *inbound(message)}))


def resolver(dns: configuration.Dns, kind: type[Any]) -> Any:
    """Return what answers questions.

    Args:
        dns: where answers come from.
        kind: `DnspythonResolver` or `AsyncDnspythonResolver`.

    Raises:
        UsageError: for a zone that cannot be read.
    """
    if dns.zone is not None:
        try:
            return Zone.load(dns.zone)
        except OSError as error:
            msg = f"[dns] zone: {dns.zone}: {error.strerror}: give the path of a zone file"
            raise UsageError(msg) from None
    servers = list(dns.nameservers) or None
    return Cached(kind(servers, timeout=dns.timeout, port=dns.port))


def _fetcher(config: Config) -> Any:
    """Return what fetches the logos, None where nobody asks for them."""
    if "bimi" not in config.options.checks:
        return None
    from mailauth import bimi  # noqa: PLC0415  large, and needed here only

    # Refused here, and not with each message
    bimi.trusted(config.options.mark_roots)
    # In a thread it asks a resolver of its own
    asked = resolver(config.dns, DnspythonResolver)
    if config.dns.zone is not None:
        return asked
    from mailauth.fetchers import HttpsFetcher, InThread, Kept  # noqa: PLC0415  only for those who fetch

    return InThread(Kept(HttpsFetcher(asked, timeout=_PAGES_SECONDS)))


def set_up_log(settings: configuration.Log) -> None:
    """Send the log of this package to standard error, and to nothing else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(log.Formatter(as_json=settings.form == "json"))
    logger = logging.getLogger("mailauth")
    logger.handlers[:] = [handler]
    logger.setLevel(settings.level.upper())
    logger.propagate = False


class Service:
    """A milter and its configuration, which can be replaced while it runs.

    Args:
        path: the configuration file, for `reload`.
        config: what it says.

    Raises:
        MailauthError: if something that the configuration names cannot be used.
        OSError: if the metrics cannot be offered.
    """

    def __init__(self, path: str, config: Config) -> None:
        set_up_log(config.log)
        self._path = path
        self._metrics = _metrics(config.metrics)
        self._collector = collector(config.reports, self._metrics)
        self._stopping: list[Collector] = []
        self._parts = Parts(config, self._observers(self._collector))
        settings = config.milter
        self._server = MilterServer(
            self._parts.judge,
            skip=self._skip,
            too_large=self._too_large,
            on_error=self._unjudged if settings.on_error == "accept" else None,
            marker=settings.marker if settings.quarantine == "field" else None,
            max_bytes=settings.max_bytes,
            max_held=settings.max_held,
            max_connections=settings.max_connections,
            idle_seconds=settings.idle_seconds,
            judge_seconds=settings.judge_seconds,
        )

    def _observers(self, collecting: Collector | None) -> list[Callable[[Judged], None]]:
        return [each.observe for each in (self._metrics, collecting) if each is not None]

    def _skip(self, connection: Connection) -> bool:
        return self._parts.skip(connection)

    async def _too_large(self, header: bytes, connection: Connection) -> Decision:
        return await self._parts.too_large(header, connection)

    async def _unjudged(self, raw: bytes, connection: Connection) -> Decision:
        return await self._parts.unjudged(raw, connection)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again.

        Raises:
            OSError: if it cannot listen.
        """
        settings = self._parts.config.milter
        mode = int(settings.mode, 8)
        await self._server.start(*settings.listen, mode=mode, user=settings.user, group=settings.group)
        if self._collector is not None:
            self._collector.start()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        notify.notify("READY=1")
        await stop.wait()
        notify.notify("STOPPING=1")
        await self._server.stop(settings.grace_seconds)
        self._replace_collector(None)
        for each in self._stopping:
            await asyncio.to_thread(each.join, settings.grace_seconds)

    def _replace_collector(self, new: Collector | None) -> None:
        """Have another count from now on; the old one writes what it has, while messages are judged."""
        if self._collector is not None:
            self._collector.stop()
            self._stopping.append(self._collector)
        self._collector = new
        if new is not None:
            new.start()

    def reload(self) -> None:
        """Read the configuration again; one that cannot be used changes nothing."""
        notify.reloading()
        before = self._parts.config
        problem = ""
        try:
            config = configuration.load(self._path)
            same = config.reports == before.reports
            collecting = self._collector if same else collector(config.reports, self._metrics)
            self._parts = Parts(config, self._observers(collecting))
        except MailauthError as error:
            problem = str(error)
        for line in problem.splitlines():
            _LOGGER.error("the old configuration remains: %s", line)
        if not problem:
            if not same:
                self._replace_collector(collecting)
            set_up_log(config.log)
            self._server.judge = self._parts.judge
            if (config.milter, config.metrics) != (before.milter, before.metrics):
                _LOGGER.warning("most changes of [milter] and [metrics] need a restart")
            _LOGGER.info("the configuration was read again")
        notify.notify("READY=1")


def store_of(settings: configuration.Reports) -> Callable[[], Store] | None:
    """Return what opens the store; None where there is none.

    Raises:
        UsageError: if whoever gets a report could not know who sent it, and where a package is missing.
    """
    url = settings.store
    if url is None:
        return None
    if not (settings.org_name and settings.email):
        raise UsageError("[reports] store: give org_name and email too: a report says who sent it")
    check_packages(url)
    return lambda: open_store(url, period_seconds=settings.period_hours * 3600)


def collector(settings: configuration.Reports, metrics: Any = None) -> Collector | None:
    """Return what counts messages for reports; None where nothing is to be counted.

    Args:
        settings: where it is kept.
        metrics: `Metrics`, which are told how many were counted.

    Raises:
        UsageError: see `store_of`.
    """
    opening = store_of(settings)
    if opening is None:
        return None
    return Collector(
        opening,
        period_seconds=settings.period_hours * 3600,
        retention_seconds=settings.retention_days * 86400,
        told=None if metrics is None else metrics.counted,
    )


def _metrics(settings: configuration.Metrics) -> Any:
    """Offer the figures where they are wanted; return what counts, `serve.metrics.Metrics`."""
    if not settings.port:
        return None
    with needing("[metrics]", "metrics"):
        from prometheus_client import REGISTRY, start_http_server  # noqa: PLC0415  an extra

        from mailauth.serve.metrics import Metrics  # noqa: PLC0415  as above
    metrics = Metrics(REGISTRY)
    start_http_server(settings.port, settings.address)
    return metrics
