"""Made-up aggregate reports against the schema of RFC 9990, as many as one likes: the long form of `test_aggregate.py`.

    python tests/property/dmarc_reports.py [--count 100000] [--seed 1]

Every other report is full of hostile text. Prints the figures, and ends at the first report that is not valid.
"""

from __future__ import annotations

import argparse
import sys
import time
from io import BytesIO
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from lxml import etree  # noqa: E402
from support.reports import Generator, schema_path  # noqa: E402

from mailauth.reports.aggregate import write  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    schema = etree.XMLSchema(etree.parse(str(schema_path())))
    rows_written = octets = 0
    seconds = 0.0
    for seed in range(options.seed, options.seed + options.count):
        made = Generator(seed, hostile=seed % 2 == 1)
        metadata, rows = made.metadata(), made.rows()
        file = BytesIO()
        begin = time.process_time()
        write(metadata, rows, file)
        seconds += time.process_time() - begin
        schema.assertValid(etree.fromstring(file.getvalue()))
        rows_written += len(rows)
        octets += len(file.getvalue())
    microseconds = 1e6 * seconds / rows_written
    sys.stdout.write(
        f"{options.count} reports are valid: {rows_written} rows, {octets} octets, {microseconds:.1f} µs a row\n"
    )


if __name__ == "__main__":
    main()
