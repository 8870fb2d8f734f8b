"""Reports that are due, through a real relay that refuses, delays and drops, and to files."""

from __future__ import annotations

import random
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.databases import KINDS, Databases, databases
from support.relays import Relay as Handler
from support.relays import message, read, relay
from support.sending_kills import kill

from mailauth import Connection, authenticate
from mailauth.dkim import Signer
from mailauth.errors import UsageError
from mailauth.reports.store import Configuration, Delivery, Sample, Store
from mailauth.reports.values import Policy, Reporter, Row
from mailauth.resolvers import Zone
from mailauth.serve.relay import Relay
from mailauth.serve.sending import Folder, RelayGoneError, Sender, Step

DAY = 86400
NOON = 20_000 * DAY + DAY // 2
LATER = 20_001 * DAY + 3600  # when the report about NOON is due
REPORTER = Reporter(org_name="Receiver", email="dmarc@mx.example.org")
ZONE = {
    "a.example._report._dmarc.reports.example": {"TXT": ["v=DMARC1"]},
    "b.example._report._dmarc.reports.example": {"TXT": "SERVFAIL"},
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[Databases]:
    with databases(request.param) as found:
        yield found


@pytest.fixture
def store(kind: Databases) -> Iterator[Store]:
    store = kind.store(grace_seconds=0)
    yield store
    store.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Handler]:
    with relay() as handler:
        yield handler


@pytest.fixture
def handler(server: Handler) -> Handler:
    port, fresh = server.port, Handler()
    server.__dict__.update(fresh.__dict__, port=port)
    return server


def sample(domain: str, *rua: str, ip: str = "192.0.2.1") -> Sample:
    configuration = Configuration(Policy(domain, p="reject", discovery="treewalk"), rua or (f"mailto:d@{domain}",))
    return Sample(configuration, Row(ip, "none", "pass", "fail", domain))


def sender(store: Store, transport: Any, now: float = LATER, owner: str = "test", **more: Any) -> Sender:
    zone = Zone(ZONE)
    return Sender(store, transport, zone, REPORTER, owner=owner, clock=lambda: now, **more)


def send(store: Store, handler: Handler, now: float = LATER, **more: Any) -> list[Step]:
    with Relay("127.0.0.1", handler.port, tls="no", timeout=20) as transport:
        return list(sender(store, transport, now, **more).run())


def states(steps: list[Step]) -> list[tuple[str, str]]:
    return sorted((each.destination, each.state) for each in steps)


def test_each_report_is_sent_once_to_all_who_agree(store: Store, handler: Handler) -> None:
    store.put({sample("a.example", "mailto:d@a.example,mailto:x@reports.example"): 3, sample("c.example"): 2}, NOON)
    store.put({sample("a.example", "mailto:d@a.example,mailto:x@reports.example", ip="2001:db8::1"): 4}, NOON + 9)
    assert send(store, handler, LATER - 3601) == []
    assert {each.state for each in send(store, handler)} == {"sent"}
    assert sorted((to, count) for to, _, count in handler.reports()) == [
        ("d@a.example", 7),
        ("d@c.example", 2),
        ("x@reports.example", 7),
    ]
    by_name = {to: report_id for to, report_id, _ in handler.reports()}
    assert by_name["d@a.example"] == by_name["x@reports.example"] != by_name["d@c.example"]
    assert send(store, handler, LATER + 9 * DAY) == []
    assert len(handler.taken) == 3


def test_who_has_not_agreed_gets_nothing(store: Store, handler: Handler) -> None:
    store.put({sample("c.example", "mailto:x@reports.example", "https://c.example/"): 1}, NOON)
    assert states(send(store, handler)) == [
        ("https://c.example/", "refused"),
        ("mailto:x@reports.example", "refused"),
    ]
    assert handler.taken == []
    assert send(store, handler, LATER + DAY) == []


def test_dns_that_does_not_answer_is_asked_again(store: Store, handler: Handler) -> None:
    store.put({sample("b.example", "mailto:d@b.example,mailto:x@reports.example"): 1}, NOON)
    steps = send(store, handler)
    assert states(steps) == [("mailto:d@b.example", "sent"), ("mailto:x@reports.example", "retry")]
    assert send(store, handler, LATER + 60) == []
    assert states(send(store, handler, LATER + 3600)) == [("mailto:x@reports.example", "retry")]
    # Five days later it is given up, and told
    (last,) = send(store, handler, LATER + 6 * DAY)
    assert (last.state, last.detail[:9]) == ("refused", "given up:")
    assert [to for to, _, _ in handler.reports()] == ["d@b.example"]
    assert send(store, handler, LATER + 9 * DAY) == []


