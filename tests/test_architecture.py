"""The shape of the package: a pure core, imports in one direction, two fronts with the same names."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mailauth
from mailauth import aio

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mailauth"
TESTDATA = ROOT / "testdata" / "messages"

# What each room of the house may import, from the ground up: a room is a module or a package of `mailauth/`, and it may
# know rooms above its own line only. Nothing is allowed that is not here, and what nobody needs any more has to go.
# `docs/design.md` shows the same.
_ROOMS = {
    # words, bounds, outcomes in general, harmless text
    "_version": "",
    "errors": "",
    "text": "",
    "names": "",
    "files": "errors",
    "extras": "errors",
    "page": "text",
    "counts": "",
    "plots": "counts text",
    "moments": "errors text",
    "limits": "errors names",
    "connection": "errors text",
    "results": "connection errors text",
    # what is evaluated, and how
    "dns": "errors results text",
    "message": "errors limits results text",
    "context": "dns limits moments",
    "versioned": "dns text",
    # the header field that results are written in: its grammar, and no check
    "authres": "connection errors message names results text",
    # what nobody on the way can look into
    "attachments": "errors message results text",
    # the protocols. Two take the outcomes of others as values; none knows how another works, but ARC, which is DKIM
    "iprev": "connection context dns names results text",
    "dnslists": "connection context dns errors names results text",
    "spf": "connection context dns limits message names results text",
    "dkim": "connection context dns errors limits message moments names results text",
    "arc": "authres connection context dkim dns errors limits message names results text",
    "dmarc": "connection context dkim.outcome dns errors limits message names results spf.outcome text",
    "mta_sts": "context dns errors names results text versioned",
    "tls_rpt": "context dns errors names results text versioned",
    "dane": "context dns errors moments names results text versioned",
    # the logos of senders, on top of DMARC
    "bimi": """
        attachments.inflate connection context dkim.outcome dmarc.author dmarc.outcome dmarc.record dns errors
        extras message moments names results text
    """,
    # what outcomes say to a person, and all of them together
    "explain": """
        arc.outcome bimi.outcome connection dkim.outcome dmarc.outcome dns limits message page results spf.outcome
        text
    """,
    "authentication": """
        _version arc.outcome bimi.outcome connection dkim.outcome dmarc.outcome dns explain iprev limits message
        results spf.outcome
    """,
    "compose": """
        arc authentication authres bimi connection context dkim dmarc dns errors iprev limits message moments names
        results spf
    """,
    # what a receiver does with a message
    "policy": "arc.outcome attachments authentication connection dmarc.outcome errors message names results text",
    # which names imitate ours
    "lookalike": "dmarc.psl errors names text",
    # what receivers tell domains of their mail
    "reports": """
        _version attachments authentication authres connection context counts dkim.outcome dmarc dmarc.outcome
        dmarc.record dns errors message moments names page plots policy.decision results text
    """,
    # a domain, asked about itself
    "posture": """
        bimi context dane dkim dmarc dns errors limits message mta_sts names page reports.destinations results spf
        text tls_rpt versioned
    """,
    # plugs: whatever waits
    "resolvers": "dns errors files names text",
    "fetchers": "_version dns errors extras names resolvers text",
    "probes": "dane errors fetchers.addresses fetchers.trust names posture results text",
    "stores": "errors extras reports text",
    # the fronts, and what stands on them
    "sync": "authentication compose connection dmarc dns limits message resolvers",
    "aio": """
        arc authentication authres compose connection context dkim dmarc dns errors iprev limits message resolvers
        results spf sync
    """,
    # functions of users
    "filters": "authentication connection errors message names policy resolvers results text",
    "testing": "connection dns errors filters limits message policy resolvers sync",
    "opinions": "arc.outcome authentication authres connection dkim.outcome dns message names results spf text",
    "saved": """
        _version arc authentication authres connection context counts dkim dns errors explain extras files limits
        message names opinions page plots resolvers results spf.outcome sync text
    """,
    # in a mail server
    "serve": """
        _version aio authentication authres bimi connection context dkim dmarc dns errors extras fetchers files
        filters limits message names policy reports resolvers results stores text
    """,
    "cli": """
        _version aio authentication connection context dkim dmarc dns errors explain extras fetchers files limits
        moments names opinions page posture probes reports resolvers results saved serve text
    """,
    "__main__": "cli",
    "__init__": """
        _version aio arc attachments authentication authres bimi compose connection context dane dkim dmarc dns
        dnslists errors explain fetchers filters iprev limits lookalike message mta_sts opinions policy posture
        reports resolvers results saved spf stores sync testing tls_rpt
    """,
}
ROOMS = {room: set(words.split()) for room, words in _ROOMS.items()}
_NOT_CORE = """
    __init__ __main__ aio cli explain extras fetchers files filters opinions probes resolvers saved serve stores
    sync testing
