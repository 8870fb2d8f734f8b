"""Run the milter of a configuration file, or check the file."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from mailauth.cli.streams import EX_USAGE, report_error, write_out
from mailauth.errors import MailauthError
from mailauth.extras import needing
from mailauth.text import safe


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM, or say whether the configuration can be used."""
    with needing("mailauth milter", "milter"):
        from mailauth.serve import config, service  # noqa: PLC0415  it needs an extra
    try:
        loaded = config.load(arguments.config)
    except config.ConfigError as error:
        return report_problems(error)
    if arguments.check:
        service.Parts(loaded)
        service.collector(loaded.reports)
        write_out(f"{safe(arguments.config)}: the configuration can be used\n")
        return 0
    try:
        asyncio.run(service.Service(arguments.config, loaded).run())
    except (OSError, LookupError) as error:
        # LookupError: the user or group of a socket does not exist
        msg = f"cannot listen: {getattr(error, 'strerror', None) or error}"
        raise MailauthError(msg) from None
    return 0


def report_problems(error: Any) -> int:
    """Name every problem of a configuration, and return the exit status."""
    for problem in str(error).split("\n"):
        report_error(problem)
    return EX_USAGE
