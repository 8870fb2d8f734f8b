"""Reports that are due, sent to those who asked for them: what `mailauth report send` does.

Safe to kill at any time, and to run several times at once: a report is leased, and what became of it at a destination
is settled before the next is tried. SMTP leaves one gap that no sender can close: where it dies or loses the connection
between the end of a mail and the settlement, the mail may have arrived, and is sent again. It is the same mail then,
with the same Report-ID and file, which tells a reader of reports to count it once (RFC 9990 §3.5.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from mailauth import files as on_disk
from mailauth import names
from mailauth._version import __version__
from mailauth.context import Context
from mailauth.dkim import Signer, sign
from mailauth.dmarc.discovery import OrganizationalDomain
from mailauth.dns import run
from mailauth.errors import UsageError
from mailauth.message.edit import edited
from mailauth.reports.destinations import MAX_DESTINATIONS, Destination, Permission, address_of, check
from mailauth.reports.mail import Oversize, files, message
from mailauth.reports.store import Delivery, Due, Store
from mailauth.reports.values import Metadata, Reporter
from mailauth.serve.relay import Mail, Sent
from mailauth.text import shown

_LEASE = 3600  # seconds, which no report takes
_LAST_RETRY = 6 * 3600
_DAY = 86400
# RFC 5321 §4.5.4.1: at least 4-5 days
_GIVE_UP = 5 * _DAY
_SUPPRESSED = 30 * _DAY
_DNS_SECONDS = 20  # for a report: others wait, and it is tried again
_MAX_NAME = 150  # characters
_NOT_NAME = re.compile("[^A-Za-z0-9.!_-]")


class Transport(Protocol):
    """Takes mails: a `Relay`, or a `Folder`."""

    def send(self, mail: Mail) -> Sent:
        """Say what became of a mail."""


class Folder:
    """Keeps mails as files in place of sending them. A mail that is sent again replaces its file.

    Args:
        path: of a folder that exists.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def send(self, mail: Mail) -> Sent:
        """Write a mail to its file."""
        try:
            on_disk.replace(self._path / mail.name, mail.octets)
        except OSError as error:
            return Sent("later", f"cannot write {error.filename}: {error.strerror}", about="relay")
        return Sent("sent", f"written to {mail.name}")


class Step(NamedTuple):
    """What was done about a report at one destination.

    Attributes:
        due: the report.
        destination: the URI of rua=, or the address that it led to; "" if there is none.
        state: "sent", "refused" or "retry"; "pending" where nothing was tried.
        detail: why, in one line.
    """

    due: Due
    destination: str
    state: Literal["sent", "refused", "retry", "pending"]
    detail: str


class RelayGoneError(Exception):
    """The relay takes no mail at all: what is left waits for the next run."""