"""
CORE = set(ROOMS) - set(_NOT_CORE.split())
# All that the core may import of Python and of others: nothing that waits, tells the time, or reaches around the table
ALLOWED = {
    *("__future__", "binascii", "collections", "dataclasses", "datetime", "encodings", "enum", "functools", "hashlib"),
    *("bisect", "inspect", "ipaddress", "itertools", "re", "sys", "typing", "urllib.parse", "cryptography", "mailauth"),
}
# What some modules of the core import when it comes to that
WHEN_NEEDED = {
    "reports/unpack.py": {"io", "zipfile"},
    "reports/tls_read.py": {"json"},
    "reports/elements.py": {"xml.parsers.expat"},
    "reports/characters.py": {"codecs"},
    "reports/failure_write.py": {"email"},
    "dns/drive.py": {"time"},  # the clock of the drivers, where they are given seconds
    "dns/fetch.py": {"time"},  # the same
    "names.py": {"idna"},
    "reports/mail.py": {"email", "zlib"},
    "bimi/path.py": {"pathlib"},  # the file of roots
    "bimi/svg.py": {"lxml"},
    "bimi/uses.py": {"graphlib"},
    "bimi/values.py": {"base64"},
    "attachments/inflate.py": {"bz2", "lzma", "zlib"},
    "attachments/zips.py": {"struct"},
    "text.py": {"html"},
    "dkim/signer.py": {"os", "pathlib"},  # the file of a key
    "posture/flattened.py": {"json"},  # the form of its file
    "lookalike/label.py": {"pathlib"},  # the list of words
    "lookalike/shape.py": {"pathlib", "unicodedata"},  # the table of Unicode
    "message/fields.py": {"mmap"},  # a type
    "dmarc/psl.py": {"publicsuffix2", "pathlib", "warnings", "importlib"},  # the one file that is read, and where it is
}
REACHES_AROUND = re.compile(r"\b(?:importlib|__import__|sys\.modules)\b|\.(?:now|today|utcnow)\(")


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


def part(path: Path) -> str:
    """Return the part of the house that a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield each imported module by its full name, and whether it is imported when the module is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        at_once = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_once
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            for alias in node.names:
                inner = PACKAGE.parent.joinpath(*module.split("."), alias.name)
                submodule = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield f"{module}.{alias.name}" if submodule else module, at_once


def known(room: str) -> set[str]:
    """Return the modules that a room imports, by their names without that of the package."""
    paths = [path for path in modules() if part(path) == room]
    found = {name for path in paths for name, _ in imports(path) if name.partition(".")[0] == "mailauth"}
    return {name.removeprefix("mailauth").removeprefix(".") or "__init__" for name in found}


def covers(allowed: str, module: str) -> bool:
    return f"{module}.".startswith(f"{allowed}.")


@pytest.mark.parametrize("room", sorted({part(path) for path in modules()}))
def test_a_room_imports_what_the_table_says(room: str) -> None:
    assert room in ROOMS, f"{room} is new: say in ROOMS what it may import"
    others = {module for module in known(room) if not covers(room, module)}
    stray = {module for module in others if not any(covers(allowed, module) for allowed in ROOMS[room])}
    assert not stray, f"{room} imports {sorted(stray)}, which ROOMS does not allow"
    unused = {allowed for allowed in ROOMS[room] if not any(covers(allowed, module) for module in others)}
    assert not unused, f"{room} does not import {sorted(unused)} any more: take that out of ROOMS"


def test_no_arrow_goes_up() -> None:
    above: set[str] = set()
    for room, allowed in ROOMS.items():
        assert {each.partition(".")[0] for each in allowed} <= above, room
        above.add(room)
    assert above == {part(path) for path in modules()}


def test_modules_are_of_a_readable_size() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert not {str(path): size for path, size in sizes.items() if size > 400}


def picture() -> str:
    """Return the table as the text that `docs/design.md` shows: each room below all that it knows."""
    level: dict[str, int] = {}
    for room, allowed in ROOMS.items():
        level[room] = 1 + max((level[each.partition(".")[0]] for each in allowed), default=-1)
    rows = [[room for room in ROOMS if level[room] == number] for number in range(max(level.values()) + 1)]
    width = max(map(len, ROOMS))
    lines = []
    for row in rows:
        lines += [f"{room:{width}}  {' '.join(sorted(ROOMS[room])) or '-'}" for room in row]
        lines.append("")
    return "\n".join(lines)


