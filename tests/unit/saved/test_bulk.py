"""Many saved messages: a row for each, in order, whoever verifies them and whatever happens to one of them."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from multiprocessing import active_children, connection, get_context
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset
import pytest
from support import bulk as made
from support.signing import NOW, TESTDATA, key, signed

import mailauth
from mailauth import Connection, MailauthError, UsageError
from mailauth.resolvers import DnspythonResolver
from mailauth.saved import Row, Saved, bulk, keys, processes, verify_many
from mailauth.saved.sources import Item
from mailauth.saved.table import COLUMNS
from unit.saved.made import mail, mbox, tarred, zipped

CASES = json.loads((TESTDATA / "messages" / "cases.json").read_text())
PRESENT = datetime.fromtimestamp(NOW, UTC)
NUMBER = 200


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write_mailbox(tmp_path_factory.mktemp("mail") / "inbox", NUMBER)


def rows(mailbox: Path, **more: Any) -> list[Row]:
    settings: dict[str, Any] = {"dns": mailbox.parent / "zone.json", "now": PRESENT, "authserv_id": "mx.example.org"}
    return list(verify_many(mailbox, **(settings | more)))


@pytest.fixture(scope="module")
def expected(mailbox: Path) -> list[Row]:
    return rows(mailbox)


# --- rows


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_row_says_what_the_message_was_made_for(case: dict[str, Any]) -> None:
    folder, expect = TESTDATA / "messages", case["expect"]
    connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mail_from"])
    now = datetime.fromtimestamp(case["now"], UTC)
    path = folder / case["message"]
    (row,) = verify_many(path, dns=folder / case["zone"], connection=connection, now=now, authserv_id="mx.example.org")
    assert (row.source, row.origin, row.problem, row.size) == (str(path), path.name, None, path.stat().st_size)
    found = {"spf": row.spf_result, "dkim": list(row.dkim_results), "arc": row.arc_result, "dmarc": row.dmarc_result}
    assert found == {name: expect[name] for name in found}
    assert row.dmarc_policy == expect.get("policy", row.dmarc_policy)
    assert (row.client_ip, row.client_source, row.client_is_guess) == (case["ip"], "argument", False)
    assert row.dkim_passes == expect["dkim"].count("pass")
    assert len(row.dkim_domains) == len(row.dkim_reasons) == row.dkim_signatures == len(expect["dkim"])


def test_the_columns_of_a_good_message() -> None:
    folder = TESTDATA / "messages"
    (row,) = verify_many([folder / "sample.eml"], dns=folder / "sample.json", authserv_id="mx.example.org")
    plain = row.to_dict()
    assert list(plain) == list(COLUMNS)
    assert plain | {"source": "", "sha256": "", "size": 0, "message_id": ""} == {
        "source": "", "origin": "sample.eml", "problem": None, "sha256": "", "size": 0, "message_id": "", "damage": [],
        "received_at": "2026-11-02T09:30:00+00:00", "client_ip": "192.0.2.10", "client_source": "received",
        "client_is_guess": True, "client_problem": None, "helo": "out.example.com", "mail_from": "anna@example.com",
        "spf_result": "pass", "spf_reason": "spf_match", "spf_domain": "example.com", "helo_spf_result": "pass",
        "dkim_signatures": 2, "dkim_passes": 2, "dkim_pass_domains": ["example.com"],
        "dkim_domains": ["example.com", "example.com"], "dkim_results": ["pass", "pass"],
        "dkim_reasons": ["signature_verified", "signature_verified"], "arc_result": "none", "arc_reason": "arc_none",
        "arc_sealers": [], "dmarc_result": "pass", "dmarc_reason": "dmarc_aligned", "author_domain": "example.com",
        "dmarc_policy_domain": "example.com", "dmarc_policy": "reject", "dmarc_disposition": "accept",
        "dmarc_aligned": ["dkim", "spf"], "iprev_result": "pass", "iprev_name": "out.example.com", "forged": 0,
        "old_keys": [],
    }  # fmt: skip


def test_a_row_is_the_same_after_json_and_pickle(expected: list[Row]) -> None:
    problem = Row(source="a", origin="b", problem="why")
    for row in (*expected, problem):
        assert Row.from_dict(json.loads(json.dumps(row.to_dict()))) == row
        assert pickle.loads(pickle.dumps(row)) == row


@pytest.mark.parametrize(
    "change",
    [
        {"origin": None}, {"source": 1}, {"size": "1"}, {"size": True}, {"damage": None}, {"damage": [1]},
        {"client_is_guess": 1}, {"received_at": "yesterday"}, {"received_at": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_a_row_is_refused(change: dict[str, Any]) -> None:
    plain = Row(source="a", origin="b").to_dict()
    others: list[Any] = [plain | change, None, [], "row", {}, dict(itertools.islice(plain.items(), len(plain) - 1))]
    for other in others:
        with pytest.raises(ValueError, match="row"):
            Row.from_dict(other)


def test_the_docstring_has_every_column() -> None:
    assert Row.__doc__ is not None
    attributes = Row.__doc__.partition("Attributes:\n")[2]
    assert re.findall(r"(?m)^ {8}(\w+):", attributes) == list(COLUMNS)


def test_the_manual_has_every_column() -> None:
    page = (TESTDATA.parent / "docs" / "bulk.md").read_text(encoding="utf-8").partition("\n## Columns\n")[2]
    words = {"text": str, "integer": int, "boolean": bool, "timestamp": datetime, "list of text": list}
    table = re.findall(r"(?m)^\| `(\w+)` \| ([\w ]+) \|", page.partition("\n## ")[0])
    assert {name: words[kind] for name, kind in table} == COLUMNS
    assert [name for name, _ in table] == list(COLUMNS)


def test_the_whole_verdict_on_request(mailbox: Path) -> None:
    row = rows(mailbox, details=True)[0]
    assert row.details is not None
    assert row.details["authentication"]["dmarc"]["result"] == row.dmarc_result
    assert row.details["saved"]["received_at"] == "2026-10-01T09:30:00+00:00"
    assert {*row.to_dict()} == {*COLUMNS, "authentication", "saved"}
    json.dumps(row.to_dict())


@pytest.mark.parametrize(
    ("field", "identity"),
    [
        (b"Message-ID: <a@b.example>\r\n", "<a@b.example>"),
        (b"Message-ID:\r\n\t<a@b.example> \r\n", "<a@b.example>"),
        (b"", None),
        (b"Message-ID: <a@b.example>\r\nmessage-id: <c@d.example>\r\n", None),
        (b"Message-ID: " + b"x" * 5000 + b"\r\n", "x" * 998),
        (b"Message-ID: <\xff@b.example>\r\n", "<\\xff@b.example>"),
    ],
)
def test_message_id(tmp_path: Path, field: bytes, identity: str | None) -> None:
    (tmp_path / "a.eml").write_bytes(field + mail(1))
    (row,) = verify_many(tmp_path / "a.eml", connection=Connection(source="none"), dns=_empty(tmp_path))
    assert row.message_id == identity


def test_text_that_is_not_unicode_can_be_written(tmp_path: Path) -> None:
    trace = b"Received: from caf\xe9 ([192.0.2.1]) by b; Thu, 1 Jan 1970 00:00:00 +0000\r\n"
    (tmp_path / "a.eml").write_bytes(b"Return-Path: <caf\xe9@b.example>\r\n" + trace + mail(1))
    for row in verify_many(tmp_path / "a.eml", dns=_empty(tmp_path), details=True):
        assert row.mail_from is not None
        json.dumps(row.to_dict(), ensure_ascii=False).encode()


def test_a_date_at_the_end_of_time(tmp_path: Path) -> None:
    trace = b"Received: from a ([192.0.2.1]) by b; Fri, 31 Dec 9999 23:59:59 -1200\r\n"
    (tmp_path / "a.eml").write_bytes(trace + mail(1))
    (row,) = verify_many(tmp_path / "a.eml", dns=_empty(tmp_path))
    assert row.problem is None
    assert row.received_at is None


def _empty(folder: Path) -> Path:
    path = folder / "zone.json"
    path.write_text("{}")
    return path


# --- executors


def test_every_message_has_a_row_in_order(expected: list[Row], mailbox: Path) -> None:
    assert [row.origin for row in expected] == [f"inbox#{n}" for n in range(1, NUMBER + 1)]
    assert {row.source for row in expected} == {str(mailbox)}
    assert not [row.problem for row in expected if row.problem]
    assert {row.dmarc_result for row in expected} == {"pass", "fail", "none"}


def test_threads(mailbox: Path, expected: list[Row]) -> None:
    with ThreadPoolExecutor(3) as threads:
        assert rows(mailbox, executor=threads) == expected
        # It is still the caller's
        assert threads.submit(int, "7").result() == 7
    assert rows(mailbox, executor=partial(ThreadPoolExecutor, 2), ahead=1) == expected


def test_processes(mailbox: Path, expected: list[Row]) -> None:
    assert rows(mailbox, executor=partial(processes, 2)) == expected
    with processes(1) as pool:
        assert rows(mailbox, executor=pool) == expected


def test_a_cluster(mailbox: Path, expected: list[Row]) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        assert rows(mailbox, executor=client.get_executor()) == expected


def test_several_sources_in_their_order(tmp_path: Path) -> None:
    for folder in ("b", "a"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "inbox").write_bytes(mbox(mail(1), mail(2)))
    sources = [tmp_path / "b" / "inbox", tmp_path / "a" / "inbox"]
    found = list(verify_many(iter(sources), dns=_empty(tmp_path), executor=partial(ThreadPoolExecutor, 2)))
    assert [(row.source, row.origin) for row in found] == [
        (str(source), f"inbox#{n}") for source in sources for n in (1, 2)
    ]


def test_the_name_of_a_source_is_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        path.write_bytes(mail(1))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    (row,) = verify_many(path, dns=_empty(tmp_path))
    assert (row.source, row.origin) == (f"{tmp_path}/caf\\xe9", "caf\\xe9")


def test_what_is_skipped(mailbox: Path, expected: list[Row]) -> None:
    def skip(source: str, item: Item) -> bool:
        assert source == str(mailbox)
        return not item.origin.endswith("7")

    assert rows(mailbox, skip=skip) == [row for row in expected if row.origin.endswith("7")]


@pytest.mark.parametrize("executor", [None, partial(ThreadPoolExecutor, 2)], ids=["here", "threads"])
def test_few_messages_are_under_way(mailbox: Path, executor: Callable[[], Executor] | None) -> None:
    count = itertools.count()
    seen = 0

    def skip(*_: object) -> bool:
        nonlocal seen
        seen = next(count) + 1
        return False

    several: Iterator[Path] = itertools.repeat(mailbox)
    found = verify_many(several, executor=executor, ahead=2, skip=skip, dns=mailbox.parent / "zone.json")
    with closing(found):
        for number in range(1, 1000):
            next(found)
            assert seen <= number + 5 * 32


def test_large_messages_are_few(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(mbox(*(mail(n, 9 * 2**20) for n in range(12))))
    count = itertools.count(1)
    seen = 0

    def skip(*_: object) -> bool:
        nonlocal seen
        seen = next(count)
        return False

    found = verify_many(
        tmp_path / "in", executor=partial(ThreadPoolExecutor, 1), ahead=100, skip=skip, dns=_empty(tmp_path)
    )
    with closing(found):
        next(found)
        # Octets are what is counted: 64 MiB
        assert seen <= 9


def test_the_zone_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(mbox(*map(mail, range(100))))
    zone = _empty(tmp_path)
    found = verify_many(tmp_path / "in", dns=zone, executor=partial(ThreadPoolExecutor, 2))
    zone.unlink()
    assert [row.problem for row in found] == [None] * 100


@pytest.mark.parametrize("executor", [None, partial(ThreadPoolExecutor, 2), partial(processes, 2)])
def test_old_keys(tmp_path: Path, executor: Callable[[], Executor] | None) -> None:
    several = [signed(), signed().replace(b"Two", b"Six"), signed(), mail(1)]
    (tmp_path / "in").write_bytes(mbox(*several))
    (tmp_path / "old.tsv").write_text(f"s1._domainkey.example.com\t{key().record()}\n")
    (tmp_path / "other.tsv").write_text(f"s2._domainkey.example.com\t{key().record()}\n")
    settings: dict[str, Any] = {"dns": _empty(tmp_path), "executor": executor, "now": PRESENT, "details": True}
    paths: list[Path | str] = [tmp_path / "other.tsv", str(tmp_path / "old.tsv")]
    found = list(verify_many(tmp_path / "in", keys=iter(paths), **settings))
    assert [row.dkim_results for row in found] == [("pass",), ("permerror",), ("pass",), ()]
    assert [row.old_keys for row in found] == [("old.tsv",), (), ("old.tsv",), ()]
    for row in found[::2]:
        assert row.details is not None
        assert "the key is from old.tsv" in row.details["authentication"]["dkim"][0]["detail"]
        assert row.details["saved"]["old_keys"] == ["old.tsv"]
    one = list(verify_many(tmp_path / "in", keys=paths[0], **settings))
    assert [row.dkim_results for row in one] == [("permerror",)] * 3 + [()]


def test_old_keys_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(mbox(*[signed()] * 100))
    path = tmp_path / "old.tsv"
    path.write_text(f"s1._domainkey.example.com\t{key().record()}\n")
    found = verify_many(
        tmp_path / "in", dns=_empty(tmp_path), keys=path, now=PRESENT, executor=partial(ThreadPoolExecutor, 2)
    )
    path.unlink()
    assert [row.old_keys for row in found] == [("old.tsv",)] * 100


def test_a_new_run_reads_the_zone_anew(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(signed())
    results = []
    for records in ({}, {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]}}):
        (tmp_path / "zone.json").write_text(json.dumps(records))
        results += [row.dmarc_result for row in verify_many(tmp_path / "a.eml", dns=tmp_path / "zone.json")]
    assert results == ["none", "fail"]


def test_the_present_is_that_of_the_zone(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(signed(tags={"x": str(NOW + 100)}))
    keys = made.zone() | {"s1._domainkey.example.com": made.zone()["s1._domainkey.sender0.example"]}
    for now, result in ((NOW, "pass"), (NOW + 1000, "policy")):
        moment = datetime.fromtimestamp(now, UTC).isoformat()
        (tmp_path / "zone.json").write_text(json.dumps({"zone": keys, "now": moment}))
        (row,) = verify_many(tmp_path / "a.eml", dns=tmp_path / "zone.json")
        assert row.dkim_results == (result,)


class Server(threading.Thread):
    """A nameserver on the loopback interface that waits until eight domains are asked for at once, then answers all."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.asked: list[str] = []

    def run(self) -> None:
        waiting: list[tuple[bytes, Any]] = []
        while (received := self.socket.recvfrom(4096))[0]:
            waiting.append(received)
            self.asked.append(str(dns.message.from_wire(received[0]).question[0].name))
            if len(set(self.asked)) >= 8:
                for query, sender in waiting:
                    self.socket.sendto(self.answer(query), sender)
                waiting.clear()

    def answer(self, query: bytes) -> bytes:
        reply = dns.message.make_response(dns.message.from_wire(query))
        reply.answer.append(dns.rrset.from_text(reply.question[0].name, 300, "IN", "TXT", "nothing"))
        return bytes(reply.to_wire())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    found = Server()
    found.start()
    port = found.socket.getsockname()[1]
    # Port 53 is for the administrator
    monkeypatch.setattr("mailauth.resolvers.DnspythonResolver", partial(DnspythonResolver, port=port))
    yield found
    # An empty datagram ends it
    found.socket.sendto(b"", ("127.0.0.1", port))
    found.join(10)
    found.socket.close()


