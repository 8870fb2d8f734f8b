"""Has a change made verification slower? Counts, not seconds: the same on a busy machine and on an idle one.

    python tests/benchmarks/guard.py [--write]

Counted for warm verifications: bytecode instructions and calls of each stage; octets hashed; and the most octets that
are held at once. `guard.json` has what they should be, for a version of Python each. More than 15 % above that fails;
more than 15 % below asks for `--write`, which keeps today's counts. For a Python without a table the nearest one is
scaled by what `reference.py` takes, with twice the margin.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from mailauth import Context
from mailauth.dmarc import author_of

Counts: TypeAlias = dict[str, dict[str, int]]

TABLE = Path(__file__).with_name("guard.json")
MARGIN = 0.15
ANY = "every Python"
REFERENCE = "reference"
BY_PYTHON = ("instructions", "calls")


# --- counting, in a process of its own -------------------------------------------------------------------------------


def instructions(call: Callable[[], object]) -> int:
    """Return how many bytecode instructions a call runs."""
    count = 0
    if sys.version_info >= (3, 12):
        events, tool = sys.monitoring.events, sys.monitoring.PROFILER_ID

        def ran(*_: object) -> None:
            nonlocal count
            count += 1

        sys.monitoring.use_tool_id(tool, "guard")
        sys.monitoring.register_callback(tool, events.INSTRUCTION, ran)
        sys.monitoring.set_events(tool, events.INSTRUCTION)
        try:
            call()
        finally:
            sys.monitoring.set_events(tool, events.NO_EVENTS)
            sys.monitoring.free_tool_id(tool)
        return count

    def inside(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "opcode"
        return inside

    def entered(frame: FrameType, _event: str, _: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return inside

    sys.settrace(entered)
    try:
        call()
    finally:
        sys.settrace(None)
    return count


def calls(call: Callable[[], object]) -> int:
    """Return how many functions a call enters, those written in C among them."""
    count = 0

    def seen(_frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(seen)
    try:
        call()
    finally:
        sys.setprofile(None)
    return count


@contextlib.contextmanager
def counted_sha256() -> Iterator[list[int]]:
    """Count the octets that go into every SHA-256 that our package makes."""
    octets, real = [0], hashlib.sha256

    class Counting:
        def __init__(self, data: Any = b"", digest: Any = None) -> None:
            self._digest = digest or real()
            self.update(data)

        def update(self, data: Any) -> None:
            octets[0] += len(data)
            self._digest.update(data)

        def copy(self) -> Counting:
            return Counting(digest=self._digest.copy())

        def digest(self) -> bytes:
            found: bytes = self._digest.digest()
            return found

    users = [m for name, m in sys.modules.items() if name.startswith("mailauth") and vars(m).get("sha256") is real]
    for module in [*users, hashlib]:
        vars(module)["sha256"] = Counting
    try:
        yield octets
    finally:
        for module in [*users, hashlib]:
            vars(module)["sha256"] = real


def hashed(call: Callable[[], object]) -> int:
    with counted_sha256() as octets:
        call()
    return octets[0]


def peak(call: Callable[[], object]) -> int:
    """Return the octets that a call holds at most, above those held before."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def take() -> Counts:
    """Count everything."""
    import corpus
    import reference
    from corpus import AUTHSERV_ID, HELO, IP, MAIL_FROM, NOW, SPF

    import mailauth
    from mailauth import Connection, Message, arc, authres, dkim, dmarc, run, spf
    from mailauth.resolvers import Zone

    zone = Zone(corpus.zone())
    connection = Connection(ip=IP, helo=HELO, mail_from=MAIL_FROM)

    def raw(name: str) -> bytes:
        return corpus.path(name).read_bytes()

    def whole(name: str) -> Callable[[], mailauth.Authentication]:
        message = raw(name)
        return lambda: mailauth.authenticate(message, connection, zone, AUTHSERV_ID, NOW)

    def sender(name: str) -> Callable[[], object]:
        client = Connection(ip=IP, helo=HELO, mail_from=SPF[name])
        return lambda: run(spf.check(client), zone)

    small, html, ten_sets = raw("2k-prose-rsa"), raw("20k-html-rsa"), raw("2k-prose-arc10")
    known = whole("2k-prose-rsa")()
    author = author_of(Message.parse(small))
    field = known.headers[0].value
    reported = [outcome for outcome in known.outcomes if outcome.method != "iprev"]
    stages: dict[str, Callable[[], object]] = {
        "parse, 20 kB": lambda: Message.parse(html),
        "dkim, 2 kB": lambda: run(dkim.verify(Message.parse(small), Context(now=NOW)), zone),
        "dkim, 20 kB": lambda: run(dkim.verify(Message.parse(html), Context(now=NOW)), zone),
        "arc, 10 sets": lambda: run(arc.verify(Message.parse(ten_sets)), zone),
        "spf, typical": sender("typical"),
        "spf, 3 deep": sender("depth3"),
        "spf, 10 terms": sender("ten"),
        "spf, macros": sender("macro"),
        "dmarc": lambda: run(dmarc.check(author, spf=known.spf, dkim=known.dkim), zone),
        "write": lambda: authres.write_outcomes(AUTHSERV_ID, reported, connection),
        "read": lambda: authres.parse(field),
        "all, 2 kB": whole("2k-prose-rsa"),
        "all, 20 kB, two signatures": whole("20k-html-dual"),
        "all, 10 sets": whole("2k-prose-arc10"),
        "all, 5 MB": whole("5m-base64-rsa"),
        REFERENCE: lambda: reference.e2e(small, IP, HELO, MAIL_FROM, corpus.records),
    }
    octets = {name: whole(name) for name in ("200k-html-dual", "2k-prose-arc50", "5m-base64-rsa")}
    held = {name: whole(name) for name in ("200k-html-rsa", "5m-base64-rsa", "5m-html-rsa", "5m-base64-rsa-simple")}
    counts: Counts = {"instructions": {}, "calls": {}, "octets hashed": {}, "octets held": {}}
    kinds: list[tuple[str, Callable[[Callable[[], object]], int], dict[str, Callable[[], object]]]] = [
        ("instructions", instructions, stages),
        ("calls", calls, stages),
        ("octets hashed", hashed, dict(octets)),
        ("octets held", peak, dict(held)),
    ]
    for kind, count, subjects in kinds:
        for name, call in subjects.items():
            call()
            call()
            gc.collect()
            gc.disable()
            counts[kind][name] = count(call)
            gc.enable()
    return counts


