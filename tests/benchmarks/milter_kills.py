"""Is a message lost or doubled when `mailauth milter` is killed, again and again, while Postfix asks it?

    python tests/benchmarks/milter_kills.py [--kills 50] [--seed 1] [--short]

Twenty clients send one message after the other, each with a recipient of its own, through Postfix with
milter_default_action=tempfail. The service is killed (SIGKILL) at seeded moments and started again, as systemd does;
clients try again what got a reply of 4xx. At the end every message must have arrived, once, with our field. The exit
code is 1 if not. Needs Postfix and root; everything ends with the script. The tests do the same with three kills.

A message can arrive twice only if the client did not get the reply to its data, because its connection to Postfix
broke: that is between the client and Postfix (RFC 1047), and a milter that is killed has no part in it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.milter_kills import kill  # noqa: E402


def main() -> int:
    """Kill, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    parser.add_argument("--short", action="store_true", help="three kills")
    given = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = kill(Path(folder), 3 if given.short else given.kills, given.seed)
    sys.stdout.write(
        f"{found.kills} kills under {found.messages:,} messages in {time.monotonic() - begun:,.0f} s: "
        f"{found.deferred:,} replies of 4xx ({found.interrupted} at the end of the data), {found.refused} of 5xx, "
        f"{found.lost} messages lost, {found.doubled} doubled, {found.unchecked} unchecked; "
        f"load average {os.getloadavg()[0]:.1f}\n"
    )
    return int(any((found.refused, found.lost, found.doubled, found.unchecked)))


if __name__ == "__main__":
    sys.exit(main())
