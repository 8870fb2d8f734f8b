"""One connection of a mail server that speaks the milter protocol: octets in, octets and whole messages out.

Takes part in the negotiation, rebuilds each message octet by octet, and turns a decision about it into replies. What
the mail server does not offer is not used. Knows no socket and no clock, and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from typing import ClassVar

from mailauth.connection import Connection
from mailauth.errors import UsageError
from mailauth.policy.decision import Decision
from mailauth.serve.milter import codec
from mailauth.serve.milter.codec import Action, ProtocolError, Step
from mailauth.serve.milter.orders import write_orders

MAX_BYTES = 64 << 20
MARKER = "X-Spam"
# By stage: CONNECT, HELO, MAIL, RCPT, DATA, end of body, end of header. Sendmail takes the list of the end of the body
# only where there is one for the end of the header
_WANTED: dict[int, tuple[bytes, ...]] = {
    0: (b"_", b"{client_name}"),
    1: (b"{tls_version}", b"{cipher}"),
    2: (b"i", b"{auth_authen}", b"{auth_type}"),
    3: (),
    4: (),
    5: (b"i",),
    6: (),
}
_NAMES = frozenset(name for names in _WANTED.values() for name in names)
_VALUE_LENGTH = 1024  # of a macro
_ENVELOPE_BYTES = 1 << 20
_OVERHEAD = 64  # octets of memory that a recipient takes besides its text
_LINE_END = re.compile(rb"\r?\n")
# RFC 5321 §4.2.3
_HEADER_TOO_LARGE = codec.reply_code("552 5.3.4 The header section of the message is too large")
_ACTIONS = Action.ADD_HEADERS | Action.CHANGE_HEADERS | Action.SET_MACROS
# What is not needed is not sent. A reply to MAIL may end something, as one to BODY does in SKIP
_STEPS = sum(Step) - Step.NO_REPLY_BODY


class State(Enum):
    """How far a connection is."""

    NEW = "before the negotiation"
    IDLE = "between messages"
    ENVELOPE = "in an envelope"
    HEADER = "in a header section"
    BODY = "in a body"
    WHOLE = "after a message"


_IN_MESSAGE = {State.ENVELOPE, State.HEADER, State.BODY}
_ALWAYS = {State.IDLE} | _IN_MESSAGE


@dataclass(frozen=True, slots=True)
class Whole:
    """A message that is waiting for a decision.

    Attributes:
        message: its octets; of one that is too large, the header section.
        connection: what the mail server said of the client and the envelope.
        macros: further values by name, such as "i" (the queue identifier) and "{client_name}".
        exact: the header section is as it was received. Otherwise the mail server may have taken one space after each
            colon away, and there is one, whether there was or not.
        too_large: the message has more octets than the limit.
    """

    message: bytes
    connection: Connection
    macros: Mapping[str, str]
    exact: bool
    too_large: bool


def own_client(connection: Connection) -> bool:
    """Return whether a client is this host or has authenticated, so that its mail is not to be checked."""
    return connection.login is not None or (connection.address is not None and connection.address.is_loopback)


class Session:
    """One connection of a mail server.

    Args:
        skip: asked at MAIL, whether the message of a client passes unchecked.
        max_bytes: octets of the largest message that is kept.
        marker: the name of the field that marks a message to quarantine ("Yes", and the folder); fields of that name
            from outside are deleted. None holds the message in the queue of the mail server instead, if that can.
    """

    def __init__(
        self,
        *,
        skip: Callable[[Connection], bool] = own_client,
        max_bytes: int = MAX_BYTES,
        marker: str | None = MARKER,
    ) -> None:
        """Begin before the negotiation."""
        self._skip, self._max_bytes, self._marker = skip, max_bytes, marker
        self._frames = codec.Frames()
        self.agreed = codec.Offer(0, 0, 0)
        self.closed = False
        self._forget_client()
        self._state = State.NEW

    def _forget_client(self) -> None:
        self._ip: str | None = None
        self._helo: str | None = None
        self._client_macros: dict[bytes, bytes] = {}
        self._forget_message()

    def _forget_message(self) -> None:
        self._state = State.IDLE
        self._mail_from = ""
        self._requiretls = False
        self._recipients: list[str] = []
        self._macros: dict[bytes, bytes] = {}
        self._content = BytesIO()
        self._header_end = self._envelope_octets = 0
        self._too_large = False
        self._whole: Whole | None = None

    @property
    def held(self) -> int:
        """How many octets are kept here."""
        message = self._content.tell() if self._whole is None else len(self._whole.message)
        return self._frames.held + message + self._envelope_octets

    @property
    def idle(self) -> bool:
        """Whether nothing is lost if the connection ends here: it is between messages, and between packets."""
        return self._state in {State.NEW, State.IDLE} and not self._frames.held

    @property
    def sending(self) -> bool:
        """Whether the mail server is in the middle of a packet or of a message, so that silence is not its client's."""
        return self._state in {State.HEADER, State.BODY} or bool(self._frames.held)

    def receive(self, data: bytes = b"") -> tuple[bytes, Whole | None]:
        """Take the next octets; return octets to send, and a message to decide about.

        After a message nothing more is read until `answer`; then call it again for what followed.

        Raises:
            ProtocolError: for octets that are not the protocol; the connection must be closed.
        """
        self._frames.feed(data)
        replies: list[bytes] = []
        while self._state is not State.WHOLE and not self.closed and (found := self._frames.next()):
            letter, data = found
            if letter not in self._COMMANDS:
                msg = f"an unknown command, {letter[0]:#04x}"
                raise ProtocolError(msg)
            handle, states, no_reply = self._COMMANDS[letter]
            if self._state not in states:
                msg = f"command {letter.decode()} {self._state.value}"
                raise ProtocolError(msg)
            reply = handle(self, data)
            if not self.agreed.steps & no_reply:
                replies.append(reply)
        return b"".join(replies), self._whole

    # --- commands: each returns the reply

    def _offer(self, data: bytes) -> bytes:
        offer = codec.read_offer(data)
        if offer.version < 2:
            msg = f"version {offer.version}"
            raise ProtocolError(msg)
        actions = offer.actions & (_ACTIONS | (Action.QUARANTINE if self._marker is None else 0))
        # Without SKIP, there is nothing to say to BODY
        steps = offer.steps & (_STEPS if offer.steps & Step.SKIP else _STEPS | Step.NO_REPLY_BODY)
        if not offer.actions & Action.QUARANTINE:
            self._marker = self._marker or MARKER
        self.agreed = codec.Offer(min(offer.version, codec.VERSION), actions, steps)
        self._state = State.IDLE
        return codec.negotiated(self.agreed, _WANTED if actions & Action.SET_MACROS else {})

    def _macro(self, data: bytes) -> bytes:
        letter, values = codec.read_macros(data)
        kept = {name: value[:_VALUE_LENGTH] for name, value in values.items() if name in _NAMES}
        (self._client_macros if letter in {b"C", b"H"} else self._macros).update(kept)
        return b""

    def _connect(self, data: bytes) -> bytes:
        _, family, address = codec.read_client(data)
        self._ip = _text(address) if family in {b"4", b"6"} else None
        return codec.CONTINUE

    def _hello(self, data: bytes) -> bytes:
        # RFC 5321 §4.1.4: EHLO ends a transaction
        self._forget_message()
        self._helo = _text(codec.read_strings(data)[0])
        return codec.CONTINUE

    def _mail(self, data: bytes) -> bytes:
        macros = self._macros
        self._forget_message()
        path, *parameters = codec.read_strings(data)
        self._mail_from, self._macros = _text(path), macros
        self._requiretls = any(each.upper() == b"REQUIRETLS" for each in parameters)
        if self._skip(self._connection()):
            self._forget_message()
            return codec.ACCEPT
        self._state = State.ENVELOPE
        return codec.CONTINUE

    def _rcpt(self, data: bytes) -> bytes:
        recipient = codec.read_strings(data)[0].removeprefix(b"<").removesuffix(b">")
        self._envelope_octets += len(recipient) + _OVERHEAD
        if self._envelope_octets > _ENVELOPE_BYTES:
            msg = "too many recipients"
            raise ProtocolError(msg)
        self._recipients.append(_text(recipient))
        return codec.CONTINUE

    def _header(self, data: bytes) -> bytes:
        self._state = State.HEADER
        name, value = codec.read_header(data)
        colon = b":" if self.agreed.steps & Step.LEADING_SPACE else b": "
        self._keep(b"".join((name, colon, _LINE_END.sub(b"\r\n", value), b"\r\n")))
        return codec.CONTINUE

    def _end_of_header(self, _: bytes) -> bytes:
        self._keep(b"\r\n")
        self._header_end = self._content.tell()
        self._state = State.BODY
        return codec.CONTINUE

    def _body(self, data: bytes) -> bytes:
        if self._state is not State.BODY:
            self._end_of_header(b"")
        self._keep(data)
        return codec.SKIP if self._too_large and self.agreed.steps & Step.SKIP else codec.CONTINUE

    def _end_of_body(self, data: bytes) -> bytes:
        self._body(data)
        if self._too_large and not self._header_end:
            self._forget_message()
            return _HEADER_TOO_LARGE
        message, self._content = self._content.getvalue(), BytesIO()
        macros = {name.decode(): _text(value) for name, value in (self._client_macros | self._macros).items()}
        exact = bool(self.agreed.steps & Step.LEADING_SPACE)
        self._whole = Whole(message, self._connection(), macros, exact, self._too_large)
        self._state = State.WHOLE
        return b""

    def _data(self, _: bytes) -> bytes:
        return codec.CONTINUE

    def _abort(self, _: bytes) -> bytes:
        self._forget_message()
        return b""

    def _quit(self, _: bytes) -> bytes:
        self.closed = True
        return b""

    def _new_connection(self, _: bytes) -> bytes:
        self._forget_client()
        return b""

    def _keep(self, octets: bytes) -> None:
        """Keep octets of the message; of one that is too large, the header section if that is not."""
        if not self._too_large and self._content.tell() + len(octets) > self._max_bytes:
            self._too_large = True
            self._content.truncate(self._content.seek(self._header_end))
        if not self._too_large:
            self._content.write(octets)

    def _connection(self) -> Connection:
        macros = self._client_macros | self._macros
        tls, login = macros.get(b"{tls_version}"), macros.get(b"{auth_authen}")
        cipher = macros.get(b"{cipher}")
        if tls is None and self.agreed.actions & Action.SET_MACROS:
            # It was asked for, and has no value
            tls = b""

        def connection(ip: str | None) -> Connection:
            return Connection(
                ip=ip, helo=self._helo, mail_from=self._mail_from, tls=None if tls is None else _text(tls),
                cipher=_text(cipher) if cipher else None, requiretls=self._requiretls,
                login=_text(login) if login else None, recipients=tuple(self._recipients),
            )  # fmt: skip

        try:
            return connection(self._ip)
        except UsageError:
            return connection(None)

    def answer(self, decision: Decision) -> bytes:
        """Return the octets that carry out a decision about the message that `receive` returned.

        Raises:
            UsageError: for a decision about another message; call it again with another decision.
        """
        if self._whole is None:
            msg = "answer(): there is no message to decide about: call it once after receive() returned one"
            raise UsageError(msg)
        replies = write_orders(decision, self._whole.message, self.agreed, self._marker)
        self._forget_message()
        return replies

    # By letter: what handles a command, when it may come, and the agreement by which it has no reply
    _COMMANDS: ClassVar[dict[bytes, tuple[Callable[[Session, bytes], bytes], set[State], int]]] = {
        b"A": (_abort, _ALWAYS, 0),
        b"B": (_body, _IN_MESSAGE, Step.NO_REPLY_BODY),
        b"C": (_connect, {State.IDLE}, Step.NO_REPLY_CONNECT),
        b"D": (_macro, _ALWAYS, 0),
        b"E": (_end_of_body, _IN_MESSAGE, 0),
        b"H": (_hello, {State.IDLE, State.ENVELOPE}, Step.NO_REPLY_HELO),
        b"K": (_new_connection, _ALWAYS, 0),
        b"L": (_header, {State.ENVELOPE, State.HEADER}, Step.NO_REPLY_HEADER),
        b"M": (_mail, {State.IDLE, State.ENVELOPE}, 0),
        b"N": (_end_of_header, {State.ENVELOPE, State.HEADER}, 0),
        b"O": (_offer, {State.NEW, State.IDLE}, 0),
        b"Q": (_quit, _ALWAYS | {State.NEW}, 0),
        b"R": (_rcpt, {State.ENVELOPE}, Step.NO_REPLY_RCPT),
        b"T": (_data, {State.ENVELOPE}, 0),
        b"U": (_data, _ALWAYS, 0),
    }


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