# --- comparing -------------------------------------------------------------------------------------------------------


def taken() -> Counts:
    """Count in a new process, where hashes have a known seed and nothing else traces."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTHON"))} | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, __file__, "--take"], stdout=subprocess.PIPE, env=environment, text=True, check=True
    )
    found: Counts = json.loads(done.stdout)
    return found


def version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def expected(table: dict[str, Counts], counts: Counts) -> tuple[Counts, float]:
    """Return what the counts should be, and the margin."""
    if (own := table.get(version())) is not None:
        return {**own, **table[ANY]}, MARGIN
    pythons = [name for name in table if name != ANY]
    nearest = min(pythons, key=lambda name: abs(int(name.split(".")[1]) - sys.version_info.minor))
    scaled = {
        kind: {name: round(count * counts[kind][REFERENCE] / numbers[REFERENCE]) for name, count in numbers.items()}
        for kind, numbers in table[nearest].items()
    }
    return {**scaled, **table[ANY]}, 2 * MARGIN


def compared(counts: Counts, should: Counts, margin: float) -> Iterator[tuple[bool, str]]:
    """Yield whether a count is as it should be, and what to say of it where it is not."""
    for kind, numbers in counts.items():
        for name, count in numbers.items():
            wanted = should.get(kind, {}).get(name)
            if wanted is None:
                yield False, f"{kind}: {name}: has no expectation; run guard.py --write"
                continue
            change = f"{kind}: {name}: {count}, was {wanted} ({(count - wanted) / wanted:+.0%})"
            # Fewer octets than the message has cannot be right
            if count > wanted * (1 + margin) or (kind == "octets hashed" and count < wanted * (1 - margin)):
                yield False, f"WORSE  {change}"
            elif count < wanted * (1 - margin):
                yield True, f"better {change}; keep it with guard.py --write"
            else:
                yield True, ""


def main() -> int:
    """Count and compare, or write what was counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep today's counts, for this version of Python")
    parser.add_argument("--take", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.take:
        sys.stdout.write(json.dumps(take()))
        return 0
    counts = taken()
    table: dict[str, Counts] = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    if arguments.write:
        table[version()] = {kind: counts[kind] for kind in BY_PYTHON}
        table[ANY] = {kind: numbers for kind, numbers in counts.items() if kind not in BY_PYTHON}
        TABLE.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n")
        return 0
    results = list(compared(counts, *expected(table, counts)))
    for _, text in results:
        if text:
            sys.stdout.write(f"{text}\n")
    good = all(right for right, _ in results)
    sys.stdout.write(f"{len(results)} counts: {'none is worse' if good else 'see above'}\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
