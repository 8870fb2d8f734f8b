"""A milter: mail servers such as Postfix and Sendmail ask it about each message before they accept it.

`docs/milter-protocol.md` describes the protocol. `codec` knows packets, `session` one connection of a mail server,
`listen` addresses, `server` sockets and time.
"""

from mailauth.serve.milter.codec import ProtocolError
from mailauth.serve.milter.listen import parse_address
from mailauth.serve.milter.server import QUEUE_ID, Judge, MilterServer
from mailauth.serve.milter.session import MARKER, MAX_BYTES, Session, Whole, own_client

__all__ = [
    "MARKER",
    "MAX_BYTES",
    "QUEUE_ID",
    "Judge",
    "MilterServer",
    "ProtocolError",
    "Session",
    "Whole",
    "own_client",
    "parse_address",
]
