"""Reports about mail: each action is a module of its own."""

from __future__ import annotations

import argparse
from importlib import import_module


def run(arguments: argparse.Namespace) -> int:
    """Run the action that was given; the others are not loaded."""
    action = import_module(f"mailauth.cli.report_{arguments.action}")
    status: int = action.run(arguments)
    return status
