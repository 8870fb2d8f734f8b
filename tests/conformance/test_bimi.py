"""BIMI: the logos and the mark certificate of the suites, and the schema of the profile as an oracle."""

from __future__ import annotations

import copy
import random
from datetime import datetime
from typing import Any

import pytest
from support.marks import LOGO
from support.suites import FOLDER, Case, Differs, each, is_absent

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from lxml import etree

from mailauth.bimi import Code, certificate, path, svg

# --- logos -----------------------------------------------------------------------------------------------------------

STYLE = "SVG Tiny has no style attribute, and neither has the schema"
VERSION = 'the profile demands version="1.2", and so does the schema'
SQUARE = "that a logo should be square is advice"
COMMA = "SVG Tiny 1.2 §7.9 allows commas in viewBox, and so does the schema"
DIFFERING = {
    "bimi-mailauth/Should accept SVG with internal references (#id)": Differs(STYLE, {"codes": ["svg_style"]}),
    "bimi-mailauth/Should handle SVG with arrays of elements": Differs(VERSION, {"codes": ["svg_version"]}),
    "bimi-mailauth/Should handle deeply nested valid structure": Differs(VERSION, {"codes": ["svg_version"]}),
    "bimi-mailauth/Should handle SVG with text content": Differs(VERSION, {"codes": ["svg_version"]}),
    "bimi-email-auth-rs/comma_viewbox": Differs(COMMA, {"codes": []}),
    "bimi-email-auth-rs/non_square_aspect_ratio": Differs(SQUARE, {"codes": []}),
    "bimi-perl/svg invalid for profile (no validation)": Differs(
        "there is no switch that shows logos unchecked", {"codes": ["svg_version", "svg_style"]}
    ),
}
# What the suites say of a refusal, and what we say
CODES = {
    "INVALID_BASE_PROFILE": {Code.SVG_PROFILE},
    "INVALID_SVG_FILE": {Code.SVG_XML, Code.SVG_ROOT, Code.SVG_DOCTYPE},
    "LOGO_INCLUDES_REFERENCE": {Code.SVG_REFERENCE},
    "LOGO_INVALID_ELEMENT": {Code.SVG_SCRIPT, Code.SVG_ANIMATION},
    "LOGO_INVALID_ROOT_ATTRS": {Code.SVG_POSITION},
    "LOGO_MISSING_TITLE": {Code.SVG_TITLE},
    "SVG_SIZE": {Code.SVG_SIZE},
    "SVG_VALIDATION_ERROR": {Code.SVG_STYLE},
    "EntityDeclaration": {Code.SVG_DOCTYPE},
    "EventHandler": {Code.SVG_EVENT},
    "JavaScriptUri": {Code.SVG_REFERENCE},
    "MissingBaseProfile": {Code.SVG_PROFILE},
    "MissingTitle": {Code.SVG_TITLE},
    "NotSvgRoot": {Code.SVG_ROOT},
    "ProhibitedElement": {Code.SVG_SCRIPT, Code.SVG_IMAGE, Code.SVG_ANIMATION, Code.SVG_FOREIGN},
}


@pytest.mark.parametrize(("case", "answers"), each("bimi-svg", DIFFERING))
def test_logo(case: Case, answers: Case) -> None:
    found = svg.check(case["svg"].encode(), most=case.get("max_size", svg.MOST))
    codes = [problem.code for problem in found.problems]
    if answers:
        assert codes == answers["codes"]
        return
    expected = case.get("expect", {})
    errors = [*expected.get("errors", ()), *filter(None, [expected.get("code"), case.get("upstream_error")])]
    valid = case.get("valid", expected.get("valid", not errors))
    assert (found.value is not None) == valid
    assert all(CODES[error] & set(codes) for error in errors)


# --- the schema ------------------------------------------------------------------------------------------------------