def test_a_recipient_that_does_not_exist_gets_nothing_for_a_month(store: Store, handler: Handler) -> None:
    handler.rcpt = lambda to: "550 5.1.1 no such user" if to.startswith("gone@") else None
    twice = sample("a.example", "mailto:gone@a.example,mailto:d@a.example")
    store.put({twice: 1}, NOON)
    assert states(send(store, handler)) == [("mailto:d@a.example", "sent"), ("mailto:gone@a.example", "refused")]
    handler.rcpt = lambda _: None
    store.put({twice: 1}, NOON + DAY)
    steps = send(store, handler, LATER + DAY)
    assert states(steps) == [("mailto:d@a.example", "sent"), ("mailto:gone@a.example", "refused")]
    assert "550 5.1.1 no such user" in next(each.detail for each in steps if each.state == "refused")
    store.put({twice: 1}, NOON + 31 * DAY)
    assert {each.state for each in send(store, handler, LATER + 31 * DAY)} == {"sent"}


@pytest.mark.parametrize(
    "reply",
    [
        "450 4.2.0 greylisted",
        "550 5.7.1 relaying denied",
        "421 4.3.2 shutting down",
        "451 no words",
        # Of an Exim that does not know us, and of a Postfix that does not know our domain
        "550 relay not permitted",
        "550 5.1.8 Sender address rejected: Domain not found",
    ],
)
def test_what_may_change_is_tried_again_as_the_same_report(store: Store, handler: Handler, reply: str) -> None:
    store.put({sample("a.example"): 5}, NOON)
    handler.rcpt = lambda _: reply
    (step,) = send(store, handler)
    assert (step.state, step.detail) == ("retry", reply)
    assert send(store, handler, LATER + 3599) == []
    handler.rcpt = lambda _: None
    assert states(send(store, handler, LATER + 3601)) == [("mailto:d@a.example", "sent")]
    assert handler.reports() == [("d@a.example", step.due.report_id, 5)]


def test_content_that_is_refused_says_nothing_about_the_recipient(store: Store, handler: Handler) -> None:
    store.put({sample("a.example"): 5}, NOON)
    handler.data = lambda _: "554 5.6.0 not this"
    assert states(send(store, handler)) == [("mailto:d@a.example", "refused")]
    handler.data = lambda _: None
    store.put({sample("a.example"): 1}, NOON + DAY)
    assert states(send(store, handler, LATER + DAY)) == [("mailto:d@a.example", "sent")]


@pytest.mark.parametrize("reply", ["530 5.7.0 authenticate first", "451 4.3.0 disk full"])
def test_a_relay_that_does_not_want_us_ends_the_run_and_loses_nothing(
    store: Store, handler: Handler, reply: str
) -> None:
    store.put({sample(f"d{n}.example"): 1 for n in range(5)}, NOON)
    handler.mail = reply
    with pytest.raises(RelayGoneError, match=reply[:9]):
        send(store, handler)
    handler.mail = None
    send(store, handler, LATER + 3601)
    assert sorted(to for to, _, _ in handler.reports()) == [f"d@d{n}.example" for n in range(5)]


def test_a_relay_that_is_not_there(store: Store) -> None:
    store.put({sample("a.example"): 1}, NOON)
    with Relay("127.0.0.1", 1, tls="no", timeout=5) as transport, pytest.raises(RelayGoneError, match="refused"):
        list(sender(store, transport).run())


def test_a_connection_that_breaks_after_the_mail(store: Store, handler: Handler) -> None:
    store.put({sample("a.example"): 5}, NOON)
    handler.data = lambda _: "drop"
    with pytest.raises(RelayGoneError, match="may have arrived"):
        send(store, handler)
    handler.data = lambda _: None
    send(store, handler, LATER + 3601)
    # It did arrive: the reader sees the same report twice, in the same file, and counts it once
    (first, second) = (message(octets) for _, octets in handler.taken)
    assert next(first.iter_attachments()).get_content() == next(second.iter_attachments()).get_content()
    assert (first["Message-ID"], first["Subject"]) == (second["Message-ID"], second["Subject"])
    assert send(store, handler, LATER + DAY) == []


def test_a_relay_that_takes_few_mails_at_a_time(store: Store, handler: Handler) -> None:
    store.put({sample(f"d{n}.example"): 1 for n in range(7)}, NOON)
    handler.most = 1
    with pytest.raises(RelayGoneError, match="too many mails"):
        send(store, handler)
    assert len(handler.taken) == 1


def test_a_relay_that_hangs_up_between_mails(store: Store, handler: Handler) -> None:
    store.put({sample(f"d{n}.example"): 1 for n in range(3)}, NOON)
    handler.hangs_up = True
    assert {each.state for each in send(store, handler)} == {"sent"}
    assert (len(handler.taken), handler.connections) == (3, 3)


