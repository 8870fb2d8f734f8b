"""Reduce Unicode's confusables.txt to what can be taken for a letter, a digit or a hyphen of a domain name.

    python testdata/lookalike/make.py confusables.txt > mailauth/lookalike/confusables.txt

The file is https://www.unicode.org/Public/security/VERSION/confusables.txt. Debian's source of ICU has it too:
`apt-get source icu`, then icu/source/data/unidata/confusables.txt. Latin letters that it lacks and whose names say that
they are another letter with a mark, or a small capital, are added as such.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

_LINE = re.compile(r"([0-9A-F]+) ;\t((?:[0-9A-F]+ ?)+);\tMA\t.*")
_LDH = re.compile("[a-z0-9-]+")
_LATIN = re.compile("LATIN (?:LETTER SMALL CAPITAL ([A-Z])|(?:SMALL|CAPITAL) LETTER ([A-Z]) WITH .*)")
# Letters of their own that others are confused with
_OTHERS = {"\u0138": "k", "\u0185": "b", "\u0269": "i", "\u014b": "n", "\u0259": "e", "\u028d": "m"}
_FIRST, _LAST = 0x80, 0x2FFFF
_WIDTH = 120


def look(text: str) -> tuple[str, bool]:
    """Return a text as ASCII in lower case as far as it looks like that, and whether it has marks besides."""
    letters, marked = "", False
    for c in unicodedata.normalize("NFKD", text):
        named = None if c.isascii() else _LATIN.fullmatch(unicodedata.name(c, ""))
        is_mark = unicodedata.category(c) in {"Mn", "Me"}
        marked = marked or is_mark or named is not None or c in _OTHERS
        if not is_mark:
            letters += _OTHERS.get(c) or ((named[1] or named[2]) if named else c).lower()
    return letters, marked


def main(path: str) -> None:
    """Print the reduced table of the file at a path."""
    text = Path(path).read_text(encoding="utf-8-sig")
    version = re.search(r"(?m)^# Version: ([0-9.]+)$", text)
    assert version is not None, "this is not confusables.txt"
    table = {chr(int(source, 16)): "".join(chr(int(p, 16)) for p in to.split()) for source, to in _LINE.findall(text)}
    rows: dict[str, list[str]] = defaultdict(list)
    for c in sorted({*table, *map(chr, range(_FIRST, _LAST))}):
        letters, marked = look(table.get(c, c))
        if not _LDH.fullmatch(letters) and unicodedata.normalize("NFKD", c) == c:
            letters, marked = look(c)
        # What has a decomposition needs no row. ASCII is the code's own matter: in a domain name it has one case, and
        # its digits are no letters
        if not c.isascii() and _LDH.fullmatch(letters) and (c in table or unicodedata.normalize("NFKD", c) == c):
            rows[letters + ("~" if marked else "")].append(f"{ord(c):04X}")
    print(f"# From confusables.txt of Unicode {version[1]}, reduced and modified by testdata/lookalike/make.py")
    print("# Copyright (c) 1991-2024 Unicode, Inc. See UNICODE-LICENSE.txt")
    print("# What a character looks like, ~ if it has a mark besides, and the code points of such characters")
    for shape, sources in sorted(rows.items()):
        line = shape
        for source in sources:
            if len(line) + len(source) >= _WIDTH:
                print(line)
                line = shape
            line += " " + source
        print(line)


main(sys.argv[1])