def test_the_design_shows_the_table() -> None:
    page = ROOT / "docs" / "design.md"
    before, start, rest = page.read_text(encoding="utf-8").partition(MARK)
    shown, end, after = rest.partition("\n```\n")
    if os.environ.get("MAILAUTH_DOCS") == "write":
        page.write_text(before + start + picture().rstrip() + end + after, encoding="utf-8")
    else:
        assert shown == picture().rstrip(), "run MAILAUTH_DOCS=write pytest tests/test_architecture.py"


MARK = "<!-- from ROOMS in tests/test_architecture.py -->\n```text\n"


def test_the_map_names_every_folder() -> None:
    page = (ROOT / "docs" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {f"mailauth/{path.parent.relative_to(PACKAGE)}/" for path in modules() if path.parent != PACKAGE}
    assert not {folder for folder in folders if f"| `{folder}` |" not in page}


@pytest.mark.parametrize("path", [p for p in modules() if part(p) in CORE], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_core_imports_nothing_that_waits_or_tells_the_time(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    allowed = ALLOWED | WHEN_NEEDED.get(place, set())
    assert not [name for name, _ in imports(path) if not any(covers(each, name) for each in allowed)]
    if place != "dmarc/psl.py":
        assert not REACHES_AROUND.search(path.read_text(encoding="utf-8"))


def test_nothing_is_allowed_to_the_core_that_it_does_not_import() -> None:
    found = {p: {name for name, _ in imports(p)} for p in modules() if part(p) in CORE}
    for allowed in ALLOWED:
        assert any(covers(allowed, name) for names in found.values() for name in names), allowed
    for place, names in WHEN_NEEDED.items():
        assert all(any(covers(each, name) for name in found[PACKAGE / place]) for each in names), place


def test_both_fronts_have_the_same_names() -> None:
    names = {name for name in mailauth.__all__ if not name.startswith("__")} - {"aio"}
    assert names == set(aio.__all__)
    for name in names:
        own, other = getattr(mailauth, name), getattr(aio, name)
        assert own is other or name in {"authenticate", "run"}
    assert mailauth.__version__


@pytest.mark.parametrize(
    "name",
    [
        "arc",
        "attachments",
        "authres",
        "bimi",
        "dane",
        "dkim",
        "dmarc",
        "fetchers",
        "filters",
        "mta_sts",
        "probes",
        "reports",
        "resolvers",
        "spf",
        "testing",
        "tls_rpt",
    ],
)
def test_every_public_name_is_there(name: str) -> None:
    module = importlib.import_module(f"mailauth.{name}")
    assert module.__all__ == sorted(module.__all__)
    for public in module.__all__:
        assert getattr(module, public) is not None


@pytest.mark.parametrize("name", ["aio", "testing", "resolvers"])
def test_one_import_reaches_everything(name: str) -> None:
    assert python(f"import mailauth; print(mailauth.{name}.__name__)") == f"mailauth.{name}\n"


def test_what_is_not_there_is_said_so() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        mailauth.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        mailauth.resolvers.Nothing  # noqa: B018


def python(code: str, *arguments: str) -> str:
    """Run code in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_it_loads_what_a_message_needs_and_no_more() -> None:
    loaded = set(python("import sys, mailauth; print(' '.join(sys.modules))").split())
    assert "mailauth.compose" in loaded
    later = mailauth._WHEN_NAMED | {"cli", "probes", "serve"}
    assert not {name for name in loaded if name.startswith("mailauth.") and name.split(".")[1] in later}
    assert not {"dns", "rich", "asyncio", "idna", "publicsuffix2", "socket", "threading", "email", "html"} & loaded
    # nor is anything of the core missing for the first message
    code = "import sys, mailauth; before = set(sys.modules); mailauth.authenticate(b'From: a@b.example\\r\\n\\r\\n'"
    more = python(f"{code}, None, lambda *_: None, 'x', 0); print(' '.join(set(sys.modules) - before))").split()
    assert not [name for name in more if name.startswith("mailauth")]


def test_dir_tells_of_everything() -> None:
    assert {*mailauth.__all__, *mailauth._WHEN_NAMED} <= set(dir(mailauth))


def test_the_asynchronous_front_needs_no_event_loop_of_its_own() -> None:
    assert not {"asyncio", "trio", "anyio", "dns"} & set(
        python("import sys, mailauth.aio; print(' '.join(sys.modules))").split()
    )


PURE = """
import sys, json, mailauth
from mailauth.resolvers import Zone
import asyncio, socket, threading, time, datetime

folder = sys.argv[1]
cases = json.load(open(folder + "/cases.json"))
inputs = [(open(f"{folder}/{c['message']}", "rb").read(), Zone.load(f"{folder}/{c['zone']}"), c) for c in cases]

def refused(*arguments, **named):
    raise AssertionError("the core did something")

class NoClock(datetime.datetime):
    now = utcnow = today = refused

for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname", "gethostname"):
    setattr(socket, name, refused)
for name in ("time", "monotonic", "perf_counter", "sleep", "time_ns"):
    setattr(time, name, refused)
threading.Thread.start = refused
for name in ("new_event_loop", "get_event_loop", "run"):
    setattr(asyncio, name, refused)
import mailauth.sync
mailauth.sync.datetime = NoClock

for raw, zone, c in inputs:
    connection = mailauth.Connection(ip=c["ip"], helo=c["helo"], mail_from=c["mail_from"])
    evaluation = mailauth.evaluate(raw, connection, authserv_id="mx.example.org", now=c["now"])
    found = mailauth.run(evaluation, zone)
    again = mailauth.authenticate(raw, connection, zone, "mx.example.org", c["now"])
    assert found == again
    assert found.dmarc.result == c["expect"]["dmarc"], c["name"]
    found.apply(raw), json.dumps(found.to_dict())
print(len(inputs))
"""


def test_the_core_opens_nothing_and_asks_no_clock() -> None:
    number = len(json.loads((TESTDATA / "cases.json").read_text()))
    assert int(python(PURE, str(TESTDATA))) == number > 0


SEEDS = """
import sys, json, mailauth
from mailauth.resolvers import Zone
folder = sys.argv[1]
for c in json.load(open(folder + "/cases.json")):
    connection = mailauth.Connection(ip=c["ip"], helo=c["helo"], mail_from=c["mail_from"])
    raw, zone = open(f"{folder}/{c['message']}", "rb").read(), Zone.load(f"{folder}/{c['zone']}")
    print(json.dumps(mailauth.authenticate(raw, connection, zone, "mx.example.org", c["now"]).to_dict()))
"""


def test_the_order_of_hashes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = set()
    for seed in ("0", "1", "12345"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        printed.add(python(SEEDS, str(TESTDATA)))
    assert len(printed) == 1


THREADS = """
import sys, threading
sys.setswitchinterval(1e-6)
import mailauth

names, problems = sys.argv[1:], []
start = threading.Barrier(len(names))

def use(name):
    start.wait()
    try:
        getattr(mailauth, name)
    except BaseException as error:
        problems.append(f"{name}: {error!r}")

threads = [threading.Thread(target=use, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(problems)
"""


@pytest.mark.parametrize("attempt", range(4))
def test_threads_may_be_the_first_to_use_it(attempt: int) -> None:
    names = ["HeaderField", "authres", "authenticate", "dkim", "Result", "aio", "dns", "testing"]
    assert python(THREADS, *names[attempt:], *names[:attempt]) == "[]\n"


@pytest.mark.parametrize("name", ["dns", "limits", "message", "results", "connection", "errors", "names"])
def test_a_module_is_there_without_an_import_of_its_own(name: str) -> None:
    assert python(f"import mailauth; print(mailauth.{name}.__name__)") == f"mailauth.{name}\n"


# --- the folders of the tests ----------------------------------------------------------------------------------------

TESTS = ROOT / "tests"
# What each folder of tests imports from others; "." is for the modules beside the folders
TEST_IMPORTS: dict[str, set[str]] = {
    ".": set(),
    "attack": {"support"},
    "benchmarks": {"support"},
    "conformance": {"support"},
    "differential": {"support"},
    "fuzz": {"support"},
    "integration": {"support"},
    "mutation": set(),
    "property": {"support"},
    "support": set(),
    "unit": {"support"},
}


def test_test_folders_import_from_support_alone() -> None:
    paths = [p for p in TESTS.rglob("*.py") if "__pycache__" not in p.parts]
    folders = {p: p.relative_to(TESTS).parts[0] if p.parent != TESTS else "." for p in paths}
    # A package is known by its folder; a module of a folder that is no package, or of no folder, by its own name
    owners: dict[str, set[str]] = {folder: {folder} for folder in folders.values() if folder != "."}
    for path, folder in folders.items():
        if not (path.parent / "__init__.py").is_file():
            owners.setdefault(path.stem, set()).add(folder)
    found: dict[str, set[str]] = {folder: set() for folder in folders.values()}
    for path, folder in folders.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: a relative import"
                names = [node.module or ""]
            imported = [owners.get(name.removeprefix("tests.").partition(".")[0], {folder}) for name in names]
            found[folder].update(*(owner for owner in imported if folder not in owner))
    assert found == TEST_IMPORTS
