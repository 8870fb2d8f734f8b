"""The manual keeps its word: every block of docs/ that shows output is run, and shows what really comes out.

`MAILAUTH_DOCS=write pytest tests/test_docs.py -n 0` writes the console output into the pages instead.
"""

from __future__ import annotations

import contextlib
import doctest
import fnmatch
import io
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)
CONSOLE = re.compile(r"(?ms)^```console\n(.*?)^```$")
PYTHON = re.compile(r"(?ms)^```(python|pycon)\n(.*?)^```\n(?:\n```text\n(.*?)^```)?")
PYCON = re.compile(r"(?ms)^```pycon\n(.*?)^```$")
OPTIONAL = {"aiosmtpd", "dask", "duckdb", "mailman", "pandas", "polars"}  # of the examples
MARK = "@@end of a command@@"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder as the pages take it: testdata in it, the command on the path."""
    (tmp_path / "testdata").symlink_to(ROOT / "testdata")
    command = tmp_path / "bin" / "mailauth"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mailauth "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(block: str) -> list[str]:
    """Return the commands of a console block, continuation lines included."""
    found: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif line.startswith("> ") or line == ">":
            found[-1] += "\n" + line[2:]
    return found


def played(block: str, house: Path) -> str:
    """Run a console block in one shell, and return it with the output it really gives."""
    script = "".join(f"{{ {c}\n}} 2>&1; s=$?; echo; echo '{MARK}'; (exit $s)\n" for c in commands(block))
    done = subprocess.run(["bash", "-c", script], cwd=house, capture_output=True, text=True, check=False, timeout=60)
    outputs = done.stdout.split(f"\n{MARK}\n")
    lines: list[str] = []
    for command, output in zip(commands(block), outputs, strict=False):
        lines += [("$ " if i == 0 else "> ") + part for i, part in enumerate(command.split("\n"))]
        lines += [line.rstrip() for line in output.rstrip("\n").split("\n")] if output.strip("\n") else []
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("page", [p for p in PAGES if CONSOLE.search(p.read_text())], ids=lambda p: p.stem)
def test_console(page: Path, house: Path) -> None:
    if shutil.which("bash") is None or (shutil.which("jq") is None and "jq " in page.read_text()):
        pytest.skip("this page needs bash and jq: install Debian's jq")
    text = page.read_text()
    if "mailauth milter" in text:
        pytest.importorskip("pydantic", reason="this page needs pydantic: pip install 'mailauth[milter]'")
    # The one moment that differs from run to run
    moment = re.search(r'"recorded": ".*?"', text)
    shown = CONSOLE.sub(lambda m: f"```console\n{played(m[1], house)}```", text)
    if moment:
        shown = re.sub(r'"recorded": ".*?"', moment[0], shown)
    if os.environ.get("MAILAUTH_DOCS") == "write":
        page.write_text(shown)
    assert shown == text


# Examples at a prompt leave files open
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("page", [p for p in PAGES if PYCON.search(p.read_text())], ids=lambda p: p.stem)
def test_pycon(page: Path) -> None:
    blocks = "\n".join(PYCON.findall(page.read_text()))
    example = doctest.DocTestParser().get_doctest(blocks, {}, page.name, str(page), 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=report.append)
    assert not report, "".join(report)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("page", [p for p in PAGES if PYTHON.search(p.read_text())], ids=lambda p: p.stem)
def test_python(page: Path) -> None:
    names: dict[str, object] = {"__name__": page.stem}
    for kind, block, shown in PYTHON.findall(page.read_text()):
        # Examples at a prompt have a test of their own; here they define what a later block uses
        examples = doctest.DocTestParser().get_examples(block) if kind == "pycon" else []
        for code in [example.source for example in examples] or [block]:
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    exec(compile(code, page.name, "exec"), names)
            except ModuleNotFoundError as missing:
                assert missing.name in OPTIONAL  # noqa: PT017
            except Exception:  # noqa: BLE001  a piece of a larger program
                # What shows its output has to run, and all that it needs of the blocks before it
                assert not shown, code
            else:
                assert not shown or printed.getvalue() == shown, code


def test_every_folder_of_the_tests_is_on_their_map() -> None:
    page = (ROOT / "docs" / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"(?m)^\| (`test.+?) \|", page.partition("## The map of the tests\n")[2].partition("\n## ")[0])
    known = [pattern for row in rows for pattern in re.findall(r"`(.+?)/`", row)]
    files = [p.relative_to(ROOT) for top in ("tests", "testdata") for p in (ROOT / top).rglob("*") if p.is_file()]
    folders = {p.parent for p in files if not [part for part in p.parts if part.startswith((".", "__py", "node_"))]}
    assert len(folders) > 20
    assert not [f for f in sorted(folders) if not any(fnmatch.fnmatch(f.as_posix(), k) for k in known)]
