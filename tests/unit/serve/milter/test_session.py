"""One connection of a mail server: negotiation, order of commands, messages, decisions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import growth
from support.milter import (
    ALL_ACTIONS,
    ALL_STEPS,
    LEADING_SPACE,
    NO_DATA,
    NO_END_OF_HEADER,
    NO_REPLY,
    SKIP,
    connect,
    content,
    edited,
    envelope,
    macros,
    offer,
    packet,
    raw,
    replies,
)  # fmt: skip

from mailauth import Connection, Disposition, HeaderField, UsageError, authenticate
from mailauth.policy import Decision, reply
from mailauth.resolvers import Zone
from mailauth.serve.milter import ProtocolError, Session, Whole, own_client

MESSAGE = b"From: anna@example.com\r\nTo:bo@example.org\r\nSubject:\r\n\thello \r\n\r\nHello.\r\n"
QUIT = raw(b"Q")


def everybody(_: Connection) -> bool:
    return False


def session(steps: int = ALL_STEPS, actions: int = ALL_ACTIONS, version: int = 6, **more: Any) -> Session:
    """Return a session after its negotiation."""
    made = Session(**{"skip": everybody} | more)
    made.receive(offer(version, actions, steps))
    return made


def given_to(one: Session, *packets: bytes) -> Whole:
    """Return the message that the last of some packets completes."""
    *first, last = packets
    for each in first:
        assert one.receive(each)[1] is None
    whole = one.receive(last)[1]
    assert whole is not None
    return whole


def letters(octets: bytes) -> bytes:
    return b"".join(letter for letter, _ in replies(octets))


# --- the negotiation


@pytest.mark.parametrize("version", [2, 3, 4, 6, 7, 2**32 - 1])
def test_what_is_not_offered_is_not_used(version: int) -> None:
    some = (0, *(1 << n for n in range(32)), 0x7F, 0x3FF, 0x1FFFFF, 0x301FFFFF, 2**32 - 1)
    for actions, steps in itertools.product((0, 0x01, 0x10, 0x3F, 0x1FF, 2**32 - 1), some):
        ((letter, data),) = replies(Session().receive(offer(version, actions, steps))[0])
        said, used, agreed = (int.from_bytes(data[n : n + 4], "big") for n in (0, 4, 8))
        assert (letter, said) == (b"O", min(version, 6))
        assert used & ~(actions & 0x111) == 0
        assert agreed & ~steps == 0
        # Needed: CONNECT, HELO, MAIL, RCPT, header and body; the reply to MAIL; only recipients that are taken
        assert agreed & 0x483F == 0
        assert not (agreed & SKIP and agreed & NO_REPLY[b"B"])
        assert (len(data) > 12) == bool(actions & 0x100)


def combinations() -> Iterable[tuple[int, int, int]]:
    """Every combination of what an offer may have of what we use, in three groups."""
    single = [*NO_REPLY.values()]
    for chosen in itertools.product((0, 1), repeat=len(single)):
        yield 6, ALL_ACTIONS, sum(flag for flag, on in zip(single, chosen, strict=True) if on) | LEADING_SPACE
    for chosen in itertools.product((0, 1), repeat=4):
        flags = (NO_END_OF_HEADER, NO_DATA, SKIP, LEADING_SPACE)
        yield 6, ALL_ACTIONS, sum(flag for flag, on in zip(flags, chosen, strict=True) if on)
    yield from ((version, actions, 0x7F) for version in (2, 6) for actions in (0, 0x1, 0x10, 0x3F))


def test_each_command_has_the_replies_that_were_agreed_on() -> None:
    for version, actions, steps in combinations():
        one = Session(skip=everybody)
        agreed = int.from_bytes(replies(one.receive(offer(version, actions, steps))[0])[0][1][8:12], "big")
        packets = [connect(), packet(b"H", b"x"), *envelope(), *([] if agreed & NO_DATA else [raw(b"T")])]
        for each in [packet(b"U", b"XYZZY"), *packets, *content(MESSAGE, agreed, 4)]:
            letter = each[4:5]
            expected = b"" if letter == b"E" or agreed & NO_REPLY.get(letter, 0) else b"c"
            sent, whole = one.receive(each)
            assert letters(sent) == expected, (letter, hex(steps))
        assert whole is not None
        assert whole.message == (
            MESSAGE if steps & LEADING_SPACE else MESSAGE.replace(b":bo", b": bo").replace(b":\r\n", b": \r\n")
        )
        assert whole.exact == bool(steps & LEADING_SPACE)
        assert letters(one.answer(Decision())) == b"a"


@pytest.mark.parametrize("version", [0, 1])
def test_a_version_that_is_too_old(version: int) -> None:
    with pytest.raises(ProtocolError, match=f"version {version}"):
        Session().receive(offer(version))


# --- the order of commands

COMMANDS = {
    "offer": offer(), "connect": connect(), "helo": packet(b"H", b"x"), "mail": packet(b"M", b"<a@example.com>"),
    "rcpt": packet(b"R", b"<b@example.org>"), "data": raw(b"T"), "header": packet(b"L", b"From", b" a@example.com"),
    "end of header": raw(b"N"), "body": raw(b"B", b"x"), "abort": raw(b"A"), "new connection": raw(b"K"),
    "macros": macros(b"M", b"i", b"x"), "unknown": packet(b"U", b"XYZZY"),
}  # fmt: skip
# After each of these, what may come
NEXT = {
    "": {"offer"},
    "offer": {"offer", "connect", "helo", "mail"},
    "connect": {"offer", "connect", "helo", "mail"},
    "helo": {"offer", "connect", "helo", "mail"},
    "mail": {"helo", "mail", "rcpt", "data", "header", "end of header", "body"},
    "rcpt": {"helo", "mail", "rcpt", "data", "header", "end of header", "body"},
    "data": {"helo", "mail", "rcpt", "data", "header", "end of header", "body"},
    "header": {"header", "end of header", "body"},
    "end of header": {"body"},
    "body": {"body"},
    "abort": {"offer", "connect", "helo", "mail"},
    "new connection": {"offer", "connect", "helo", "mail"},
}
ANY_TIME = {"abort", "new connection", "macros", "unknown"}
BEFORE = {
    "": [], "offer": [], "connect": ["offer"], "helo": ["offer"], "mail": ["offer"], "rcpt": ["offer", "mail"],
    "data": ["offer", "mail"], "header": ["offer", "mail"], "end of header": ["offer", "mail"],
    "body": ["offer", "mail"], "abort": ["offer", "mail", "body"], "new connection": ["offer", "mail", "body"],
}  # fmt: skip


@pytest.mark.parametrize("last", NEXT)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_order(last: str, command: str) -> None:
    one = Session(skip=everybody)
    for name in [*BEFORE[last], *([last] if last else [])]:
        one.receive(COMMANDS[name])
    if command in NEXT[last] or (last and command in ANY_TIME):
        one.receive(COMMANDS[command])
    else:
        with pytest.raises(ProtocolError):
            one.receive(COMMANDS[command])


@pytest.mark.parametrize("octets", [raw(b"z"), raw(b"\xff"), b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\0", raw(b"H", b"x")])
def test_what_is_not_the_protocol(octets: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        session().receive(octets)
    assert str(caught.value).isprintable()


def test_nothing_is_read_after_quit() -> None:
    one = session()
    assert one.receive(QUIT + b"garbage") == (b"", None)
    assert one.closed


# --- messages


SHAPES = [
    MESSAGE,
    b"From: a@example.com\r\n\r\n",
    b"From: a@example.com\r\n\r\n\r\n\r\nx",
    b"From:a\r\nFrom :b\r\nX:  two\r\nX:\ttab\r\nX: \r\nX:\r\n\r\nno line end at the end",
    b"X: \xff\xfe\r\nSubject: \xc3\xbc\r\n \xf0\x9f\x93\xa7\r\n\r\n\x80\r\n\x00\n\r\x01",
    b"X:" + b"\r\n y" * 500 + b"\r\n\r\n" + b"z" * 70000,
    b"X: a\r\n \r\n\t\r\n b\r\n\r\n.\r\n",
]


@pytest.mark.parametrize("message", SHAPES)
def test_a_message_is_the_octets_that_were_sent(message: bytes) -> None:
    whole = given_to(session(), *envelope(), *content(message))
    assert whole.message == message
    assert whole.exact


NAME = st.from_regex(rb"[!-9;-~]{1,8}", fullmatch=True)
LINE = st.binary(max_size=9).map(lambda octets: octets.translate(None, b"\r\n\0"))


@given(st.lists(st.tuples(NAME, st.lists(LINE, max_size=4)), max_size=6), st.binary(max_size=99))
def test_any_message(fields: list[tuple[bytes, list[bytes]]], body: bytes) -> None:
    header = b"".join(name + b":" + b"\r\n ".join(lines) + b"\r\n" for name, lines in fields)
    packets = [packet(b"L", name, b"\n ".join(lines)) for name, lines in fields]
    whole = given_to(session(), *envelope(), *packets, raw(b"B", body), raw(b"E"))
    assert whole.message == header + b"\r\n" + body


def test_the_last_part_of_a_body_may_come_with_its_end() -> None:
    assert given_to(session(), *envelope(), raw(b"B", b"one"), raw(b"E", b"two")).message == b"\r\nonetwo"


CONVERSATION = [
    offer(), macros(b"C", b"_", b"out.example.com [192.0.2.1]"), connect(), packet(b"H", b"o\xfft"),
    macros(b"M", b"i", b"4F1"), *envelope(recipients=[b"<\xc3\xbc@example.org>", b"<c@example.org>"]),
    *content(MESSAGE),
    raw(b"A"), packet(b"U", b"XYZZY"), *envelope(b"<>"), raw(b"A"), *envelope(b"<>"), *content(SHAPES[4], chunk=3),
    raw(b"K"), connect(b"2001:db8::1", b"6"), *envelope(), *content(SHAPES[3]), QUIT,
]  # fmt: skip


def played(chunks: Iterable[bytes]) -> tuple[bytes, list[Whole]]:
    """Return what a session sends and yields, where it accepts everything."""
    one, sent, found = Session(skip=everybody), b"", []
    for chunk in chunks:
        octets, whole = one.receive(chunk)
        sent += octets
        while whole is not None:
            found.append(whole)
            sent += one.answer(Decision(add=(HeaderField("X: y"),)))
            octets, whole = one.receive()
            sent += octets
    assert one.closed
    assert one.held == 0
    return sent, found


@given(st.randoms(use_true_random=False), st.sampled_from([1, 3, 50, 2000]))
def test_any_cut_of_the_octets_gives_the_same(choice: random.Random, most: int) -> None:
    stream, chunks = b"".join(CONVERSATION), []
    while stream:
        size = choice.randint(1, most)
        chunks.append(stream[:size])
        stream = stream[size:]
    sent, found = played(chunks)
    assert (sent, found) == played(CONVERSATION)
    assert [whole.message for whole in found] == [MESSAGE, SHAPES[4], SHAPES[3]]


def test_the_connection_of_each_message() -> None:
    first, second, third = (whole.connection for whole in played(CONVERSATION)[1])
    assert (first.ip, first.helo, first.mail_from) == ("192.0.2.1", "o\udcfft", "anna@example.com")
    assert (first.tls, first.login) == ("", None)
    assert first.recipients == ("ü@example.org", "c@example.org")
    assert (second.ip, second.mail_from, second.recipients) == ("192.0.2.1", "", ("bo@example.org",))
    assert (third.ip, third.helo) == ("2001:db8::1", None)


@pytest.mark.parametrize(
    "client",
    [b"host\0U", b"localhost\0L\0\0/run/x\0", connect(b"unknown")[5:], connect(b"999.1.1.1")[5:],
     connect(b"\xff\0\xff")[5:], connect(b"IPv6:zz", b"6")[5:]],
)  # fmt: skip
def test_a_client_without_a_usable_address(client: bytes) -> None:
    assert given_to(session(), raw(b"C", client), *envelope(), *content(MESSAGE)).connection.ip is None


def test_parameters_of_mail_and_rcpt_are_not_addresses() -> None:
    packets = [
        packet(b"M", b"<a@example.com>", b"SIZE=5", b"SMTPUTF8"),
        packet(b"R", b"<b@example.org>", b"NOTIFY=NEVER"),
    ]
    found = given_to(session(), *packets, *content(MESSAGE)).connection
    assert (found.mail_from, found.recipients, found.requiretls) == ("a@example.com", ("b@example.org",), False)
    # RFC 8689 §2
    again = [packet(b"M", b"<a@example.com>", b"RequireTLS"), packet(b"R", b"<b@example.org>")]
    found = given_to(session(), packet(b"H", b"x"), *again, *content(MESSAGE)).connection
    assert found.requiretls is True
    assert authenticate(MESSAGE, found, Zone({})).to_dict()["connection"]["requiretls"] is True


def test_macros_tell_of_tls_authentication_and_the_queue() -> None:
    one = session()
    hello = [macros(b"H", b"{tls_version}", b"TLSv1.3", b"{cipher}", b"X"), packet(b"H", b"x")]
    user = macros(b"M", b"{auth_authen}", b"anna", b"{auth_type}", b"PLAIN", b"{secret}", b"x")
    whole = given_to(one, *hello, user, *envelope(), macros(b"E", b"i", b"4F1"), *content(MESSAGE))
    assert (whole.connection.tls, whole.connection.cipher, whole.connection.login) == ("TLSv1.3", "X", "anna")
    assert whole.macros == {
        "{tls_version}": "TLSv1.3", "{cipher}": "X", "{auth_authen}": "anna", "{auth_type}": "PLAIN", "i": "4F1",
    }  # fmt: skip
    one.answer(Decision())
    # TLS belongs to the connection, all else to the message
    whole = given_to(one, *envelope(), *content(MESSAGE))
    assert (whole.connection.tls, whole.connection.login) == ("TLSv1.3", None)
    assert "i" not in whole.macros


def test_without_a_request_for_macros_it_is_not_known_whether_there_was_tls() -> None:
    assert given_to(session(actions=0x3F), *envelope(), *content(MESSAGE)).connection.tls is None


# --- skipped clients


def test_own_clients_pass_at_mail() -> None:
    one = session(skip=own_client)
    anna = macros(b"M", b"{auth_authen}", b"anna")
    assert letters(one.receive(connect() + anna + packet(b"M", b"<a@example.com>"))[0]) == b"a"
    # The next message of the same connection is another one
    assert letters(one.receive(packet(b"M", b"<a@example.com>"))[0]) == b"c"
    one.receive(raw(b"A") + raw(b"K") + connect(b"127.0.0.1"))
    assert letters(one.receive(packet(b"M", b"<a@example.com>"))[0]) == b"a"


@pytest.mark.parametrize(("ip", "own"), [("::1", True), ("127.9.9.9", True), ("192.0.2.1", False), (None, False)])
def test_own_client(ip: str | None, *, own: bool) -> None:
    assert own_client(Connection(ip=ip)) is own
    assert own_client(Connection(ip=ip, login="anna"))


# --- what is too much


@pytest.mark.parametrize("steps", [ALL_STEPS, ALL_STEPS & ~SKIP])
def test_a_body_that_is_too_large_is_not_kept(steps: int) -> None:
    one = session(steps, max_bytes=1000)
    one.receive(b"".join([*envelope(), *content(MESSAGE)[:-2]]))
    sent, _ = one.receive(raw(b"B", b"x" * 2000))
    # Without SKIP, all of the body comes
    assert letters(sent) == (b"s" if steps & SKIP else b"")
    held = one.held
    for _ in range(100 if not steps & SKIP else 0):
        one.receive(raw(b"B", b"x" * 60000))
    assert one.held == held < 200
    whole = given_to(one, raw(b"E"))
    assert whole.too_large
    assert whole.message == MESSAGE[: MESSAGE.index(b"\r\n\r\n") + 4]
    one.answer(Decision())
    assert not given_to(one, *envelope(), *content(MESSAGE)).too_large


def test_a_message_of_exactly_the_limit() -> None:
    assert not given_to(session(max_bytes=len(MESSAGE)), *envelope(), *content(MESSAGE)).too_large
    assert given_to(session(max_bytes=len(MESSAGE) - 1), *envelope(), *content(MESSAGE)).too_large


def test_a_header_section_that_is_too_large_is_refused() -> None:
    one = session(max_bytes=1000)
    one.receive(b"".join([*envelope(), *[packet(b"L", b"X", b"y" * 500)] * 3]))
    sent, whole = one.receive(raw(b"N") + raw(b"B", b"x") + raw(b"E"))
    assert whole is None
    assert replies(sent)[-1] == (b"y", b"552 5.3.4 The header section of the message is too large\0")
    assert given_to(one, *envelope(), *content(MESSAGE)).message == MESSAGE


def test_recipients_are_bounded() -> None:
    one = session()
    one.receive(b"".join(envelope(recipients=[b"<b@example.org>"] * 10_000)))
    with pytest.raises(ProtocolError, match="too many recipients"):
        one.receive(packet(b"R", b"<b@example.org>") * 10_000)


def test_macros_are_bounded() -> None:
    one = session()
    for name in (b"i", b"{auth_authen}", b"_"):
        for letter in (b"C", b"M", b"L", b"?"):
            one.receive(macros(letter, name, b"x" * 10**5) * 3)
    whole = given_to(one, *envelope(), *content(MESSAGE))
    assert {len(value) for value in whole.macros.values()} == {1024}


@pytest.mark.parametrize(
    "unit",
    [macros(b"M", b"i", b"x"), packet(b"U", b""), raw(b"A"), packet(b"H", b"x"), raw(b"K"), connect()],
    ids=["macros", "unknown", "abort", "helo", "new connection", "connect"],
)  # fmt: skip
def test_many_small_packets_take_linear_time(unit: bytes) -> None:
    def work(size: int) -> growth.Work:
        octets = unit * (size // len(unit))
        return lambda: session().receive(octets)

    assert growth.grows(lambda: work(growth.SMALL * 8), lambda: work(growth.SMALL * 8 * growth.TIMES)) < growth.GROWTH


@pytest.mark.parametrize("unit", [packet(b"L", b"X", b"y"), raw(b"B", b"x"), packet(b"L", b"X", b"\n " * 2000)])
def test_many_small_parts_take_linear_time(unit: bytes) -> None:
    def work(size: int) -> growth.Work:
        octets = unit * (size // len(unit)) + raw(b"E")

        def run() -> None:
            one = session()
            assert one.receive(envelope()[0] + octets)[1]
            one.answer(Decision(remove=(0,) if unit[4:5] == b"L" else ()))

        return run

    assert growth.grows(lambda: work(growth.SMALL * 8), lambda: work(growth.SMALL * 8 * growth.TIMES)) < growth.GROWTH


# --- decisions

ADD = (HeaderField("Authentication-Results: mx.example.org;\r\n\tspf=pass"), HeaderField("X-Second: 2"))
REPEATED = b"".join(
    line + b"\r\n" for line in (b"A: 1", b"B: 1", b"a: 2", b"B:2", b"A : 3", b"C: 1\r\n a: no", b"A:4", b"", b"body")
)


@pytest.mark.parametrize("steps", [ALL_STEPS, ALL_STEPS & ~LEADING_SPACE])
@pytest.mark.parametrize("remove", [(), (0,), (6, 0), (0, 2, 4, 6), (2, 3), (5,), (0, 1, 2, 3, 4, 5, 6)])
def test_fields_are_added_and_deleted_as_apply_does(remove: tuple[int, ...], steps: int) -> None:
    one = session(steps)
    whole = given_to(one, *envelope(), *content(REPEATED, steps))
    decision = Decision(add=ADD, remove=remove)
    found = replies(one.answer(decision))
    assert found[-1] == (b"a", b"")
    assert edited(whole.message, found, steps) == decision.apply(whole.message)


def test_without_leave_to_change_headers_nothing_is_changed() -> None:
    for actions, orders in ((0, b"a"), (0x01, b"iia"), (0x10, b"ma")):
        one = session(actions=actions)
        given_to(one, *envelope(), *content(REPEATED))
        assert letters(one.answer(Decision(add=ADD, remove=(0,)))) == orders


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision(action=Disposition.REJECT, reply=reply(550, "5.7.26", "No")), (b"y", b"550 5.7.26 No\0")),
        (
            Decision(action=Disposition.REJECT, reply=reply(550, "5.7.1", "50% é\0\r\n")),
            (b"y", b"550 5.7.1 50%% ????\0"),
        ),
        (Decision(action=Disposition.DEFER, reply=reply(451, "4.7.0", "Later")), (b"y", b"451 4.7.0 Later\0")),
        (Decision(action=Disposition.REJECT), (b"r", b"")),
        (Decision(action=Disposition.DEFER), (b"t", b"")),
        # What is said is what is done
        (Decision(action=Disposition.DEFER, reply=reply(550, "5.7.1", "No")), (b"t", b"")),
        (Decision(action=Disposition.REJECT, reply=reply(451, "4.7.0", "Later")), (b"r", b"")),
    ],
)
def test_refusals(decision: Decision, expected: tuple[bytes, bytes]) -> None:
    one = session()
    given_to(one, *envelope(), *content(MESSAGE))
    assert replies(one.answer(decision)) == [expected]


SPAM = Decision(action=Disposition.QUARANTINE, folder="Junk\r\nX: y", detail="fails\nDMARC", add=ADD[1:])


def test_quarantine_marks_a_message_below_what_is_added() -> None:
    one = session()
    whole = given_to(one, *envelope(), *content(MESSAGE))
    found = replies(one.answer(SPAM))
    assert edited(whole.message, found) == b"X-Second: 2\r\nX-Spam: Yes; folder=Junk??X: y\r\n" + MESSAGE


def test_a_mark_from_outside_is_deleted() -> None:
    one = session(marker="X-Mine")
    message = b"x-mine : Yes; folder=Friends\r\nX-Spam: Yes\r\nX-MINE: no\r\n" + MESSAGE
    given_to(one, *envelope(), *content(message))
    found = replies(one.answer(Decision(remove=(2,))))
    assert edited(message, found) == b"X-Spam: Yes\r\n" + MESSAGE


@pytest.mark.parametrize("name", [b"X-Spam\xa0", b"X-\xadSpam", "X-Spam\u200b".encode(), b"X-Spam\t "])
def test_a_mark_that_only_some_readers_see_is_deleted(name: bytes) -> None:
    one = session()
    message = MESSAGE.replace(b"Subject:", name + b": Yes; folder=Friends\r\nX-Spammer: 1\r\nSubject:")
    given_to(one, *envelope(), *content(message))
    rest = message.replace(name + b": Yes; folder=Friends\r\n", b"")
    assert edited(message, replies(one.answer(Decision()))) == rest


def test_where_nothing_marks_a_message_a_field_without_a_name_remains() -> None:
    one = session(marker=None)
    given_to(one, *envelope(), *content(b": x\r\n" + MESSAGE))
    assert letters(one.answer(Decision())) == b"a"


@pytest.mark.parametrize(
    ("others", "forged", "refused"),
    # A mail server that begins at the top for each passes (others + forged / 2) * forged of them
    [(0, 1_000, False), (5_000, 150, False), (0, 2_000, True), (100_000, 20, True)],
)
def test_a_mail_server_is_not_kept_busy_with_forged_fields(others: int, forged: int, *, refused: bool) -> None:
    one = session()
    message = b"A: 1\r\n" * others + b"X-Spam:\r\n" * forged + MESSAGE
    given_to(one, *envelope(), *content(message))
    found = replies(one.answer(Decision()))
    if refused:
        assert found == [(b"y", b"550 5.7.1 The message has too many forged header fields\0")]
    else:
        assert [letter for letter, _ in found] == [b"m"] * forged + [b"a"]


def test_quarantine_holds_a_message() -> None:
    one = session(marker=None)
    given_to(one, *envelope(), *content(b"X-Spam: Yes\r\n" + MESSAGE))
    assert replies(one.answer(SPAM))[0] == (b"q", b"fails?DMARC\0")
    given_to(one, *envelope(), *content(MESSAGE))
    assert letters(one.answer(SPAM)) == b"qia"


def test_quarantine_marks_a_message_where_it_cannot_be_held() -> None:
    one = session(marker=None, actions=0x1F)
    whole = given_to(one, *envelope(), *content(MESSAGE))
    assert edited(whole.message, replies(one.answer(SPAM))).startswith(b"X-Second: 2\r\nX-Spam: Yes; folder=")


def test_a_decision_about_another_message_changes_nothing() -> None:
    one = session()
    given_to(one, *envelope(), *content(MESSAGE))
    with pytest.raises(UsageError, match="no header field 3"):
        one.answer(Decision(remove=(0, 3)))
    assert letters(one.answer(Decision())) == b"a"
    with pytest.raises(UsageError, match="there is no message"):
        one.answer(Decision())


def test_what_follows_a_message_waits_for_its_answer() -> None:
    one = session()
    stream = b"".join([*envelope(), *content(MESSAGE), *envelope(b"<>"), *content(SHAPES[4]), QUIT])
    _, whole = one.receive(stream)
    assert whole is not None
    assert one.receive() == (b"", whole)
    one.answer(Decision())
    assert one.receive()[1] is not None
    assert not one.closed
