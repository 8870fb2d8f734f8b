"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from mailauth.files import replace


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace(path, b"one")
    first = path.stat().st_ino
    replace(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != first, "who reads the old file goes on reading it"
    assert list(tmp_path.iterdir()) == [path]


def test_links_lead_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/next")
    (tmp_path / "folder" / "next").symlink_to("file")
    for content in (b"made", b"replaced"):
        replace(tmp_path / "link", content)
        assert (tmp_path / "folder" / "file").read_bytes() == content
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "folder" / "next").is_symlink()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "folder", "link", "next"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666, 0o750])
def test_permissions_are_those_of_the_old_file(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    replace(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_name_of_any_length_that_the_system_takes(tmp_path: Path) -> None:
    replace(tmp_path / ("n" * 255), b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["n" * 255]


@pytest.mark.parametrize(
    ("name", "number"),
    [("absent/file", errno.ENOENT), ("file/file", errno.ENOTDIR), ("folder", errno.EISDIR), ("loop", errno.ELOOP)],
)
def test_what_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path, name: str, number: int) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match=os.strerror(number)) as raised:
        replace(tmp_path / name, b"x")
    assert (raised.value.errno, raised.value.filename) == (number, str(tmp_path / name))
    assert sorted(tmp_path.iterdir()) == before


def test_a_device_stays_a_device() -> None:
    replace("/dev/null", b"x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="/dev/full"):
        replace("/dev/full", b"x")
