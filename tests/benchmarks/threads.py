"""Whether threads that share every object, and processes with other hash seeds, come to the same verdicts.

    python tests/benchmarks/threads.py [--threads 16] [--messages 10000] [--seeds 20]

The messages are those of `support/mixed.py`. Prints the figures; the exit code is 1 where there is a difference.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support import mixed  # noqa: E402


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--messages", type=int, default=10_000, help="of each thread (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=20, help="of hashes (default: %(default)s)")
    arguments = parser.parse_args()
    lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    sys.setswitchinterval(1e-5)
    start = time.monotonic()
    differences = mixed.in_threads(arguments.threads, arguments.messages)
    sys.stdout.write(
        f"{arguments.threads} threads x {arguments.messages} messages of {len(mixed.jobs())} kinds, "
        f"{'with' if lock else 'without'} the global lock: {len(differences)} differences, "
        f"{time.monotonic() - start:.0f} s\n"
    )
    for each in differences[:10]:
        sys.stdout.write(f"{each[:1000]}\n")
    seeds = random.Random(1).sample(range(2**32), arguments.seeds)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    digests = {
        subprocess.run(
            [sys.executable, "-m", "support.mixed"],
            capture_output=True,
            text=True,
            check=True,
            env={**environment, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in seeds
    }
    sys.stdout.write(f"{len(seeds)} hash seeds: {len(digests)} different digest(s) of all verdicts\n")
    return int(bool(differences) or len(digests) != 1)


if __name__ == "__main__":
    sys.exit(main())
