"""Is a count lost or doubled when the process that counts for reports is killed, again and again?

    python tests/benchmarks/report_kills.py [--kills 50] [--seed 1] [sqlite] [postgresql]

A process counts some thousand messages a second, each from a client of its own, and is killed (SIGKILL) at a seeded
moment; the next one goes on. At the end, what was told as kept has to be in the store, and nothing twice. The exit
code is 1 if not. PostgreSQL is a cluster of its own, which writes through to the disk. The tests do the same with three
kills.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.collector_kills import kill  # noqa: E402
from support.databases import KINDS, postgresql, sqlite  # noqa: E402


def main() -> int:
    """Kill, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help="which databases (default: all)")
    given = parser.parse_args()
    wrong = 0
    for kind in given.kinds or KINDS:
        begun = time.monotonic()
        with sqlite() if kind == "sqlite" else postgresql(safe=True) as databases:
            found = kill(databases.fresh(), given.kills, seed=given.seed)
        sys.stdout.write(
            f"{kind}: {found.kills} kills under {found.counted:,} messages in {time.monotonic() - begun:,.0f} s: "
            f"{found.kept:,} told as kept, {found.there:,} there; {found.lost} of these lost, {found.doubled} doubled; "
            f"a kill cost at most {found.most:,} messages; load average {os.getloadavg()[0]:.1f}\n"
        )
        wrong += found.lost + found.doubled
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