class Sender:
    """Sends the reports that are due.

    Args:
        store: where they are.
        transport: takes the mails.
        resolver: see `mailauth.authenticate`.
        reporter: who we are; mails come from its address.
        owner: a name of this run that no other has.
        clock: the time in POSIX seconds.
        submitter: the domain of this receiver; None is that of the reporter's address.
        signer: signs the mails; None leaves that to the relay.
        form: see `reports.write`.
        context: limits and options for the questions about destinations.
        organizational_domain: see `reports.destinations.check`.

    Raises:
        UsageError: for a reporter or a submitter that no mail can name.
    """

    def __init__(
        self,
        store: Store,
        transport: Transport,
        resolver: Any,
        reporter: Reporter,
        *,
        owner: str,
        clock: Callable[[], float],
        submitter: str | None = None,
        signer: Signer | None = None,
        form: Literal["rfc9990", "rfc7489"] = "rfc9990",
        context: Context | None = None,
        organizational_domain: OrganizationalDomain | None = None,
    ) -> None:
        self._store = store
        self._transport = transport
        self._resolver = resolver
        self._owner = owner
        self._clock = clock
        email = address_of(reporter.email)
        if email is None or not reporter.org_name:
            msg = f"email {shown(reporter.email)}: give an address of plain words, and the name of your organisation"
            raise UsageError(msg)
        self._reporter = replace(reporter, email=email)
        self._submitter = submitter or email.rpartition("@")[2]
        if names.to_ascii(self._submitter) is None:
            msg = f"submitter {shown(submitter)}: give the domain name of this receiver, such as 'mx.example.org'"
            raise UsageError(msg)
        self._signer = signer
        self._form = form
        self._context = context
        self._organizational_domain = organizational_domain

    def run(self) -> Iterator[Step]:
        """Send what is due, until nothing is; yields what became of each destination, once it is settled.

        Raises:
            StoreError: if the store fails. What was settled remains.
            RelayGoneError: if the relay takes no mail at all. What is left is due later.
        """
        while (due := self._store.lease(self._owner, self._now(), _LEASE)) is not None:
            try:
                yield from self._report(due)
            except UsageError as error:
                # What no report can hold may not be in the way of the others
                delivery = self._later(due, "", str(error))
                self._store.settle(due, self._owner, (delivery,))
                yield Step(due, *delivery[:3])

    def pending(self) -> Iterator[Step]:
        """Say what a run would do now, and do nothing. Raises: StoreError."""
        for due in self._store.pending(self._now()):
            recipients, settled, _ = self._plan(due)
            yield from [Step(due, *each[:3]) for each in settled]
            yield from [Step(due, each.uri, "pending", f"to {each.address}") for each in recipients]

    def _now(self) -> int:
        return int(self._clock())

    def _report(self, due: Due) -> Iterator[Step]:
        recipients, settled, limit = self._plan(due)
        before = [each for each in due.deliveries if each.state != "retry"]
        # What is open is known before the first mail: a run that is killed leaves no destination out
        if not self._store.settle(due, self._owner, tuple(settled)):
            return
        yield from [Step(due, *each[:3]) for each in settled]
        for recipient in recipients:
            sent = self._mail(due, recipient, limit)
            delivery = self._judged(due, recipient, sent)
            if not self._store.settle(due, self._owner, (delivery,)):
                # It took longer than the lease, and another run has it
                return
            settled.append(delivery)
            yield Step(due, *delivery[:3])
            if sent.about == "relay":
                raise RelayGoneError(sent.detail)
        if all(each.state != "retry" for each in (*before, *settled)):
            self._store.drop(due, self._owner)

    def _plan(self, due: Due) -> tuple[list[Destination], list[Delivery], int | None]:
        """Return who is to get a report now, what is settled without a mail, and how large mails may be.

        The limit is that of all addresses, also of those that have the report already: parts that were made for another
        would have the same names.
        """
        done = {each.uri for each in due.deliveries if each.state != "retry"}
        everybody: dict[str, Destination] = {}
        settled, limits = [], []
        for permission in self._permissions(due):
            uri = permission.destination.uri
            if permission.state == "retry":
                settled.append(self._later(due, uri, permission.detail))
                limits.append(permission.destination.max_bytes)
            elif permission.state == "refused" and uri not in done:
                settled.append(Delivery(uri, "refused", permission.detail))
            for recipient in permission.recipients:
                everybody.setdefault(recipient.address, recipient)
                limits.append(recipient.max_bytes)
        recipients = []
        for number, recipient in enumerate(everybody.values()):
            if recipient.uri in done:
                continue
            if number >= MAX_DESTINATIONS:
                # Ten URIs may lead to hosts that name ten addresses each: no report is a hundred mails
                settled.append(Delivery(recipient.uri, "refused", f"a report goes to {MAX_DESTINATIONS} addresses"))
            elif (why := self._store.suppressed(recipient.address, self._now())) is not None:
                settled.append(Delivery(recipient.uri, "refused", why))
            else:
                recipients.append(recipient)
        return recipients, settled, min(filter(None, limits), default=None)

    def _permissions(self, due: Due) -> tuple[Permission, ...]:
        policy, rua, _ = due.configuration
        evaluation = check(policy.domain, rua, self._context, organizational_domain=self._organizational_domain)
        return run(evaluation, self._resolver, seconds=_DNS_SECONDS)

    def _mail(self, due: Due, recipient: Destination, limit: int | None) -> Sent:
        """Send a report to one address: one mail, or several where sizes are limited."""
        metadata = Metadata(
            reporter=self._reporter,
            report_id=due.report_id,
            period=due.period,
            policy=due.configuration.policy,
            generator=f"mailauth {__version__}",
        )
        number = left_out = 0
        sent = Sent("refused", "", about="mail")
        for file in files(metadata, self._store.each(due), self._submitter, max_bytes=limit, form=self._form):
            if isinstance(file, Oversize):
                left_out += 1
                continue
            octets = message(file, recipient.address, date=self._now())
            if self._signer is not None:
                octets = edited(octets, [sign(octets, self._signer, now=self._now())])
            mark = sha256(f"{file.name}\n{recipient.address}".encode()).hexdigest()[:24]
            name = f"{_NOT_NAME.sub('_', file.name)[:_MAX_NAME]}.{mark}.eml"
            sent = self._transport.send(Mail(name, self._reporter.email, recipient.address, octets))
            if sent.state != "sent":
                return sent
            number += 1
        said = [sent.detail] if number < 2 else [f"{number} mails", sent.detail]
        if left_out:
            said.append(f"{left_out} rows are larger than the limit of {limit} octets")
        return sent._replace(detail="; ".join([each for each in said if each]))

    def _judged(self, due: Due, recipient: Destination, sent: Sent) -> Delivery:
        """Return what a reply means for the report, and remember who does not want any."""
        if sent.state == "later":
            return self._later(due, recipient.uri, sent.detail, final=sent.about != "relay")
        if sent.state == "refused" and sent.about == "recipient":
            self._store.suppress(recipient.address, sent.detail, self._now() + _SUPPRESSED)
        return Delivery(recipient.uri, sent.state, sent.detail)

    def _later(self, due: Due, uri: str, detail: str, *, final: bool = True) -> Delivery:
        now = self._now()
        # However late a report is, one reply is not the last word
        if final and due.attempts > 2 and now - due.period.end > _GIVE_UP:
            return Delivery(uri, "refused", f"given up: {detail}")
        return Delivery(uri, "retry", detail, now + min(_LEASE << min(due.attempts - 1, 8), _LAST_RETRY))
