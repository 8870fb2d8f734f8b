"""How a saved message is verified, as plain data: what the command line was told, and what a repetition has to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Self, cast

from mailauth.connection import Connection
from mailauth.errors import UsageError
from mailauth.limits import ALL_CHECKS, CHECKS, Options
from mailauth.message.fields import Octets
from mailauth.resolvers.keyfile import KeyFile
from mailauth.resolvers.zone import moment
from mailauth.saved import keys
from mailauth.saved.border import Trusted
from mailauth.saved.verdict import Saved
from mailauth.text import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """The options of a verification.

    Args:
        now: the time of receipt, where the message does not tell it.
        ip: address of the client; None: it is read from the message.
        helo: its HELO name.
        mail_from: the reverse-path.
        client: without an address: "auto", "none", or the number of Received fields that are passed over.
        trust: servers inside; see `mailauth.saved.border_of`.
        authserv_id: our name in Authentication-Results; None: the name of this host.
        mode: see `Options`.
    """

    now: datetime
    ip: str | None = None
    helo: str | None = None
    mail_from: str | None = None
    client: str | int = "auto"
    trust: Sequence[str] | None = None
    authserv_id: str | None = None
    mode: str = "rfc9989"

    def verify(self, raw: Octets, resolver: Any, files: Sequence[KeyFile] = (), fetcher: Any = None) -> Saved:
        """Verify a message; see `mailauth.saved.keys.verify`. With a fetcher BIMI is checked too.

        Raises:
            UsageError, TypeError: for an option that cannot be used.
        """
        connection, trusted = client_of(self.client, self.trust)
        if self.ip is not None:
            connection = Connection(ip=self.ip, helo=self.helo, mail_from=self.mail_from)
        return keys.verify(
            raw,
            resolver,
            files,
            connection=connection,
            trusted=trusted,
            helo=self.helo,
            mail_from=self.mail_from,
            authserv_id=self.authserv_id,
            now=self.now,
            options=Options(
                checks=CHECKS if fetcher is None else ALL_CHECKS, mode=cast("Literal['rfc9989', 'rfc7489']", self.mode)
            ),
            fetcher=fetcher,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        trust = None if self.trust is None else list(self.trust)
        return {**asdict(self), "now": self.now.isoformat(), "trust": trust}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the options that `to_dict` gave.

        Raises:
            UsageError: for anything else.
        """
        if not isinstance(data, Mapping) or data.keys() != cls.__dataclass_fields__.keys():
            msg = f"give an object with {', '.join(cls.__dataclass_fields__)}"
            raise UsageError(msg)
        for name, kinds in _KINDS.items():
            if not isinstance(data[name], kinds) or isinstance(data[name], bool):
                msg = f"{name}: {shown(data[name])} cannot be used"
                raise UsageError(msg)
        trust = data["trust"] or ()
        if len(trust) > _MAX_TRUST or not all(isinstance(each, str) for each in trust):
            msg = f"trust: {shown(data['trust'])} cannot be used"
            raise UsageError(msg)
        return cls(**{**data, "now": moment(data["now"])})


def client_of(client: str | int, trust: Sequence[str] | None) -> tuple[Connection | None, Trusted]:
    """Return the connection and the trust that a client to be read from a message stands for; see `How`."""
    connection = Connection(source="none") if client == "none" else None
    return connection, client if isinstance(client, int) else trust


_MAX_TRUST = 1000
_TEXT: tuple[type, ...] = (str, type(None))
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("ip", "helo", "mail_from", "authserv_id"), _TEXT),
    "now": (str,),
    "mode": (str,),
    "client": (str, int),
    "trust": (list, type(None)),
}