def test_messages_wait_for_the_network_together(tmp_path: Path, server: Server) -> None:
    several = [mail(n).replace(b"a@example.com", b"a@d%d.example" % (n % 16)) for n in range(32)]
    (tmp_path / "in").write_bytes(mbox(*several))
    found = list(verify_many(tmp_path / "in", nameserver="127.0.0.1", connection=Connection(source="none")))
    assert [row.author_domain for row in found] == [f"d{n % 16}.example" for n in range(32)]
    assert {row.dmarc_result for row in found} == {"none"}
    # It would be silent for fewer than eight. There is one cache, and what is asked already is not asked again
    assert sorted(server.asked) == sorted({*server.asked})
    assert {f"_dmarc.d{n}.example." for n in range(16)} <= {*server.asked}


# --- faults


def test_bad_items_are_rows(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "a.eml").write_bytes(mail(1))
    (folder / "b.bin").write_bytes(bytes(1000))
    (folder / "c.zip").write_bytes(zipped({"1.eml": mail(2), "2": b"", "../3.eml": mail(3)})[:-9])
    (folder / "d.tar").write_bytes(tarred({"x/1.eml": mail(4), "x/2.eml": mail(5)})[:2048])
    (folder / "e.mbox").write_bytes(mbox(mail(6), b"", mail(7, 3000)))
    (folder / "f.eml").symlink_to("nowhere")
    found = list(verify_many(folder, dns=_empty(tmp_path), max_bytes=2000, executor=partial(ThreadPoolExecutor, 1)))
    assert {row.origin: row.problem and row.problem.partition(":")[0] for row in found} == {
        "mail/a.eml": None,
        "mail/b.bin": "a binary file, not a message",
        "mail/c.zip": "damaged",
        "mail/d.tar!/x/1.eml": None,
        "mail/d.tar": "truncated",
        "mail/d.tar!/x/2.eml": None,
        "mail/e.mbox#1": None,
        "mail/e.mbox#2": "the message is empty",
        "mail/e.mbox#3": "larger than 2000 octets, the limit for a message",
        "mail/f.eml": "cannot be read",
    }
    for row in found:
        assert (row.problem is None) == (row.dmarc_result is not None) == (row.sha256 is not None)
        assert row.damage == row.dkim_results == () or row.problem is None