def test_two_runs_at_once_send_each_report_once(kind: Databases, handler: Handler) -> None:
    store = kind.store(grace_seconds=0)
    store.put({sample(f"d{n}.example"): n + 1 for n in range(40)}, NOON)
    handler.delay = 0.005
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(send, store, handler, owner=f"run {n}") for n in range(3)]
        done = [step for run in runs for step in run.result()]
    assert len(done) == len({each.due.report_id for each in done}) == 40
    assert sorted(count for _, _, count in handler.reports()) == list(range(1, 41))
    store.close()


def test_a_run_that_was_killed_is_finished_by_the_next(store: Store, handler: Handler) -> None:
    store.put({sample("a.example", "mailto:d@a.example,mailto:e@a.example"): 5, sample("c.example"): 1}, NOON)
    with Relay("127.0.0.1", handler.port, tls="no", timeout=20) as transport:
        first = next(sender(store, transport, owner="killed").run())
        assert first.state == "sent"
    # Its lease ends first
    assert first.due.report_id not in {each.due.report_id for each in send(store, handler)}
    send(store, handler, LATER + 3601)
    assert len({(to, name) for to, name, _ in handler.reports()}) == len(handler.taken) == 3


def test_mails_are_as_small_as_the_destination_wants(store: Store, handler: Handler) -> None:
    numbers = random.Random(7)
    addresses = [str(IPv6Address(numbers.getrandbits(128))) for _ in range(3000)]
    store.put({sample("a.example", "mailto:d@a.example!30k", ip=address): 1 for address in addresses}, NOON)
    assert {each.state for each in send(store, handler)} == {"sent"}
    assert len(handler.taken) > 1
    assert max(len(octets) for _, octets in handler.taken) <= 30 * 1024
    assert sum(count for _, _, count in handler.reports()) == 3000
    assert len({name for _, name, _ in handler.reports()}) == len(handler.taken)


def test_parts_do_not_depend_on_who_has_them_already(store: Store, handler: Handler) -> None:
    addresses = [f"2001:db8::{n:x}" for n in range(1, 3000)]
    rua = "mailto:d@a.example!10k,mailto:late@a.example"
    store.put({sample("a.example", rua, ip=address): 1 for address in addresses}, NOON)
    seen = []

    def delayed(to: str) -> str | None:
        seen.append(to)
        return "450 4.2.0 later" if seen.count("late@a.example") == 2 and to == "late@a.example" else None

    handler.rcpt = delayed
    send(store, handler)
    handler.rcpt = lambda _: None
    assert states(send(store, handler, LATER + 3601)) == [("mailto:late@a.example", "sent")]
    files = {(name, read(octets)) for to, octets in handler.taken for name in [to]}
    parts = {to: {report for name, report in files if name == to} for to in ("d@a.example", "late@a.example")}
    # A reader drops a second report with an identifier that it knows
    assert parts["d@a.example"] == parts["late@a.example"]
    assert len(parts["d@a.example"]) > 2


def test_a_report_is_not_a_hundred_mails(store: Store, handler: Handler) -> None:
    hosts = [f"h{n}.example" for n in range(4)]
    zone = {
        f"a.example._report._dmarc.{host}": {
            "TXT": ["v=DMARC1; rua=" + ",".join(f"mailto:a{n}@{host}" for n in range(10))]
        }
        for host in hosts
    }
    store.put({sample("a.example", ",".join(f"mailto:x@{host}" for host in hosts)): 1}, NOON)
    with Relay("127.0.0.1", handler.port, tls="no", timeout=20) as transport:
        run = Sender(store, transport, Zone(zone), REPORTER, owner="test", clock=lambda: LATER)
        assert Counter(each.state for each in run.run()) == {"sent": 10, "refused": 30}
    assert len(handler.taken) == 10
    assert send(store, handler, LATER + DAY) == []


def test_what_could_not_be_tried_in_time_is_tried(store: Store, handler: Handler) -> None:
    store.put({sample("a.example"): 1}, NOON)
    # Nobody ran it for a week, and then the relay is away for days
    handler.mail = "451 4.3.0 disk full"
    for day in range(6, 10):
        with pytest.raises(RelayGoneError):
            send(store, handler, LATER + day * DAY)
    handler.mail = None
    assert states(send(store, handler, LATER + 10 * DAY)) == [("mailto:d@a.example", "sent")]
    store.put({sample("c.example"): 1}, NOON)
    handler.rcpt = lambda _: "450 4.2.0 greylisted"
    assert states(send(store, handler, LATER + 10 * DAY)) == [("mailto:d@c.example", "retry")]


