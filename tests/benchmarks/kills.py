"""Is a row lost or doubled when `mailauth bulk` is killed, again and again, and resumed?

    python tests/benchmarks/kills.py [--kills 100] [--messages 4000] [--jobs 2] [--seed 1] [--again]

Each run over a generated mailbox is killed (SIGKILL) at a seeded moment between its start and the time that a run in
one piece takes, then resumed. After each kill, the whole lines that were written must be the beginning of the file that
a run in one piece writes; at the end, the file must be equal to it. With --again, there is a row of every message from
the start, of which many are to be tried again; each must be there after each kill, the old one or the new one. Counts
processes that outlive the run that started them, too. The tests do the same with four kills.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.bulk import failed_then, kill, nothing, write_mailbox  # noqa: E402


def main() -> int:
    """Kill, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--messages", type=int, default=4000, help="in the mailbox (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes of a run (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="begin with rows that are to be tried again")
    given = parser.parse_args()
    start = failed_then if given.again else nothing
    with tempfile.TemporaryDirectory() as directory:
        mailbox = write_mailbox(Path(directory) / "inbox", given.messages)
        begun = time.monotonic()
        found = kill(
            mailbox, Path(directory) / "rows.jsonl", given.kills, given.seed, "--jobs", str(given.jobs), start=start
        )
    seconds = time.monotonic() - begun
    sys.stdout.write(
        f"{found.kills} kills of runs over {given.messages:,} messages, {given.jobs} processes, in {seconds:,.0f} s: "
        f"0 rows lost, 0 doubled, {found.orphans} processes left over; {found.completed} runs ended before their kill\n"
    )
    return int(found.orphans > 0)


if __name__ == "__main__":
    sys.exit(main())
