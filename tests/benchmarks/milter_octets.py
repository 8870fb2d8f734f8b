"""Do the milter and its mail server leave every octet of a message as it was?

    python tests/benchmarks/milter_octets.py [--messages 10000] [--first 0] [--seed 1] [--short] [postfix] [sendmail]

Sends messages of all shapes (`support/odd_mail.py`: white space, folds, names, octets, lines, bodies) through real
Postfix and Sendmail, with the milter and without it. What the milter gets must be what was sent, and what is delivered
must be the fields of ours, one Received field of the server, and what was sent without the fields that we remove, but
for what the server changes by itself. The rules of that, by server, are in `support/milter_octets.py`; how many
messages each rule touches is printed. Messages are signed simple/simple by us: of those that no rule touches, dkimpy
must verify what is delivered, and we what the milter got. The exit code is 1 if anything differs. Needs Postfix, what
`.ci/mail-servers` unpacks, and root; everything ends with the script. The tests do the same with 150 messages.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support.mailservers import postfix, sendmail  # noqa: E402
from support.milter_octets import compare  # noqa: E402
from support.smtp_load import say  # noqa: E402

SERVERS = {"postfix": postfix, "sendmail": sendmail}
BATCH = 500  # messages in memory


def main() -> int:
    """Send and compare, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", choices=[[], *SERVERS], help="default: both")
    parser.add_argument("--messages", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--first", type=int, default=0, help="the number of the first message (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the messages (default: %(default)s)")
    parser.add_argument("--short", action="store_true", help="150 messages")
    given = parser.parse_args()
    # Sendmail leaves the milter in the middle of what it refuses
    logging.getLogger("mailauth").addHandler(logging.NullHandler())
    end = given.first + (150 if given.short else given.messages)
    wrong = 0
    for name in given.servers or SERVERS:
        begun = time.monotonic()
        touched: Counter[str] = Counter()
        exact = verified = differences = 0
        for first in range(given.first, end, BATCH):
            found = compare(SERVERS[name], range(first, min(first + BATCH, end)), given.seed)
            touched += found.touched
            exact, verified = exact + found.exact, verified + found.verified
            differences += len(found.differences)
            for line in found.differences:
                say(line)
        say(f"{name}: {end - given.first:,} messages in {time.monotonic() - begun:,.0f} s, {differences} differences")
        say(f"  {exact:,} that the server leaves alone; {verified:,} of them signed: dkimpy and we verify them")
        for rule, number in touched.most_common():
            say(f"  {number:6,} {rule}")
        wrong += differences
    say(f"load average {os.getloadavg()[0]:.1f}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