def test_a_limit_that_no_report_fits(store: Store, handler: Handler) -> None:
    store.put({sample("a.example", "mailto:d@a.example!1"): 1}, NOON)
    (step,) = send(store, handler)
    assert (step.state, "limit of 1 octets" in step.detail, handler.taken) == ("refused", True, [])


def test_report_mail_passes_dmarc(store: Store, handler: Handler) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    zone = Zone(
        {
            "s._domainkey.mx.example.org": {"TXT": [f"v=DKIM1; k=ed25519; p={b64encode(public).decode()}"]},
            "_dmarc.mx.example.org": {"TXT": ["v=DMARC1; p=reject"]},
        }
    )
    store.put({sample("a.example"): 1}, NOON)
    send(store, handler, signer=Signer("mx.example.org", "s", key))
    ((_, octets),) = handler.taken
    found = authenticate(octets, Connection(ip="192.0.2.1", mail_from=REPORTER.email), zone, now=LATER)
    assert found.dmarc is not None
    assert (found.dmarc.result, found.dmarc.aligned) == ("pass", ("dkim",))


def test_files_in_place_of_mail(store: Store, tmp_path: Path) -> None:
    store.put({sample("a.example"): 5, sample("c.example"): 2}, NOON)
    steps = list(sender(store, Folder(str(tmp_path))).run())
    assert {each.state for each in steps} == {"sent"}
    assert sorted(read(path.read_bytes())[1] for path in tmp_path.iterdir()) == [2, 5]
    assert {path.suffix for path in tmp_path.iterdir()} == {".eml"}


def test_files_of_a_domain_with_a_long_name(store: Store, tmp_path: Path) -> None:
    name = f"{'x' * 63}.{'y' * 63}.{'z' * 63}.example"
    store.put({sample(name, f"mailto:d@{name},mailto:e@{name}"): 5}, NOON)
    assert {each.state for each in sender(store, Folder(str(tmp_path))).run()} == {"sent"}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_is_not_there_loses_nothing(store: Store, tmp_path: Path) -> None:
    store.put({sample("a.example"): 5}, NOON)
    with pytest.raises(RelayGoneError, match="cannot write"):
        list(sender(store, Folder(str(tmp_path / "none"))).run())
    assert states(list(sender(store, Folder(str(tmp_path)), LATER + 3601).run())) == [("mailto:d@a.example", "sent")]


def test_what_is_pending_is_told_and_not_touched(store: Store, handler: Handler) -> None:
    store.put({sample("a.example"): 5, sample("c.example", "mailto:x@reports.example"): 1}, NOON)
    for _ in range(2):
        found = list(sender(store, Folder("/nowhere")).pending())
        assert states(found) == [("mailto:d@a.example", "pending"), ("mailto:x@reports.example", "refused")]
    assert len(send(store, handler)) == 2


def test_a_report_that_cannot_be_written_is_not_in_the_way(store: Store, handler: Handler) -> None:
    store.put({sample("a.example")._replace(row=Row("192.0.2.1", "odd", "pass", "pass", "a.example")): 1}, NOON)
    store.put({sample("c.example"): 1}, NOON)
    found = {each.due.configuration.policy.domain: each for each in send(store, handler)}
    assert (found["a.example"].state, found["c.example"].state) == ("retry", "sent")
    assert "odd" in found["a.example"].detail
    assert Delivery("", "retry").uri == found["a.example"].destination


@pytest.mark.parametrize(
    "given",
    [
        {"reporter": Reporter(org_name="", email="a@b.example")},
        {"reporter": Reporter(org_name="R", email="a b@c.example")},
        {"reporter": Reporter(org_name="R", email="nobody")},
        {"submitter": "two words"},
    ],
)
def test_a_sender_needs_names_that_mail_can_have(store: Store, given: dict[str, Any]) -> None:
    given = {"reporter": REPORTER, **given}
    with pytest.raises(UsageError, match="give"):
        Sender(store, Folder("/nowhere"), Zone({}), owner="test", clock=lambda: 0, **given)


def test_an_address_in_another_script(store: Store, handler: Handler) -> None:
    store.put({sample("a.example"): 1}, NOON)
    reporter = Reporter(org_name="R", email="dmarc@B\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example")
    with Relay("127.0.0.1", handler.port, tls="no", timeout=20) as transport:
        run = Sender(store, transport, Zone(ZONE), reporter, owner="test", clock=lambda: LATER)
        assert [each.state for each in run.run()] == ["sent"]
    ((_, octets),) = handler.taken
    assert message(octets)["From"] == "dmarc@xn--bcher-kva.example"


def test_runs_that_are_killed_lose_and_double_nothing(kind: Databases) -> None:
    found = kill(kind.fresh(), kills=4, seed=5, reports=40)
    assert (found.kills, found.lost, found.doubled) == (8, 0, 0)