@pytest.mark.parametrize("executor", [None, partial(ThreadPoolExecutor, 2)], ids=["here", "threads"])
def test_a_source_that_is_missing_is_a_row(tmp_path: Path, executor: Callable[[], Executor] | None) -> None:
    (tmp_path / "a.eml").write_bytes(mail(1))
    found = verify_many([tmp_path / "none", tmp_path / "a.eml"], dns=_empty(tmp_path), executor=executor)
    assert [row.problem for row in found] == ["cannot be read: No such file or directory", None]


@pytest.mark.parametrize(
    "named",
    [
        {"ahead": 0}, {"trusted": "not a name"}, {"trusted": -1}, {"nameserver": "no address"},
        {"now": "yesterday"}, {"dns": "missing.json"}, {"connection": "192.0.2.1"}, {"keys": "missing.tsv"},
        {"keys": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_argument_is_an_error_at_once(tmp_path: Path, named: dict[str, Any]) -> None:
    with pytest.raises((MailauthError, TypeError, AttributeError)):
        verify_many(tmp_path, **named)


def test_a_wrong_source_is_an_error_in_its_turn(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not name a user"):
        list(verify_many(["imaps://host.example"], dns=_empty(tmp_path)))


POISON = b"Poison: yes\r\n"


def _begin_to_die() -> None:
    """In a process: die at a message with poison in it, as a fault in a library in C would have it."""
    healthy = keys.verify

    def verify(raw: Any, *arguments: Any, **named: Any) -> Saved:
        if POISON in raw:
            os.kill(os.getpid(), signal.SIGKILL)
        return healthy(raw, *arguments, **named)

    vars(bulk)["verify"] = verify


def _mortal() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=_begin_to_die)


@pytest.fixture
def poisoned(tmp_path: Path) -> Path:
    several = [mail(n) for n in range(150)]
    several[70] = POISON + several[70]
    (tmp_path / "in").write_bytes(mbox(*several))
    return tmp_path / "in"


def test_a_message_that_kills_its_process_is_one_row(poisoned: Path, tmp_path: Path) -> None:
    found = list(verify_many(poisoned, executor=_mortal, dns=_empty(tmp_path)))
    assert [row.origin for row in found] == [f"in#{n}" for n in range(1, 151)]
    assert {row.origin: row.problem for row in found if row.problem} == {
        "in#71": "not verified: the process that tried to died"
    }
    assert found[70].sha256
    assert found[70].size


def test_an_executor_of_the_caller_that_dies(poisoned: Path, tmp_path: Path) -> None:
    found: list[Row] = []
    with _mortal() as pool, pytest.raises(MailauthError, match="give verify_many a function"):
        found.extend(verify_many(poisoned, executor=pool, dns=_empty(tmp_path), ahead=2))
    # What was under way has rows all the same
    assert [row.origin for row in found] == [f"in#{n}" for n in range(1, len(found) + 1)]


class Unlucky(ThreadPoolExecutor):
    """Loses a batch now and then, as a cluster does whose machines come and go, and says so in its own words."""

    def __init__(self) -> None:
        super().__init__(1)
        self._count = itertools.count()

    def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
        if next(self._count) % 3 != 1:
            return super().submit(*arguments, **named)
        lost: Future[Any] = Future()
        lost.set_exception(RuntimeError("worker tcp://192.0.2.1 died\nfour times"))
        return lost


def test_an_executor_that_loses_a_batch(mailbox: Path, expected: list[Row]) -> None:
    with Unlucky() as unlucky:
        found = rows(mailbox, executor=unlucky)
    lost = [row for row in found if row.problem]
    assert [row.origin for row in lost] == [f"inbox#{n}" for n in [*range(33, 65), *range(129, 161)]]
    assert {row.problem for row in lost} == {
        "not verified: RuntimeError: worker tcp://192.0.2.1 died\N{REPLACEMENT CHARACTER}four times"
    }
    assert [row for row in found if not row.problem] == [
        row for row in expected if row.origin not in {each.origin for each in lost}
    ]


def test_leaving_early_ends_the_processes(mailbox: Path) -> None:
    before = set(active_children())
    found = verify_many(itertools.repeat(mailbox), executor=partial(processes, 2), dns=mailbox.parent / "zone.json")
    next(found)
    workers = set(active_children()) - before
    assert len(workers) == 2
    found.close()
    for worker in workers:
        # Not is_alive(): the thread of the pool may have taken the exit status, and not have written it down yet
        assert connection.wait([worker.sentinel], 30)


def test_an_interrupt_comes_through(mailbox: Path) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        rows(mailbox, executor=partial(ThreadPoolExecutor, 2), skip=interrupted)
    assert threading.active_count() <= before


def test_processes_that_cannot_begin(mailbox: Path, tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from mailauth.saved import processes, verify_many\n"
        f"print(len(list(verify_many({str(mailbox)!r}, executor=processes, dns={str(_empty(tmp_path))!r}))))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, env=made.environment(), timeout=100
    )
    assert done.returncode == 1
    # Python may warn of the pool's semaphores after that line
    assert "\nmailauth.errors.MailauthError: the processes of the executor die" in done.stderr


class Prompt(Executor):
    """Has done everything by the time that it is asked."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*arguments, **named))
        return done


def test_what_is_done_does_not_wait_for_a_slow_source(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(mbox(*map(mail, range(32))))
    read = 0

    def skip(*_: object) -> bool:
        nonlocal read
        read += 1
        return False

    found = verify_many(itertools.repeat(tmp_path / "in"), executor=Prompt(), ahead=50, skip=skip, dns=_empty(tmp_path))
    with closing(found):
        for number in range(1, 200):
            next(found)
            # The batch that comes after it has been read, and none more
            assert read <= number + 2 * 32


def test_it_is_broken_only_as_the_standard_library_says() -> None:
    # What `verify_many` recognises a dead pool by
    with _mortal() as pool, pytest.raises(BrokenExecutor):
        pool.submit(os._exit, 1).result()


def test_rows_name_everything_that_is_public() -> None:
    assert {"Row", "processes", "verify_many"} <= set(mailauth.saved.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        mailauth.saved.nothing  # noqa: B018
