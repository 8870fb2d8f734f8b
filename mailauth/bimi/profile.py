"""The profile SVG Tiny Portable/Secure as tables: which elements there are, what is in them, and their attributes.

SVG Tiny 1.2 (W3C, 2008) less all that moves, fetches, links or runs (draft-svg-tiny-ps-abrotman). `svg` reads by it.
"""

from __future__ import annotations

import re

SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_XML = "{http://www.w3.org/XML/1998/namespace}"
XML_ID = f"{_XML}id"
XML_BASE = f"{_XML}base"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SHAPES = _set("path rect circle ellipse line polyline polygon")
_GRADIENTS = _set("linearGradient radialGradient")
_DRAWN = _SHAPES | _GRADIENTS | _set("g defs use text textArea solidColor")
_NOTHING = _set("")

# What may be in each element
CHILDREN: dict[str, frozenset[str]] = {
    "svg": _DRAWN | _set("title desc metadata"),
    "g": _DRAWN,
    "defs": _DRAWN,
    **dict.fromkeys(_GRADIENTS, _set("stop")),
    **dict.fromkeys(_SHAPES, _NOTHING),
    **dict.fromkeys(_set("title desc metadata text textArea use solidColor stop"), _NOTHING),
}
TEXTUAL = _set("title desc metadata text textArea")

# --- attributes, by the groups of SVG Tiny 1.2 (its appendix "Attribute table") --------------------------------------

_CORE = (
    f"id {XML_ID} {XML_BASE} {_XML}lang {_XML}space class role rel rev typeof content datatype resource about property"
)
_CONDITIONAL = "requiredFonts systemLanguage"
_PROPERTIES = """
    color color-rendering direction display-align fill fill-opacity fill-rule font-family font-size font-style
    font-variant font-weight line-increment solid-color solid-opacity stop-color stop-opacity stroke stroke-dasharray
    stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-align
    text-anchor unicode-bidi vector-effect
"""
_MEDIA = """
    buffered-rendering display image-rendering shape-rendering text-rendering viewport-fill viewport-fill-opacity
    visibility
"""
_ROOT = """
    baseProfile contentScriptType externalResourcesRequired focusable height playbackOrder preserveAspectRatio
    snapshotTime timelineBegin version viewBox width zoomAndPan
"""
_COMMON = f"{_CORE} {_PROPERTIES}"
_PLACED = f"{_COMMON} {_CONDITIONAL} transform"
ATTRIBUTES: dict[str, frozenset[str]] = {
    element: _set(names)
    for element, names in {
        "svg": f"{_COMMON} {_ROOT}",
        "title": f"{_CORE} {_CONDITIONAL} {_MEDIA}",
        "desc": f"{_CORE} {_CONDITIONAL} {_MEDIA}",
        "metadata": "",
        "g": _PLACED,
        "defs": _COMMON,
        "path": f"{_PLACED} d pathLength",
        "rect": f"{_PLACED} x y width height rx ry",
        "circle": f"{_PLACED} cx cy r",
        "ellipse": f"{_PLACED} cx cy rx ry",
        "line": f"{_PLACED} x1 y1 x2 y2",
        "polyline": f"{_PLACED} points",
        "polygon": f"{_PLACED} points",
        "text": f"{_PLACED} x y rotate editable",
        "textArea": f"{_PLACED} x y width height",
        "use": f"{_PLACED} x y href {XLINK_HREF}",
        "linearGradient": f"{_COMMON} gradientUnits x1 y1 x2 y2",
        "radialGradient": f"{_COMMON} gradientUnits cx cy r",
        "stop": f"{_COMMON} offset",
        "solidColor": _COMMON,
    }.items()
}
# Where a paint server may be named
PAINTED = _set("fill stroke color solid-color stop-color viewport-fill")
# Numbers, and lists of them
NUMERIC = _set(
    """
    cx cy d fill-opacity font-size height line-increment offset pathLength points r rotate rx ry solid-opacity
    stop-opacity stroke-dasharray stroke-dashoffset stroke-miterlimit stroke-opacity stroke-width transform viewBox
    viewport-fill-opacity width x x1 x2 y y1 y2
    """
)
# Attributes that have only these values; some are stricter on the root than elsewhere
_RENDERING = "auto optimizeSpeed optimizeQuality inherit"
KEYWORDS: dict[str, frozenset[str]] = {
    name: _set(words)
    for name, words in {
        f"{_XML}space": "default preserve",
        "buffered-rendering": "auto dynamic static inherit",
        "color-rendering": _RENDERING,
        "direction": "ltr rtl inherit",
        "display": """
            inline block list-item run-in compact marker table inline-table table-row-group table-header-group
            table-footer-group table-row table-column-group table-column table-cell table-caption none inherit
        """,
        "display-align": "auto before center after inherit",
        "editable": "none",
        "externalResourcesRequired": "false",
        "fill-rule": "inherit nonzero evenodd",
        "focusable": "false",
        "font-style": "normal italic oblique inherit",
        "font-variant": "normal small-caps inherit",
        "font-weight": "normal bold bolder lighter inherit 100 200 300 400 500 600 700 800 900",
        "gradientUnits": "userSpaceOnUse objectBoundingBox",
        "image-rendering": _RENDERING,
        "playbackOrder": "all",
        "shape-rendering": "auto optimizeSpeed crispEdges geometricPrecision inherit",
        "snapshotTime": "none",
        "stroke-linecap": "butt round square inherit",
        "stroke-linejoin": "miter round bevel inherit",
        "text-align": "start center end inherit",
        "text-anchor": "start middle end inherit",
        "text-rendering": "auto optimizeSpeed optimizeLegibility geometricPrecision inherit",
        "timelineBegin": "onLoad",
        "unicode-bidi": "normal embed bidi-override inherit",
        "vector-effect": "none non-scaling-stroke inherit",
        "visibility": "visible hidden collapse inherit",
        "zoomAndPan": "disable",
    }.items()
}
# and this form
PATTERNS = {
    "class": re.compile(r"\s*[\w.:\-\u00b7]+(?:\s+[\w.:\-\u00b7]+)*\s*"),
    "preserveAspectRatio": re.compile(r"\s*(?:none|xMidYMid)\s*(?:meet)?\s*"),
}
