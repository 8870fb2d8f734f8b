"""Sources that somebody else made: each fault is a problem with a name, and the other messages still come."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailauth.saved import sources
from mailauth.saved.sources import contents, streams
from unit.saved.made import FROM, found, mail, mbox, tarred, whole, zipped

MIB = 2**20
COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def peak(path: Path, **named: int) -> tuple[int, list[str]]:
    """Return the most memory that reading took, in octets, and the problems."""
    tracemalloc.start()
    try:
        problems = [f"{item.origin}: {item.problem}" for item in sources.read(path, **named) if item.problem]  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1], problems
    finally:
        tracemalloc.stop()


# --- size


def test_memory_is_that_of_the_largest_message(tmp_path: Path) -> None:
    with (tmp_path / "in").open("wb") as file:
        for n in range(50):
            file.write(mbox(mail(n, 4 * MIB)))
    assert (tmp_path / "in").stat().st_size > 200 * MIB
    used, problems = peak(tmp_path / "in")
    assert not problems
    assert used < 3 * 4 * MIB + MIB, used / MIB


@pytest.mark.parametrize("text", [b"x" * 16, b"0123456789abcde\n"], ids=["one line", "lines"])
def test_a_message_over_the_limit(tmp_path: Path, text: bytes) -> None:
    with (tmp_path / "in").open("wb") as file:
        file.write(mbox(mail(1)) + FROM + mail(2))
        for _ in range(200):
            file.write(text * (MIB // 16))
        file.write(b"\n\n" + mbox(mail(3)))
    used, problems = peak(tmp_path / "in", max_bytes=MIB)
    assert problems == ["in#2: larger than 1 MiB, the limit for a message"]
    assert used < 6 * MIB
    assert [item.raw for item in sources.read(tmp_path / "in", max_bytes=MIB)] == [mail(1), None, mail(3)]


def test_an_mbox_that_is_one_line(tmp_path: Path) -> None:
    with (tmp_path / "in").open("wb") as file:
        file.write(FROM)
        file.seek(256 * MIB)
        file.write(b"x")
    used, problems = peak(tmp_path / "in", max_bytes=MIB)
    assert problems == ["in#1: larger than 1 MiB, the limit for a message"]
    assert used < 6 * MIB


def test_a_file_over_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "a.eml").open("wb") as file:
        file.write(mail(1))
        file.seek(200 * MIB)
        file.write(b"x")
    (tmp_path / "b.eml").write_bytes(mail(2))
    used, problems = peak(tmp_path, max_bytes=MIB)
    assert [problem.partition("/")[2] for problem in problems] == ["a.eml: larger than 1 MiB, the limit for a message"]
    assert used < 4 * MIB


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail(1))
    (tmp_path / "in").write_bytes(mbox(mail(1)))
    (tmp_path / "x.zip").write_bytes(zipped({"a": mail(1)}))
    size = len(mail(1))
    name = tmp_path.name
    assert set(found(tmp_path, max_bytes=size)) == {f"{name}/a.eml", f"{name}/in#1", f"{name}/x.zip!/a"}
    for limit, expected in ((size, mail(1)), (size - 1, f"larger than {size - 1} octets, the limit for a message")):
        assert set(found(tmp_path / "a.eml", max_bytes=limit).values()) == {expected}
        assert set(found(tmp_path / "in", max_bytes=limit).values()) == {expected}


# --- bombs


@pytest.fixture
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_FREE", 4 * MIB)


def bomb(kind: str, size: int) -> bytes:
    head = mbox(mail(1)) + FROM + mail(2)
    if kind == "zip":
        return zipped({"in.mbox": head + bytes(size)})
    if kind == "tgz":
        return tarred({"in.mbox": head + bytes(size)}, "w:gz")
    return COMPRESS[kind](head + bytes(size))


@pytest.mark.usefixtures("small_budget")
@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zip", "tgz"])
def test_a_bomb_is_given_up_and_the_run_goes_on(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(bomb(kind, 64 * MIB))
    (tmp_path / "b").write_bytes(mail(3))
    used, problems = peak(tmp_path, max_bytes=MIB)
    said = "it expands to more than 0 GiB and 100 times its size: not read further"
    assert problems == [f"{tmp_path.name}/a: {said}"]
    # xz needs a dictionary of 8 MiB
    assert used < 16 * MIB
    assert list(found(tmp_path, max_bytes=MIB).values()) == [mail(1), said, mail(3)]


@pytest.mark.usefixtures("small_budget")
def test_what_is_not_read_of_a_member_counts_too(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(tarred({"a.pdf": b"%PDF-" + bytes(64 * MIB), "b": mail(1)}, "w:gz"))
    assert [problem.partition(": ")[0] for problem in peak(tmp_path / "x")[1]] == ["x!/a.pdf", "x"]


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_MEMBERS", 3)
    members = [(f"{n}.eml", mail(n)) for n in range(5)]
    for content in (zipped(members), tarred(members), tarred([("in.zip", zipped(members))])):
        (tmp_path / "x").write_bytes(content)
        *_, (origin, problem) = found(tmp_path / "x").items()
        assert (origin, problem) == ("x", "more than 3 members: not read further")


def test_archives_inside_each_other(tmp_path: Path) -> None:
    content = mail(1)
    for n in range(4):
        content = zipped({f"{n}": content})
    (tmp_path / "x").write_bytes(tarred({"in": content, "b": mail(2)}))
    assert found(tmp_path / "x") == {"x!/in!/3!/2!/1!/0": mail(1), "x!/b": mail(2)}
    (tmp_path / "x").write_bytes(tarred({"in": gzip.compress(content), "b": mail(2)}))
    assert found(tmp_path / "x") == {
        "x!/in!/3!/2!/1": "more than 5 archives inside each other",
        "x!/b": mail(2),
    }


def test_a_quine_ends(tmp_path: Path) -> None:
    content = b""
    for _ in range(100):
        content = gzip.compress(content or mail(1))
    (tmp_path / "x").write_bytes(content)
    assert found(tmp_path / "x") == {"x": "more than 5 archives inside each other"}


def test_a_dictionary_of_gigabytes(tmp_path: Path) -> None:
    filters = [
        {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3, "nice_len": 8}
    ]
    small = lzma.compress(mail(1), filters=[{**filters[0], "dict_size": 1 << 16}])
    # The size of the dictionary is one octet of the block header, which has a CRC of its own
    header = bytearray(small[12 : 12 + 4 * (small[12] + 1)])
    header[4] = 36
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    (tmp_path / "x").write_bytes(small[:12] + header + small[12 + len(header) :])
    ((_, problem),) = found(tmp_path / "x").items()
    assert "Memory usage limit" in str(problem)


def test_a_header_of_a_tar_that_would_be_held(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    info.size = 64 * MIB
    (tmp_path / "x").write_bytes(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(info.size)))
    used, problems = peak(tmp_path / "x")
    assert problems == ["x: a header in it is larger than 1024 KiB"]
    assert used < 6 * MIB


def test_a_directory_of_a_zip_file_that_would_be_held(tmp_path: Path) -> None:
    size = 64 * MIB
    with (tmp_path / "x").open("wb") as file:
        file.write(b"PK\x03\x04")
        file.seek(size + 4)
        file.write(
            b"PK\x05\x06" + bytes(4) + b"\xff\xff\xff\xff" + size.to_bytes(4, "little") + b"\x04\0\0\0" + bytes(2)
        )
    used, problems = peak(tmp_path / "x")
    assert problems == ["x: its directory is larger than 16 MiB"]
    assert used < 20 * MIB


# --- damage


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zip", "tgz", "tar"])
def test_a_truncated_archive(tmp_path: Path, kind: str) -> None:
    rng = random.Random(7)
    box = mbox(*(mail(n) + rng.randbytes(3000).hex().encode() + b"\n" for n in range(300)))
    if kind == "zip":
        file = zipped({"a": box})
    elif kind in COMPRESS:
        file = COMPRESS[kind](box)
    else:
        file = tarred({"a": box}, "w:gz" if kind == "tgz" else "w")
    (tmp_path / "a").write_bytes(file[: len(file) * 2 // 3])
    (tmp_path / "b").write_bytes(mail(2))
    items = found(tmp_path)
    assert list(items.values())[-1] == mail(2)
    assert any(isinstance(value, str) for value in items.values())
    if kind != "zip":
        assert sum(isinstance(value, bytes) for value in items.values()) > 50


def test_a_short_mbox_whose_compression_ends_early(tmp_path: Path) -> None:
    rng = random.Random(8)
    box = mbox(*(mail(n) + rng.randbytes(200).hex().encode() + b"\n" for n in range(50)))
    (tmp_path / "in").write_bytes(gzip.compress(box)[:-9])
    *messages, (origin, problem) = found(tmp_path / "in").items()
    assert len(messages) >= 48
    assert (origin, problem) == ("in", "truncated: it ends before its end is marked")


def test_a_tar_without_its_end_and_one_with_garbage(tmp_path: Path) -> None:
    content = tarred({"a": mail(1)})
    (tmp_path / "x").write_bytes(content[:1024])
    assert found(tmp_path / "x") == {"x!/a": mail(1), "x": "truncated: it has no end mark"}
    (tmp_path / "x").write_bytes(content[:1024] + b"garbage!" * 64 + content)
    assert found(tmp_path / "x") == {"x!/a": mail(1), "x": "damaged: no header at octet 1024"}


def changed_at_random(content: bytes, rng: random.Random) -> bytes:
    octets = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        octets[rng.randrange(len(octets))] = rng.randrange(256)
    if rng.random() < 0.3:
        del octets[rng.randrange(len(octets)) :]
    return bytes(octets)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_was_changed_nothing_raises(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    members = {"a/1.eml": mail(1), "in.mbox": mbox(mail(2), mail(3)), "in.gz": gzip.compress(mail(4)), "e": b""}
    pax = tarred([("n" * 300, mail(1)), ("é\n", mail(2))])
    seeds = [
        zipped(members), tarred(members), pax, tarred(members, "w:gz"), tarred({"z": zipped(members)}, "w:xz"),
        tarred(members, "w:bz2"), mbox(mail(1), mail(2)), b"%d\n" % len(mail(1)) + mail(1),
    ]  # fmt: skip
    (tmp_path / "z").write_bytes(mail(9))
    for _ in range(150):
        (tmp_path / "a").write_bytes(changed_at_random(rng.choice(seeds), rng))
        items = list(sources.read(tmp_path))
        assert items[-1].raw == mail(9)
        assert len({item.origin for item in items}) == len(items)
        for item in items:
            whole(item)


def test_members_that_are_not_read(tmp_path: Path) -> None:
    encrypted = bytearray(zipped({"a": mail(1), "b": mail(2)}))
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x").write_bytes(encrypted)
    assert found(tmp_path / "x") == {
        "x!/a": "encrypted; unpack it with its password and give the folder",
        "x!/b": mail(2),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a", mail(1), zipfile.ZIP_BZIP2)
        archive.writestr("b", mail(2))
    (tmp_path / "x").write_bytes(file.getvalue())
    assert found(tmp_path / "x") == {
        "x!/link": "a symbolic link: not followed",
        "x!/a": "compressed by method 12; unpack it and give the folder",
        "x!/b": mail(2),
    }
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"t{kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        info = tarfile.TarInfo("b")
        info.size = len(mail(2))
        tar.addfile(info, io.BytesIO(mail(2)))
    (tmp_path / "x").write_bytes(file.getvalue())
    assert found(tmp_path / "x") == {
        **{f"x!/t{n}": "a link or a device: not followed" for n in (2, 1, 6, 3)},
        "x!/b": mail(2),
    }


# --- names


def test_names_of_members_are_harmless_and_distinct(tmp_path: Path) -> None:
    names = [
        "/etc/passwd", "../../a", "a\x1b[31mb", "a\nb", "a\u202eb", "C:\\a", "a#1", "a;2", "z!/b", "x" * 5000,
        "x" * 5001, "a\\x0ab",
    ]  # fmt: skip
    expected = [
        "x!/\\x/etc/passwd", "x!/\\x2e\\x2e/\\x2e\\x2e/a", "x!/a\\x1b[31mb", "x!/a\\x0ab", "x!/a\\u202eb", "x!/C:\\\\a",
        "x!/a\\x23" + "1", "x!/a\\x3b" + "2", "x!/z\\x21/b",
    ]  # fmt: skip
    for content in (zipped((name, mail(1)) for name in names), tarred((name, mail(1)) for name in names)):
        (tmp_path / "x").write_bytes(content)
        items = found(tmp_path / "x")
        assert list(items)[:9] == expected
        assert list(items)[11] == "x!/a\\\\x0ab"
        assert len(items) == len(names)
        assert max(map(len, items)) < 1200


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice(tmp_path: Path) -> None:
    members = [
        ("a", mail(1)),
        ("./a", mail(2)),
        ("a", mail(3)),
        ("a;2", mail(4)),
        ("in", mbox(mail(5))),
        ("in", mbox(mail(6))),
    ]
    for content in (zipped(members), tarred(members)):
        (tmp_path / "x").write_bytes(content)
        assert found(tmp_path / "x") == {
            "x!/a": mail(1), "x!/a;2": mail(2), "x!/a;3": mail(3), "x!/a\\x3b2": mail(4), "x!/in#1": mail(5),
            "x!/in;2#1": mail(6),
        }  # fmt: skip


def test_names_of_files(tmp_path: Path) -> None:
    names = [b"\xff.eml", b"a\x1b]0;x\x07.eml", b"a\nb", b"in#1", b"a\\x0ab", "é☃".encode(), b"\xc2\x9b31m"]
    for n, name in enumerate(names):
        (tmp_path / os.fsdecode(name)).write_bytes(mail(n))
    (tmp_path / "in").write_bytes(mbox(mail(99)))
    assert {origin.partition("/")[2]: raw for origin, raw in found(tmp_path).items()} == {
        "\\xff.eml": mail(0), "a\\x1b]0;x\\x07.eml": mail(1), "a\\x0ab": mail(2), "in\\x231": mail(3),
        "a\\\\x0ab": mail(4), "é☃": mail(5), "\\u009b31m": mail(6), "in#1": mail(99),
    }  # fmt: skip


# --- what the system has besides files


def test_links(tmp_path: Path) -> None:
    (tmp_path / "box" / "a").mkdir(parents=True)
    (tmp_path / "box" / "a" / "1").write_bytes(mail(1))
    (tmp_path / "box" / "a" / "up").symlink_to("..")
    (tmp_path / "box" / "b").symlink_to("a")
    (tmp_path / "box" / "c").symlink_to("c")
    (tmp_path / "box" / "d").symlink_to("nowhere")
    (tmp_path / "box" / "e").symlink_to("a/1")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "2").write_bytes(mail(2))
    (tmp_path / "box" / "out").symlink_to(tmp_path / "out")
    again = "a link to a folder that was read before: not followed"
    assert found(tmp_path / "box") == {
        "box/a/1": mail(1),
        "box/a/up": again,
        "box/b": again,
        "box/c": "cannot be read: Too many levels of symbolic links",
        "box/d": "cannot be read: No such file or directory",
        "box/e": mail(1),
        "box/out/2": mail(2),
    }


@pytest.mark.timeout(20)
def test_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    (tmp_path / "b").symlink_to("/dev/zero")
    (tmp_path / "c").write_bytes(mail(1))
    no = "a pipe, a socket or a device: not opened"
    assert list(found(tmp_path).values()) == [no, no, mail(1)]
    assert found(tmp_path / "a") == {"a": no}


def test_what_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_bytes(mail(1))
    (tmp_path / "c").write_bytes(mail(2))
    (tmp_path / "a").chmod(0)
    (tmp_path / "b").chmod(0)
    try:
        if os.access(tmp_path / "b", os.R_OK):
            pytest.skip("root may read everything")
        assert list(found(tmp_path).values()) == ["cannot be read: Permission denied"] * 2 + [mail(2)]
    finally:
        (tmp_path / "a").chmod(0o700)


def test_folders_deeper_than_python_has_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 1100
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    Path("a.eml").write_bytes(mail(1))
    monkeypatch.chdir(tmp_path)
    Path("z.eml").write_bytes(mail(2))
    try:
        assert [item.raw for item in sources.read(".")] == [mail(1), mail(2)]
    finally:
        # pytest could not remove it
        os.chdir("/".join("d" * depth))
        Path("a.eml").unlink()
        for _ in range(depth):
            os.chdir("..")
            Path("d").rmdir()


def changing(path: Path) -> Iterator[sources.Item]:
    for item in sources.read(path):
        yield item
        with path.open("ab") as file:
            file.write(b"more")


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(mbox(mail(1), mail(2)))
    assert [(item.origin, item.problem) for item in changing(tmp_path / "in")][-1] == (
        "in",
        "it changed while it was read",
    )
    (tmp_path / "x").write_bytes(tarred({"a": mail(1), "b": mail(2)}))
    assert [(item.origin, item.problem) for item in changing(tmp_path / "x")][-1] == (
        "x",
        "it changed while it was read",
    )


def test_a_folder_that_changes_while_it_is_read(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(mail(1))
    items = sources.read(tmp_path)
    assert next(items).raw == mail(1)
    (tmp_path / "b").unlink()
    assert [item.problem for item in items] == ["cannot be read: No such file or directory", ""]


def test_a_message_that_changes_while_it_is_read(tmp_path: Path) -> None:
    reader = streams.Reader(io.BytesIO(gzip.compress(mail(1))).read, changed=lambda: True)
    place = contents.Place("a.eml.gz", "a.eml.gz", streams.Budget(), MIB)
    (item,) = contents.items(reader, place)
    assert (item.origin, item.problem) == ("a.eml.gz", "it changed while it was read")


def test_a_sparse_file_in_a_tar(tmp_path: Path) -> None:
    folder, sparse = tarfile.TarInfo("a"), tarfile.TarInfo("b")
    folder.type, sparse.type = tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE
    (tmp_path / "x").write_bytes(folder.tobuf() + sparse.tobuf() + bytes(1024))
    assert found(tmp_path / "x") == {"x": "it contains a sparse file: not read further"}


def test_a_name_thousands_of_times(tmp_path: Path) -> None:
    header = tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT)
    (tmp_path / "x").write_bytes(gzip.compress(header * 20_000 + bytes(1024), 1))
    *_, last = sources.read(tmp_path / "x")
    assert (last.origin, last.problem) == ("x!/a;20000", "the file is empty")
