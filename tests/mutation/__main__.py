"""Put one small fault at a time into a copy of the package, and see whether the tests notice.

    cd tests && python -m mutation [--module mailauth/iprev.py] [--count 40] [--seed 1]

A fault that no test notices is printed as a diff: a test is missing there, or the fault changes nothing that anybody
could see. The tests are those of `TESTS`, stopped at the first failure; a run that takes ten times as long as without
a fault counts as noticed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
LIMITS, BOUNDS = "tests/unit/test_every_limit.py", "tests/unit/test_boundaries.py"
# For each module the tests that are to notice, the quickest first
TESTS: dict[str, list[str]] = {
    "mailauth/arc": ["tests/unit/arc", LIMITS, BOUNDS, "tests/conformance/test_arc.py"],
    "mailauth/dmarc/author.py": [
        "tests/unit/test_author.py", "tests/property/test_author_readers.py", "tests/attack/test_attack.py", LIMITS,
    ],
    "mailauth/authres": ["tests/unit/authres", "tests/property/test_writer.py", "tests/property/test_forged_writer.py"],
    "mailauth/connection.py": ["tests/unit/test_connection.py"],
    "mailauth/dkim": ["tests/unit/dkim", LIMITS, BOUNDS, "tests/conformance/test_dkim.py"],
    "mailauth/dmarc": ["tests/unit/dmarc", "tests/unit/test_rfc_musts.py", BOUNDS, "tests/conformance/test_dmarc.py"],
    "mailauth/dns": ["tests/unit/test_dns.py", BOUNDS, "tests/unit/test_deadline.py", LIMITS],
    "mailauth/iprev.py": ["tests/unit/test_iprev.py"],
    "mailauth/limits.py": ["tests/unit/test_limits.py"],
    "mailauth/lookalike": ["tests/unit/lookalike", "tests/property/test_lookalike.py"],
    "mailauth/message": ["tests/unit/test_message.py", "tests/unit/test_author.py", "tests/unit/test_apply.py", LIMITS],
    "mailauth/message/address.py": [
        "tests/unit/test_address.py", "tests/unit/test_author.py", "tests/attack/test_attack.py",
    ],
    "mailauth/message/taglist.py": ["tests/unit/test_taglist.py"],
    "mailauth/names.py": ["tests/unit/test_names.py"],
    "mailauth/policy": ["tests/unit/policy", "tests/property/test_policy.py"],
    "mailauth/spf": ["tests/unit/spf", LIMITS, BOUNDS, "tests/conformance/test_spf.py"],
}  # fmt: skip
OPERATORS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may take the place of a node, each wrong in one way."""
    match node:
        case ast.Compare(ops=[first, *rest]) if type(first) in OPERATORS:
            yield ast.Compare(node.left, [OPERATORS[type(first)](), *rest], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(OPERATORS[type(node.op)](), node.values)
            yield from node.values
        case ast.BinOp() if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case ast.Constant(value=str(text)) if 0 < len(text) <= 8:
            yield ast.Constant(text + "~")
        case ast.Constant(value=bytes(octets)) if 0 < len(octets) <= 8:
            yield ast.Constant(octets + b"~")
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.If() | ast.While():
            yield type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.Return(value=ast.expr()):
            yield ast.Return(ast.Constant(None))
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.Assign() | ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield ast.Pass()


def unseen(node: ast.AST, field: str) -> bool:
    """Whether a part of a node is not for execution, or only for people: types, messages, documentation."""
    return (
        field in {"annotation", "returns", "decorator_list"}
        or isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom))
        or (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING")
        or (isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__slots__" for t in node.targets))
        or (isinstance(node, ast.keyword) and node.arg in {"detail", "strict"})
        or (isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "detail" for t in node.targets))
    )


