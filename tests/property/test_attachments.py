"""Whatever is attached: nothing raises, findings are harmless, and no encryption is lost by cutting or wrapping."""

from __future__ import annotations

import io
import zipfile

from hypothesis import example, given
from hypothesis import strategies as st
from support.attached import CASES, SAMPLES, brief, examined, mail

from mailauth.attachments import Bounds

ENCRYPTED = sorted(
    name
    for name, found in CASES.items()
    if "encrypted" in {kind for kind, _ in found} and not name.endswith((".eml", ".exe"))
)
OCTETS = {name: (SAMPLES / name).read_bytes() for name in CASES}
samples = st.sampled_from(sorted(OCTETS)).map(OCTETS.__getitem__)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a sample with octets changed, cut out, or put in from another one."""
    raw = bytearray(draw(samples))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(raw)))
        end = min(start + draw(st.integers(0, 40)), len(raw))
        other = draw(st.one_of(st.binary(max_size=12), samples.map(lambda octets: octets[:300])))
        raw[start:end] = other
    return bytes(raw)


@given(raw=st.one_of(st.binary(max_size=300), damaged()), attached=st.booleans())
@example(raw=b"", attached=False)
def test_any_octets(raw: bytes, *, attached: bool) -> None:
    examined(mail(raw) if attached else raw, Bounds(inflated=2**22))


@given(name=st.sampled_from(ENCRYPTED), cut=st.floats(0, 1))
def test_what_is_cut_off_is_never_taken_for_plain(name: str, cut: float) -> None:
    octets = OCTETS[name][: max(int(len(OCTETS[name]) * cut), 48)]
    assert {"encrypted", "unread"} & {kind for kind, _, _ in brief(mail(octets, name))}


@given(
    name=st.sampled_from(ENCRYPTED),
    layers=st.lists(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]), max_size=2),
    messages=st.integers(0, 1),
)
def test_what_is_wrapped_is_found(name: str, layers: list[int], messages: int) -> None:
    """In entries of a ZIP, which are in messages in messages."""
    octets = OCTETS[name]
    for layer in layers:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", layer) as archive:
            archive.writestr("inner", octets)
        octets = buffer.getvalue()
    raw = mail(octets)
    for _ in range(messages):
        raw = mail(raw, "m.eml", "message/rfc822")
    assert "encrypted" in {kind for kind, _, _ in brief(raw)}
