"""A DNS server that misbehaves on purpose, on the loopback interface, over UDP and TCP.

It serves a JSON zone, every answer late by `delay` seconds; where `faults` names a question, the fault decides what is
sent. A fault is a function from a request to the datagrams (or TCP messages) that leave the server, each with the
seconds to wait before it; none is silence. The server runs in a thread of the tests, or as a process of its own:

    python -m support.hostile --zone zone.json --delay 0.005

which prints its port and runs until its standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias, cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT

from support.servers import HOST, TTL, absolute, quoted

UDP_SIZE = 1232  # larger answers are truncated


@dataclass(frozen=True)
class Request:
    """A query, the way it came, and what an honest server says to it."""

    query: dns.message.Message
    tcp: bool
    honest: dns.message.Message

    @property
    def name(self) -> dns.name.Name:
        return self.query.question[0].name

    @property
    def rdtype(self) -> str:
        return dns.rdatatype.to_text(self.query.question[0].rdtype)


@dataclass(frozen=True)
class Sent:
    """What leaves the server, and when. `hang_up`: the TCP connection is closed behind it."""

    data: bytes = b""
    seconds: float = 0.0
    hang_up: bool = False


Fault: TypeAlias = Callable[[Request], list[Sent]]
Key: TypeAlias = tuple[str, str]


def wire(response: dns.message.Message, *, tcp: bool) -> bytes:
    """Return a message in octets, truncated where it is too large for UDP."""
    data = response.to_wire(max_size=65535)
    if tcp or len(data) <= UDP_SIZE:
        return data
    short = dns.message.QueryMessage(response.id)
    short.question = response.question
    short.flags = response.flags | dns.flags.TC
    return short.to_wire()


def plain(name: dns.name.Name) -> str:
    return b".".join(name.labels[:-1]).decode("latin-1").lower()


def records(name: str, rdtype: str, value: Any) -> dns.rrset.RRset:
    """Return the records of one name and type of a JSON zone."""
    texts = []
    for record in [value] if isinstance(value, str) else value:
        if rdtype == "TXT":
            texts.append(quoted(record))
        elif rdtype == "MX":
            texts.append(f"{record[0]} {absolute(record[1])}")
        elif rdtype in {"PTR", "CNAME", "NS"}:
            texts.append(absolute(record))
        else:
            texts.append(str(record))
    return dns.rrset.from_text(absolute(name), TTL, "IN", rdtype, *texts)


class Hostile:
    """The server; answers between entering and leaving its `with` block.

    Args:
        zone: a JSON zone without fault words and wildcards.
        delay: seconds by which everything is late.
        faults: what happens to a (name, type); may be changed while the server runs.

    Attributes:
        waves: so many answers over UDP are held back until all of them are due, then the next number; who asks the
            questions of a wave one after the other waits for ever. Empty: nothing is held back.
    """

    port: int

    def __init__(self, zone: Mapping[str, Any], delay: float = 0.0, faults: Mapping[Key, Fault] | None = None) -> None:
        self.faults = dict(faults or {})
        self.asked: list[Key] = []
        self.waves: list[int] = []
        self._held: list[tuple[bytes, tuple[str | Any, int]]] = []
        self._delay = delay
        self._sets = {
            (name, rdtype): records(name, rdtype, value)
            for name, types in zone.items()
            for rdtype, value in types.items()
        }
        self._names = {""}
        for owner, _ in self._sets:
            labels = owner.split(".")
            self._names.update(".".join(labels[n:]) for n in range(len(labels)))
        self._ready: dict[bytes, bytes] = {}
        self._errors: list[dict[str, Any]] = []  # mistakes of this server, not of its clients
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self._errors.append(context))
        self._connections: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hostile-dns", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(10):
            raise RuntimeError("the server does not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()
        if self._errors:
            raise RuntimeError(self._errors[0]["message"]) from self._errors[0].get("exception")

    # -- what is said

    def honest(self, query: dns.message.Message) -> dns.message.Message:
        """Return the answer of a server without malice."""
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        question = query.question[0]
        name, rdtype = plain(question.name), dns.rdatatype.to_text(question.rdtype)
        seen: set[str] = set()
        while (alias := self._sets.get((name, "CNAME"))) and rdtype != "CNAME" and name not in seen:
            seen.add(name)
            response.answer.append(alias)
            name = plain(alias[0].target)
        if found := self._sets.get((name, rdtype)):
            response.answer.append(found)
        else:
            response.authority.append(dns.rrset.from_text(".", TTL, "IN", "SOA", f"ns. root. 1 2 3 4 {TTL}"))
            if name not in self._names:
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def say(self, octets: bytes, *, tcp: bool) -> list[Sent]:
        """Return what leaves the server after a query."""
        question = octets[12 : _end_of_question(octets)]
        # the same question again: only the id differs
        key = question + octets[10:12] + bytes([tcp])
        if not self.faults and key in self._ready:
            return [Sent(octets[:2] + self._ready[key], self._delay)]
        query = dns.message.from_wire(octets)
        asked = (plain(query.question[0].name), dns.rdatatype.to_text(query.question[0].rdtype))
        self.asked.append(asked)
        honest = self.honest(query)
        if fault := self.faults.get(asked):
            return [Sent(s.data, s.seconds + self._delay, s.hang_up) for s in fault(Request(query, tcp, honest))]
        data = wire(honest, tcp=tcp)
        self._ready[key] = data[2:]
        return [Sent(data, self._delay)]

    def prepare(self) -> None:
        """Have the answers about all that is in the zone ready, to be as fast as can be."""
        for name, rdtype in self._sets:
            self.say(dns.message.make_query(absolute(name), rdtype, use_edns=0).to_wire(), tcp=False)

    # -- how it is said

    def due(self, data: bytes, addr: tuple[str | Any, int]) -> list[tuple[bytes, tuple[str | Any, int]]]:
        """Return what may leave the server now that this answer is due."""
        self._held.append((data, addr))
        if self.waves and len(self._held) < self.waves[0]:
            return []
        del self.waves[:1]
        released, self._held = self._held, []
        return released

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        transport = None
        while transport is None:
            tcp = await asyncio.start_server(self._connected, HOST, 0, backlog=512)
            self.port = tcp.sockets[0].getsockname()[1]
            try:
                transport, _ = await self._loop.create_datagram_endpoint(lambda: _Udp(self), (HOST, self.port))
            except OSError:
                # somebody has this port for UDP
                tcp.close()
                await tcp.wait_closed()
        self._started.set()
        await self._stop.wait()
        transport.close()
        tcp.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await tcp.wait_closed()
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                for sent in self.say(await reader.readexactly(length), tcp=True):
                    await asyncio.sleep(sent.seconds)
                    if sent.data:
                        writer.write(struct.pack("!H", len(sent.data)) + sent.data)
                        await writer.drain()
                    if sent.hang_up:
                        return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _end_of_question(octets: bytes) -> int:
    position = 12
    while octets[position]:
        position += 1 + octets[position]
    return position + 5


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: Hostile) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        for sent in self._server.say(data, tcp=False):
            if not sent.data:
                continue
            if sent.seconds:
                self._loop.call_later(sent.seconds, self._send, sent.data, addr)
            else:
                self._send(sent.data, addr)

    def _send(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        for each, to in self._server.due(data, addr):
            if not self._transport.is_closing():
                self._transport.sendto(each, to)


# --- faults: no answer that could be used ----------------------------------------------------------------------------


def silent(_: Request) -> list[Sent]:
    return []


def late(seconds: float) -> Fault:
    return lambda request: [Sent(wire(request.honest, tcp=request.tcp), seconds)]


def code(rcode: dns.rcode.Rcode, *, with_records: bool = False) -> Fault:
    """Answer with a code; `with_records`: and yet give the records."""

    def fault(request: Request) -> list[Sent]:
        response = request.honest if with_records else dns.message.make_response(request.query)
        response.set_rcode(rcode)
        return [Sent(wire(response, tcp=request.tcp))]

    return fault


def header_only(request: Request) -> list[Sent]:
    """FORMERR as the oldest servers send it: the twelve octets of the header."""
    return [Sent(struct.pack("!HHHHHH", request.query.id, 0x8001, 0, 0, 0, 0))]


def garbage(request: Request) -> list[Sent]:
    return [Sent(bytes(range(7, 207)))]


def cut_off(request: Request) -> list[Sent]:
    """The right header and question, and then half of a record."""
    return [Sent(wire(request.honest, tcp=True)[:-3])]


def bad_record(request: Request) -> list[Sent]:
    """A well-formed message with a record that its type does not allow: data of no octet."""
    response = dns.message.make_response(request.query)
    data = bytearray(response.to_wire())
    data[6:8] = b"\0\1"  # one record in the answer section, which stands before that of EDNS
    end = 12 + len(request.name.to_wire() or b"") + 4
    record = b"\xc0\x0c" + struct.pack("!HHIH", request.query.question[0].rdtype, 1, TTL, 0)
    return [Sent(bytes(data[:end]) + record + bytes(data[end:]))]


def wrong_id(request: Request) -> list[Sent]:
    data = wire(request.honest, tcp=request.tcp)
    return [Sent(struct.pack("!H", request.query.id ^ 0x5555) + data[2:])]


def wrong_question(request: Request) -> list[Sent]:
    other = dns.message.make_query("other.test.", request.query.question[0].rdtype, id=request.query.id)
    response = dns.message.make_response(other)
    response.answer = request.honest.answer
    return [Sent(wire(response, tcp=request.tcp))]


def _truncated(request: Request) -> list[Sent]:
    response = dns.message.make_response(request.query)
    response.flags |= dns.flags.TC
    return [Sent(response.to_wire())]


def truncated(over_tcp: Fault) -> Fault:
    """Say over UDP that there is more, and behave as told over TCP."""
    return lambda request: over_tcp(request) if request.tcp else _truncated(request)


def hang_up(_: Request) -> list[Sent]:
    return [Sent(hang_up=True)]


def half_of_it(request: Request) -> list[Sent]:
    """Announce a message, and close the connection in the middle of it."""
    return [Sent(wire(request.honest, tcp=True)[:20], hang_up=True)]


def aliases(*targets: str, last: str = "") -> Fault:
    """Answer with a chain of aliases through these names, and then to `last` if it is given."""

    def fault(request: Request) -> list[Sent]:
        response = dns.message.make_response(request.query)
        owner = request.name
        for target in (*targets, last) if last else targets:
            response.answer.append(dns.rrset.from_text(owner, TTL, "IN", "CNAME", absolute(target)))
            owner = response.answer[-1][0].target
        if last:
            response.answer += [_renamed(rrset, owner) for rrset in request.honest.answer]
        return [Sent(wire(response, tcp=True))]

    return fault


def _renamed(rrset: dns.rrset.RRset, owner: dns.name.Name) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(owner, rrset.ttl, list(rrset))


def self_alias(request: Request) -> list[Sent]:
    return aliases(plain(request.name))(request)


# --- faults: the name or the records are not there -------------------------------------------------------------------


def absent(rcode: dns.rcode.Rcode, *, soa: bool = True, alias: str = "") -> Fault:
    """Say that there is nothing, at the name itself or where an alias leads."""

    def fault(request: Request) -> list[Sent]:
        response = dns.message.make_response(request.query)
        response.set_rcode(rcode)
        if alias:
            response.answer.append(dns.rrset.from_text(request.name, TTL, "IN", "CNAME", absolute(alias)))
        if soa:
            response.authority.append(dns.rrset.from_text(".", TTL, "IN", "SOA", f"ns. root. 1 2 3 4 {TTL}"))
        return [Sent(wire(response, tcp=request.tcp))]

    return fault


# --- faults that harm nobody -----------------------------------------------------------------------------------------


def honest(request: Request) -> list[Sent]:
    return [Sent(wire(request.honest, tcp=request.tcp))]


def other_case(request: Request) -> list[Sent]:
    """Repeat the question, and name the records, in capitals."""
    response = request.honest
    upper = dns.name.Name([label.upper() for label in request.name.labels])
    question = request.query.question[0]
    response.question = [dns.rrset.RRset(upper, question.rdclass, question.rdtype)]
    response.answer = [_renamed(rrset, upper) for rrset in response.answer]
    return [Sent(response.to_wire(max_size=65535))] if request.tcp else [Sent(wire(response, tcp=False))]


def twice(request: Request) -> list[Sent]:
    """Answer, and deny it a moment later."""
    return honest(request) + absent(dns.rcode.NXDOMAIN)(request)


def after(noise: Fault) -> Fault:
    """Make noise, and then answer; over TCP only answer."""
    return lambda request: honest(request) if request.tcp else noise(request) + honest(request)


# --- faults: other text than there should be -------------------------------------------------------------------------


def text(change: Callable[[list[bytes]], list[list[bytes]]]) -> Fault:
    """Answer with other TXT records: `change` makes lists of character-strings of the honest ones."""

    def fault(request: Request) -> list[Sent]:
        response = dns.message.make_response(request.query)
        found = [b"".join(rdata.strings) for rdata in request.honest.answer[-1]]
        rdatas = [TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings) for strings in change(found)]
        response.answer.append(dns.rrset.from_rdata_list(request.name, TTL, rdatas))
        return [Sent(wire(response, tcp=request.tcp))]

    return fault


def strings(data: bytes) -> list[bytes]:
    """Cut a record into character-strings."""
    return [data[n : n + 255] for n in range(0, len(data), 255)] or [b""]


def main() -> None:
    """Serve a zone until standard input is closed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--zone", type=Path, required=True, help="JSON zone")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds by which every answer is late")
    arguments = parser.parse_args()
    server = Hostile(json.loads(arguments.zone.read_text()), arguments.delay)
    server.prepare()
    with server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
