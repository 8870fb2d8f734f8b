"""Make a logo, a mark certificate for it, and the root that issued it.

    python testdata/bimi/make.py

writes the files beside this one anew. The certificates differ each time, because signatures take random numbers.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from support import marks  # noqa: E402

LOGO = b"""<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 64 64">
  <title>Example</title>
  <circle cx="32" cy="32" r="30" fill="#07c"/>
  <path d="M20 33l9 9 16-20" fill="none" stroke="#fff" stroke-width="6"/>
</svg>
"""


def main() -> None:
    """Write the files."""
    (HERE / "logo.svg").write_bytes(LOGO)
    image = marks.logo_image(logo=LOGO, digests=[(marks.SHA256, hashlib.sha256(LOGO).digest())])
    mark = marks.mark(logo=marks.logotype(image), mark_type="Registered Mark")
    (HERE / "mark.pem").write_bytes(marks.pem(mark, marks.issuing(), marks.root()))
    (HERE / "roots.pem").write_bytes(marks.root().pem)


if __name__ == "__main__":
    main()
