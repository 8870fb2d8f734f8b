"""The shape of the package: a pure core, imports in one direction, two fronts with the same names."""

from __future__ import annotations

import ast
import importlib
import json
import os
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

# Each layer may import those before it
VALUES = {"results", "limits", "dns", "errors", "names", "moment", "reasons", "_version"}
INPUT = {"message", "author", "connection", "address", "taglist", "encodedword"}
PROTOCOLS = {"spf", "dkim", "arc", "dmarc", "authres", "iprev"}
ACROSS = {("arc", "dkim"), ("arc", "authres")}
COMPOSED = {"authenticate"}
EDGES = {
    "__init__", "__main__", "aio", "resolvers", "cli", "testing", "reference", "bulk", "explain", "integrations",
    "files",
}  # fmt: skip
# Edges that a core module may load when a caller asks for them
LAZY = {("authenticate", "resolvers"), ("authenticate", "explain")}
CORE = VALUES | INPUT | PROTOCOLS | COMPOSED
IMPURE = {
    "socket",
    "asyncio",
    "threading",
    "time",
    "selectors",
    "ssl",
    "subprocess",
    "multiprocessing",
    "random",
    "secrets",
    "concurrent",
    "dns",
    "trio",
    "anyio",
    "rich",
    "email",
    "logging",
    "os",
}


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
    guarded = {
        id(n)
        for i in ast.walk(tree)
        if isinstance(i, ast.If) and "TYPE_CHECKING" in ast.dump(i.test)
        for n in ast.walk(i)
    }
    for node in ast.walk(tree):
        at_once = id(node) not in inside and id(node) not in guarded
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_once
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            for alias in node.names if module == "mailauth" else []:
                submodule = (PACKAGE / alias.name).is_dir() or (PACKAGE / f"{alias.name}.py").is_file()
                yield f"mailauth.{alias.name}" if submodule else "mailauth", at_once
            if module != "mailauth":
                yield module, at_once


def allowed(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if importer in VALUES:
        return imported in VALUES
    if importer in INPUT:
        return imported in VALUES | INPUT
    if importer in PROTOCOLS:
        return imported in VALUES | INPUT or (importer, imported) in ACROSS
    if importer in COMPOSED:
        return imported in CORE
    return importer in EDGES


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    importer = part(path)
    assert importer in CORE | EDGES, f"{importer} is new: say here where it belongs"
    for name, at_once in imports(path):
        if not name.startswith("mailauth"):
            continue
        if name == "mailauth":
            assert importer in EDGES, f"{importer} imports from the front of the package"
            continue
        imported = name.split(".")[1]
        lazy = not at_once and (importer, imported) in LAZY
        assert allowed(importer, imported) or lazy, f"{importer} imports {imported}"


@pytest.mark.parametrize("path", [p for p in modules() if part(p) in CORE], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_core_imports_nothing_that_waits_or_tells_the_time(path: Path) -> None:
    # `dns` is dnspython here: ours is mailauth.dns
    assert not [name for name, at_once in imports(path) if at_once and name.split(".")[0] in IMPURE]


def test_the_tables_above_find_something() -> None:
    seen = {(part(p), name.split(".")[1]) for p in modules() for name, _ in imports(p) if name.startswith("mailauth.")}
    assert seen >= ACROSS | {("authenticate", "resolvers")}
    assert ("author", "address") in seen
    assert not allowed("spf", "dkim")
    assert not allowed("message", "spf")
    assert not allowed("dns", "message")
    assert not allowed("dkim", "arc")
    assert not allowed("spf", "authenticate")
    assert not allowed("authenticate", "cli")


def test_both_fronts_have_the_same_names() -> None:
    names = {name for name in mailauth.__all__ if not name.startswith("__")} - {"aio"}
    assert names == set(aio.__all__)
    for name in names:
        own, other = getattr(mailauth, name), getattr(aio, name)
        assert own is other or name in {"authenticate", "run"}
    assert mailauth.__version__


@pytest.mark.parametrize("name", ["spf", "dkim", "arc", "dmarc", "authres", "resolvers", "testing"])
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


def test_importing_it_is_light() -> None:
    loaded = python("import sys, mailauth; print(' '.join(sys.modules))").split()
    assert {name for name in loaded if name.startswith("mailauth")} == {"mailauth", "mailauth._version"}
    assert not {"cryptography", "dataclasses", "hashlib"} & set(loaded)
    # and what is loaded for the first message is no more than it needs
    loaded = python("import sys, mailauth; mailauth.authenticate; print(' '.join(sys.modules))").split()
    assert "mailauth.authenticate" in loaded
    assert not {"dns", "rich", "asyncio", "idna", "publicsuffix2", "socket", "threading", "email"} & set(loaded)


@pytest.mark.parametrize("first", ["mailauth.authenticate", "mailauth.aio", "mailauth.testing", "mailauth.spf"])
def test_the_verb_is_a_function_whatever_was_imported_first(first: str) -> None:
    code = f"import mailauth, {first}; print(callable(mailauth.authenticate))"
    assert python(code) == "True\n"


def test_dir_tells_of_everything() -> None:
    assert {*mailauth.__all__, "aio", "testing", "reference"} <= set(dir(mailauth))


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
import mailauth.authenticate
mailauth.authenticate.__globals__["datetime"] = NoClock

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


@pytest.mark.parametrize("name", ["dns", "limits", "message", "results", "connection", "errors", "names", "taglist"])
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