SCHEMA = FOLDER / "SVG_1.2_PS.rng"
SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
# What the schema does not know of
BEYOND = {
    Code.SVG_REFERENCE, Code.SVG_TARGET, Code.SVG_RECURSION, Code.SVG_EXPANSION, Code.SVG_NUMBER, Code.SVG_ID_TWICE,
    Code.SVG_VIEWBOX, Code.SVG_TITLE_EMPTY,
}  # fmt: skip
DEFINED = (
    b'<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps"><title>a</title><desc>b</desc><defs>'
    b'<linearGradient id="l"><stop offset="0"/><stop offset="1" stop-color="red"/></linearGradient>'
    b'<radialGradient id="r" cx="1"><stop/></radialGradient><solidColor id="s"/></defs><g id="g"><path d="M0 0"/>'
    b'<text x="1">c</text><rect fill="url(#l)" rx="2"/></g><use href="#g"/><metadata>m</metadata></svg>'
)
SHAPES = (
    b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.2" '
    b'baseProfile="tiny-ps"><title>a</title><g><g><circle r="1"/><ellipse rx="1" ry="1"/><line x1="1"/>'
    b'<polyline points="1,1"/></g><polygon points="0 0" id="p"/></g><use xlink:href="#p"/><textArea width="auto">t'
    b"</textArea></svg>"
)
BASES = (LOGO, DEFINED, SHAPES)
_ELEMENTS = """
    svg title desc metadata g defs path rect circle ellipse line polyline polygon text textArea use linearGradient
    radialGradient stop solidColor a script image set style switch tspan tbreak font glyph foreignObject animate
    filter mask pattern symbol view clipPath prefetch video
"""
ELEMENTS = _ELEMENTS.split()
_NAMES = """
    about baseProfile class color color-rendering content contentScriptType cursor cx cy d datatype direction display
    display-align editable externalResourcesRequired fill fill-opacity fill-rule filter fo focusable font-family
    font-size font-style font-variant font-weight gradientTransform gradientUnits height href id image-rendering
    line-increment mask nav-next offset onclick opacity pathLength playbackOrder points preserveAspectRatio property
    r rel requiredFeatures requiredFonts resource rev role rotate rx ry shape-rendering snapshotTime solid-color
    solid-opacity stop-color stop-opacity stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-miterlimit
    stroke-width style systemLanguage target text-align text-anchor text-rendering timelineBegin transform typeof
    unicode-bidi vector-effect version viewBox viewport-fill visibility width x x1 x2 xml:base xml:lang xml:space y
    y1 y2 zoomAndPan
"""
NAMES = _NAMES.split()
_VALUES = """
    1 0.5 none inherit auto normal red bold 400 a en de-AT default preserve ltr middle start evenodd round miter
    false true all onLoad disable userSpaceOnUse non-scaling-stroke embed hidden optimizeSpeed block after
    tiny-ps 1.2 1.1 url(#g) url(http://a.example) #g #x http://a.example/ 99999999999 meet xMidYMid small-caps italic
"""
VALUES = _VALUES.split()


def mutant(generator: random.Random) -> Any:
    """Return a valid logo with one to three changes."""
    root = etree.fromstring(generator.choice(BASES))
    for _ in range(generator.randint(1, 3)):
        element = generator.choice(list(root.iter()))
        what = generator.randrange(7)
        if what < 3:
            name = generator.choice(NAMES).replace("xml:", "{http://www.w3.org/XML/1998/namespace}")
            element.set(name, generator.choice(VALUES))
        elif what == 3:
            element.tag = SVG + generator.choice(ELEMENTS)
        elif what == 4:
            element.append(etree.Element(SVG + generator.choice(ELEMENTS)))
        elif what == 5 and element is not root:
            generator.choice(list(root.iter())).append(copy.deepcopy(element))
        elif what == 6:
            element.text = generator.choice(["", " \n", "text"])
    return root


def as_the_schema_has_it(root: Any) -> Any:
    """Return a logo without what we take and the schema does not."""
    root = copy.deepcopy(root)
    for element in root.iter():
        # SVG Tiny 1.2 §14.1: the attribute is xlink:href
        if element.tag == f"{SVG}use" and XLINK_HREF in element.attrib:
            element.set("href", element.attrib.pop(XLINK_HREF))
        # SVG Tiny 1.2 §10.9
        if element.get("font-weight") in {"400", "inherit"}:
            element.set("font-weight", "normal")
    # SVG Tiny 1.2 §5.5.1: that the title is first is advice
    titles = [element for element in root if element.tag == f"{SVG}title"]
    for title in titles[:1]:
        if title is not root[0] and not (title.tail or "").strip():
            root.insert(0, title)
    return root


@pytest.mark.skipif(not SCHEMA.is_file(), reason=f"{SCHEMA} is missing: set MAILAUTH_SUITES")
def test_we_refuse_what_the_schema_refuses() -> None:
    schema = etree.RelaxNG(etree.parse(str(SCHEMA)))
    generator, valid = random.Random(20261127), 0
    for _ in range(6000):
        root = mutant(generator)
        octets = etree.tostring(root)
        found = svg.check(octets)
        ours = {problem.code for problem in found.problems} - BEYOND
        theirs = schema.validate(as_the_schema_has_it(root))
        assert theirs == (not ours), (octets, found.problems, schema.error_log)
        valid += theirs
    assert 500 < valid < 5000


# --- mark certificates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", each("bimi-vmc"))
def test_mark_certificate(case: Case) -> None:
    folder = FOLDER / case["suite"]
    logo = svg.check((folder / case["svg"]).read_bytes()).value
    assert logo is not None
    now = datetime.fromisoformat(case["now"])
    pem = (folder / case["pem"]).read_bytes()
    found = certificate.check(pem, author_domain="cnn.com", now=now, fetched=logo)
    assert (found.value is not None) == case["expect"]["valid"], found.problems
    assert found.value is not None
    assert found.value.indicator == logo
    assert found.value.organization == "Cable News Network, Inc."


def test_our_roots_are_those_of_the_suite() -> None:
    if words := is_absent("bimi-roots"):
        pytest.skip(words)
    assert path.read_roots((FOLDER / "bimi-roots" / "roots.pem").read_bytes()) == path.shipped_roots()
