"""Lines of base64 in, each the body of a From field; lines of JSON out: the addresses that GMime finds in it."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from typing import Any

import gi

gi.require_version("GMime", "3.0")
from gi.repository import GMime  # noqa: E402

GMime.init()


def flat(found: Any) -> Iterator[str]:
    for i in range(found.length() if found else 0):
        address = found.get_address(i)
        if isinstance(address, GMime.InternetAddressGroup):
            yield from flat(address.get_members())
        else:
            yield address.get_addr() or ""


for line in sys.stdin:
    message = b"From: " + base64.b64decode(line) + b"\r\n\r\n"
    parsed = GMime.Parser.new_with_stream(GMime.StreamMem.new_with_buffer(message)).construct_message(None)
    try:
        addresses = list(flat(parsed.get_from())) if parsed else []
    except UnicodeDecodeError:
        addresses = []
    sys.stdout.write(json.dumps({"gmime": addresses}) + "\n")
