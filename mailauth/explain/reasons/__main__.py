"""`python -m mailauth.explain.reasons > docs/reasons.md` writes the page of the manual."""

import sys

from mailauth.explain.reasons.page import markdown

sys.stdout.buffer.write(markdown().encode())
