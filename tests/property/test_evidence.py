"""A folder of evidence that a stranger changed: the check always has an answer, and raises and writes nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.signing import NOW, key, key_zone, signed

from mailauth.resolvers import KeyFile, Zone
from mailauth.saved import bundle
from mailauth.saved.evidence import Checked, check, collect
from mailauth.saved.how import How
from mailauth.saved.same import differences

HOW = How(now=datetime.fromtimestamp(NOW, UTC), authserv_id="mx.example.org")
OLD = KeyFile("old", {"s1._domainkey.example.com": (key("rsa2048-other").record().encode(),)})
FILES = collect(signed(), Zone(key_zone()), HOW, [OLD]).files
DATA = {name: json.loads(content) for name, content in FILES.items() if name.endswith(".json")}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["dns", "detail", "result", "a.b", ""]), inner, max_size=4)
    ),
    max_leaves=10,
)


def checked(files: dict[str, bytes], manifest: bytes | None = None) -> Checked:
    """Check a folder with these files; the sums are right, if no other manifest is given."""
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        Path(folder, "SHA256SUMS").write_bytes(bundle.sums(files) if manifest is None else manifest)
        before = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        found = check(folder)
        assert {path.name: path.read_bytes() for path in Path(folder).iterdir()} == before
    for reason in (*found.unusable, *found.differs, *found.remarks):
        assert reason.isprintable()
    assert (found.saved is None) == bool(found.unusable)
    return found


@st.composite
def altered(draw: st.DrawFn) -> tuple[str, Any]:
    """Return a JSON file of the folder with one value in it replaced or removed."""
    name = draw(st.sampled_from(sorted(DATA)))
    data = json.loads(FILES[name])
    place, depth = data, draw(st.integers(0, 6))
    for _ in range(depth):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        inner = [key for key in keys if isinstance(place[key], (dict, list)) and place[key]]
        if not inner:
            break
        place = place[draw(st.sampled_from(inner))]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    chosen = draw(st.sampled_from(keys))
    if draw(st.booleans()):
        place[chosen] = draw(JSON)
    else:
        del place[chosen]
    return name, data


@given(altered())
def test_any_change_of_the_data_is_survived(change: tuple[str, Any]) -> None:
    name, data = change
    found = checked({**FILES, name: json.dumps(data).encode()})
    assert found.differs == ()
    if name == "verdict.json" and data == DATA[name]:
        assert found.is_same


@given(name=st.sampled_from(sorted(FILES)), octets=st.binary(max_size=200), at=st.floats(0, 1))
def test_any_octets_are_survived(name: str, octets: bytes, at: float) -> None:
    content = FILES[name]
    place = int(at * len(content))
    new = content[:place] + octets + content[place + len(octets) :]
    found = checked({**FILES, name: new}, bundle.sums(FILES))
    assert bool(found.differs) == (hashlib.sha256(new).digest() != hashlib.sha256(content).digest())


@given(st.binary(max_size=300) | st.lists(st.sampled_from([*FILES, "../x", "a/b", "", "#", "0" * 64])).map(
    lambda words: "  ".join(words).encode()
))  # fmt: skip
def test_any_manifest_is_survived(manifest: bytes) -> None:
    assert not checked(FILES, manifest).is_usable


@given(old=JSON, new=JSON)
def test_any_two_values_can_be_compared(old: Any, new: Any) -> None:
    assert differences(new, new) == ()
    assert (differences(old, new) == ()) <= (old == new)
