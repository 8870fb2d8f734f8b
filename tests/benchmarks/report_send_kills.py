"""Is a report lost or counted twice when runs that send reports are killed, again and again?

    python tests/benchmarks/report_send_kills.py [--kills 50] [--seed 1] [--reports 300] [sqlite] [postgresql]

Two runs at a time send reports to two recipients each, and both are killed (SIGKILL) at a seeded moment; the relay
defers some mails and drops some connections. At the end each recipient must have each report. A mail that came twice
must be the same report, which counts once. The exit code is 1 if not. The tests do the same with four kills.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.databases import KINDS, postgresql, sqlite  # noqa: E402
from support.sending_kills import kill  # noqa: E402


def main() -> int:
    """Kill, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="of two runs each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    parser.add_argument("--reports", type=int, default=300, help="default: %(default)s")
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help="which databases (default: all)")
    given = parser.parse_args()
    wrong = 0
    for kind in given.kinds or KINDS:
        begun = time.monotonic()
        with sqlite() if kind == "sqlite" else postgresql(safe=True) as databases:
            found = kill(databases.fresh(), given.kills, given.seed, given.reports)
        sys.stdout.write(
            f"{kind}: {found.kills} kills under {found.reports} reports for two recipients each in "
            f"{time.monotonic() - begun:,.0f} s: {found.lost} lost, {found.doubled} counted twice, "
            f"{found.again} mails sent again; load average {os.getloadavg()[0]:.1f}\n"
        )
        wrong += found.lost + found.doubled
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
