"""Filters from a Python file of a user. The file is code: whoever can write it decides about the mail."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from traceback import walk_tb
from types import ModuleType

from mailauth.errors import UsageError
from mailauth.filters.step import Filter


def load(source: str | os.PathLike[str] | ModuleType) -> list[Filter]:
    """Return the filters that a Python file or a module names, in the order in which they are defined.

    Filters that the file imports count too; functions without `@filter` do not. A file is read and run anew by each
    call.

    Args:
        source: path of the file, or a module.

    Raises:
        UsageError: when the file cannot be read or run, or has no filter.
    """
    module = source if isinstance(source, ModuleType) else _module_of(Path(source))
    found = [value for value in vars(module).values() if isinstance(value, Filter)]
    if not found:
        name = module.__name__ if module is source else source
        msg = f"{name}: there is no filter in it; write @filter above each function that is one"
        raise UsageError(msg)
    return list(dict.fromkeys(found))


def _module_of(path: Path) -> ModuleType:
    # Dataclasses and pickle look a module up by its name; two files of one name must not meet
    module = ModuleType(f"filters of {path.resolve()}")
    module.__file__ = str(path)
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        msg = f"{path}: {error.strerror}: give the path of a Python file with filters"
        raise UsageError(msg) from error
    except SyntaxError as error:
        msg = f"{path}, line {error.lineno}: {error.msg}"
        raise UsageError(msg) from error
    except ValueError as error:
        msg = f"{path} is not a Python file: {error}"
        raise UsageError(msg) from error
    sys.modules[module.__name__] = module
    try:
        exec(code, vars(module))  # noqa: S102  that is what it is for
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        # The first frame is this one, the second is that of the file
        line = [line for _, line in walk_tb(error.__traceback__)][1]
        msg = f"{path}, line {line}: {type(error).__name__}: {error}"
        raise UsageError(msg) from error
    return module
