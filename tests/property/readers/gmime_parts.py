"""Lines of base64 in, each a message; lines of JSON out: its type, and the types and octets of its parts, by GMime."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import gi

gi.require_version("GMime", "3.0")
from gi.repository import GMime  # noqa: E402

GMime.init()


def content(part: Any) -> str:
    stream = GMime.StreamMem.new()
    # A message in a message, or what has a transfer encoding
    if isinstance(part, GMime.MessagePart):
        part.get_message().write_to_stream(None, stream)
    else:
        part.get_content().write_to_stream(stream)
    return base64.b64encode(bytes(stream.get_byte_array())).decode()


for line in sys.stdin:
    octets = base64.b64decode(line)
    message = GMime.Parser.new_with_stream(GMime.StreamMem.new_with_buffer(octets)).construct_message(None)
    top = message.get_mime_part()
    parts = [top.get_part(i) for i in range(top.get_count())] if isinstance(top, GMime.Multipart) else []
    found = [(part.get_content_type().get_mime_type(), content(part)) for part in parts]
    sys.stdout.write(json.dumps([top.get_content_type().get_mime_type(), found]) + "\n")
