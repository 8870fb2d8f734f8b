"""The configuration of Sphinx: `sphinx-build -W -b html docs docs/_build/html`."""

import sys
from pathlib import Path

# The source tree itself, installed or not
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mailauth import __version__

project = "mailauth"
author = "The mailauth maintainers"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

# Docstrings write code between single back-ticks
default_role = "code"
napoleon_numpy_docstring = False
autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
# A Row, a Problem and Bounds are things of several packages
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"mailauth {release}"
