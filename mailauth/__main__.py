"""`python -m mailauth`."""

import sys

from mailauth.cli import main

if __name__ == "__main__":
    sys.exit(main())