def faults(tree: ast.Module) -> list[tuple[list[tuple[str, int | None]], ast.AST]]:
    """Return every fault: the way to a node from the root, and what is put in its place."""
    found: list[tuple[list[tuple[str, int | None]], ast.AST]] = []

    def visit(node: ast.AST, way: list[tuple[str, int | None]], *, inside: bool) -> None:
        found.extend((way, fault) for fault in changed(node) if inside or isinstance(node, ast.Constant))
        inside = inside or isinstance(node, ast.FunctionDef)
        for field, value in ast.iter_fields(node):
            if unseen(node, field):
                continue
            if isinstance(value, ast.AST):
                visit(value, [*way, (field, None)], inside=inside)
            elif isinstance(value, list):
                for index, each in enumerate(value):
                    if isinstance(each, ast.AST):
                        visit(each, [*way, (field, index)], inside=inside)

    visit(tree, [], inside=False)
    return found


def with_fault(tree: ast.Module, way: list[tuple[str, int | None]], fault: ast.AST) -> str:
    """Return the source of a tree with a fault in it."""
    tree = copy.deepcopy(tree)
    node: object = tree
    for field, index in way[:-1]:
        node = getattr(node, field) if index is None else getattr(node, field)[index]
    field, index = way[-1]
    if index is None:
        setattr(node, field, fault)
    else:
        getattr(node, field)[index] = fault
    return ast.unparse(ast.fix_missing_locations(tree))


def tests_of(module: str) -> list[str]:
    for prefix in (module, str(Path(module).parent)):
        if prefix in TESTS:
            return TESTS[prefix]
    sys.exit(f"no tests are named for {module}; there are those for {', '.join(TESTS)}")


def noticed(house: Path, tests: list[str], seconds: float | None) -> bool:
    """Whether the tests fail, or do not end in time."""
    environment = {**os.environ, "PYTHONPATH": str(house), "HYPOTHESIS_PROFILE": "ci", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.setdefault("MAILAUTH_SUITES", str(HOUSE.parent / "shared" / "suites"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-x",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        *tests,
    ]
    try:
        done = subprocess.run(command, cwd=house, env=environment, capture_output=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    # pytest: 1 is a failure, 2 an interruption (a module that cannot be imported); others are trouble of our own
    if done.returncode > 2:
        sys.exit(done.stdout.decode() + done.stderr.decode())
    return done.returncode > 0


def main() -> int:
    """Print each fault that no test notices; the exit code is 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--module", action="append", help="such as mailauth/iprev.py (default: all that have tests here)"
    )
    parser.add_argument("--count", type=int, default=40, help="faults in each module (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the faults (default: %(default)s)")
    arguments = parser.parse_args()
    modules = arguments.module or sorted(
        str(path.relative_to(HOUSE))
        for name in TESTS
        for path in ([HOUSE / name] if name.endswith(".py") else (HOUSE / name).glob("[!_]*.py"))
    )
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        house = Path(folder) / "house"
        shutil.copytree(HOUSE, house, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules", "findings"))
        for module in modules:
            missed += of_module(house, module, arguments.count, arguments.seed)
    return int(missed > 0)


def of_module(house: Path, module: str, count: int, seed: int) -> int:
    """Try faults in one module; return how many no test noticed."""
    path, tests = house / module, tests_of(module)
    source = path.read_text()
    tree = ast.parse(source)
    plain = ast.unparse(tree)
    start = time.monotonic()
    if noticed(house, tests, None):
        sys.exit(f"{module}: the tests fail without any fault")
    seconds = 10 * (time.monotonic() - start)
    every = faults(tree)
    chosen = random.Random(seed).sample(every, min(count, len(every)))
    missed = 0
    for way, fault in chosen:
        wrong = with_fault(tree, way, fault)
        path.write_text(wrong)
        if wrong == plain or noticed(house, tests, seconds):
            continue
        missed += 1
        lines = difflib.unified_diff(plain.splitlines(), wrong.splitlines(), module, module, lineterm="", n=2)
        sys.stdout.write("\n".join(["", *lines, ""]))
        sys.stdout.flush()
    path.write_text(source)
    sys.stdout.write(f"{module}: {len(chosen)} of {len(every)} faults, {len(chosen) - missed} noticed, {missed} not\n")
    return missed


if __name__ == "__main__":
    sys.exit(main())
