"""Drawings: what is told as badly drawn, and what a notebook is given."""

import base64
import io
import itertools
import re
import warnings
import xml.etree.ElementTree as ElementTree

import matplotlib
import pytest
from PIL import Image, ImageColor

from recsys_book.pictures.drawing import Arrow, Box, Drawing, Frame
from recsys_book.pictures.kinds import LOOKS, TEXT, TEXT_ON
from recsys_book.pictures.labels import crosses
from recsys_book.pictures.parts import Rectangle
from recsys_book.pictures.plan import Plan
from recsys_book.pictures.sketching import drawn, shape_text
from recsys_book.pictures.text import SMALL, outline, pieces, width_of

SVG = "{http://www.w3.org/2000/svg}"


def box(key, left, top, width=80, height=28, lines=None):
    area = Rectangle(left, top, left + width, top + height)
    return Box(key, (key,) if lines is None else lines, "network", area)


def drawing(boxes, arrows=(), frames=(), size=(400, 300)):
    return Drawing("Title", "What it shows.", boxes, arrows, frames, size=size)


def three(middle_left):
    """Two boxes above each other, and a third between them or beside."""
    return [box("a", 50, 200), box("b", middle_left, 120), box("c", 50, 40)]


def plan():
    found = Plan("A < B & C", "Two boxes.", 2)
    found.box("a", "vectors $e_1 … e_T$", "-", "embedding", 0, 0)
    found.box("b", "a <b> & c", "-", "output", 0, 1)
    found.arrows("a > b")
    return found


@pytest.fixture
def picture():
    return drawn(plan(), labels={("a", "b"): "6 × 8"}).picture()


def test_a_good_drawing_has_no_problems():
    assert drawing(three(middle_left=250), [Arrow("a", "c", "8")]).problems() == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: drawing([box("a", 20, 20), box("b", 90, 30)]), "box 'a': expected free"),
        (lambda: drawing(three(50), [Arrow("a", "c")]), "arrow a -> c: runs through box 'b'"),
        (
            lambda: drawing(three(250), [Arrow("a", "c", via=((290, 180), (290, 100)))]),
            "arrow a -> c: runs through box 'b'",
        ),
        (lambda: drawing([box("a", 350, 20)]), "box 'a': expected inside the page"),
        (lambda: drawing([box("a", 20, 285)]), "box 'a': expected inside the page"),
        (lambda: drawing([box("a", 20, 20)], size=(701, 100)), "page: expected at most 700"),
        (lambda: drawing([box("a", 20, 20, lines=("m" * 9,))]), "expected at most 76 pixels"),
        (lambda: drawing([box("a", 20, 20, lines=("1", "2"))]), "expected room for 2 lines"),
        (
            lambda: drawing(
                [box("a", 50, 78, height=20), box("c", 50, 40)], [Arrow("a", "c", "8 × 8")]
            ),
            "overlaps label '8 × 8'",
        ),
        (
            lambda: drawing(three(250), frames=[Frame("f", Rectangle(20, 100, 290, 280))]),
            "box 'b': expected inside or outside of frame 'f'",
        ),
        (
            lambda: drawing(
                [box("a", 50, 240), box("b", 250, 240), box("c", 50, 40), box("d", 250, 40)],
                [
                    Arrow("a", "c", via=((200, 250), (200, 50))),
                    Arrow("b", "d", via=((200, 250), (200, 50))),
                ],
            ),
            "lie on each other",
        ),
    ],
)
def test_what_a_reader_would_stumble_over_is_told(made, said):
    assert any(said in problem for problem in made().problems()), made().problems()


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (((0, 5), (20, 5)), True),
        (((0, 0), (20, 20)), True),
        (((0, 11), (20, 11)), False),
        (((0, 5), (4, 5)), False),  # ends before the area
        (((0, 0), (10, 0)), False),  # along the edge
        (((12, 0), (5, 14)), True),
    ],
)
def test_a_line_enters_an_area_or_not(segment, expected):
    assert crosses(segment, Rectangle(5, 0, 10, 10)) is expected


def test_labels_keep_clear_of_boxes_and_of_each_other():
    boxes = [box("a", 20, 200), box("b", 110, 200), box("c", 60, 140)]
    found = drawing(boxes, [Arrow("a", "c", "20 × 32"), Arrow("b", "c", "20 × 32")])
    assert len(found.labels) == 2 and found.problems() == []
    # Beside the middle of the arrow stands a box.
    found = drawing(three(middle_left=98), [Arrow("a", "c", "20 × 32")])
    assert len(found.labels) == 1 and found.problems() == []


def test_arrows_that_arrive_at_one_edge_end_apart():
    boxes = [box(str(number), 20 + 90 * number, 200) for number in range(4)]
    boxes.append(box("top", 150, 40))
    found = drawing(boxes, [Arrow(str(number), "top") for number in range(4)])
    ends = [line[-1][0] for line in found.lines]
    assert ends == sorted(ends)
    assert min(b - a for a, b in itertools.pairwise(ends)) > 10.9


def test_boxes_that_face_each_other_have_a_straight_arrow():
    (line,) = drawing([box("a", 20, 200), box("b", 60, 40)], [Arrow("a", "b")]).lines
    assert line[0][0] == line[1][0] and 60 < line[0][0] < 100


def test_the_svg_is_a_card_with_title_and_description(picture):
    root = ElementTree.fromstring(picture.svg)
    width, height = picture.size
    assert root.get("viewBox") == f"0 0 {width} {height}"
    assert root.get("width") == str(width) and "max-width:100%" in root.get("style")
    title, description, card = list(root)[:3]
    assert title.text == "A < B & C" and description.text.startswith("Two boxes. Arrows: ")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert card.tag == f"{SVG}rect" and card.get("fill") == "#FFFFFF"
    assert float(card.get("width")) == width - 1 and float(card.get("height")) == height - 1
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert {"a <b> & c", "6 × 8", "vectors"} <= set(texts)
    assert min(float(node.get("font-size")) for node in root.iter(f"{SVG}text")) >= SMALL == 11
    # The text keeps its measured width in any font.
    node = next(node for node in root.iter(f"{SVG}text") if node.text == "6 × 8")
    assert float(node.get("textLength")) == pytest.approx(width_of("6 × 8", 11))


def test_svg_and_png_show_the_same_page(picture):
    image = Image.open(io.BytesIO(picture.png)).convert("RGB")
    assert image.size == tuple(2 * length for length in picture.size)
    assert image.getpixel((8, 8)) == (255, 255, 255)
    root = ElementTree.fromstring(picture.svg)
    path = next(node for node in root.iter(f"{SVG}path") if node.get("fill") == "#D3E5F6")
    left, top = map(float, re.match(r"M([\d.]+) ([\d.]+)", path.get("d")).groups())
    inside = image.getpixel((round(2 * left) + 20, round(2 * top) + 6))
    expected = ImageColor.getrgb("#D3E5F6")
    assert max(abs(a - b) for a, b in zip(inside, expected, strict=True)) < 8


def test_a_notebook_gets_both_and_the_description(picture):
    data, metadata = picture._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert base64.b64decode(data["image/png"]) == picture.png
    assert data["text/plain"] == repr(picture) == picture.alternative
    assert picture.alternative == (
        "A < B & C. Two boxes. Arrows: vectors e_1 … e_T → a <b> & c (6 × 8)."
    )
    width, height = picture.size
    described = {"width": width, "height": height, "alt": picture.alternative}
    assert metadata == {"image/png": described}
    # JupyterLab shows this form; it gives an SVG of its own no alternative text.
    element = ElementTree.fromstring(data["text/html"].replace(">", "/>"))
    kind, content = element.get("src").split(",")
    assert kind == "data:image/svg+xml;base64" and base64.b64decode(content).decode() == picture.svg
    assert (element.tag, element.get("width")) == ("img", str(width))
    assert element.get("alt") == picture.alternative


def test_the_same_picture_has_the_same_bytes(picture):
    again = drawn(plan(), labels={("a", "b"): "6 × 8"}).picture()
    assert again.svg == picture.svg and again.png == picture.png
    other = drawn(plan(), labels={("a", "b"): "6 × 9"}).picture()
    assert other.svg != picture.svg and other.png != picture.png
    with matplotlib.rc_context({"figure.constrained_layout.use": True}):  # the book's look
        warnings.simplefilter("error")
        assert drawn(plan(), labels={("a", "b"): "6 × 8"}).picture().png == picture.png
    # Two pictures on one page share no id.
    ids = [set(re.findall(r' id="([^"]+)"', one.svg)) for one in (picture, other)]
    assert not ids[0] & ids[1]


def test_kinds_differ_without_their_colours_and_their_labels_are_readable():
    signs = {(look.corners, look.width, look.dash, look.cells) for look in LOOKS.values()}
    dark = {kind for kind, look in LOOKS.items() if _lightness(look.fill) < 0.5}
    assert len(signs) == len(LOOKS) and dark == {"output"}
    for kind, look in LOOKS.items():
        high, low = sorted((_lightness(look.fill), _lightness(TEXT_ON.get(kind, TEXT))))[::-1]
        assert (high + 0.05) / (low + 0.05) > 7, kind  # WCAG 2, level AAA


def _lightness(color):
    """Relative luminance, as WCAG defines it."""
    shares = [value / 255 for value in ImageColor.getrgb(color)]
    linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(w * s for w, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_formulas_are_outlines_between_plain_pieces():
    assert pieces("update gate times $a_t$") == [("update gate times ", False), ("$a_t$", True)]
    assert pieces("costs 5 $") == [("costs 5 $", False)]
    assert width_of("gate $a_t$", 12) == pytest.approx(
        width_of("gate ", 12) + outline("$a_t$", 12).width, abs=0.02
    )
    letters = {letter for letter, _ in outline("$a_t$", 12).commands}
    assert letters <= {"M", "L", "Q", "C", "Z"} and "M" in letters


@pytest.mark.parametrize(
    ("shape", "text"), [((6, 8), "6 × 8"), ((1,), "1"), ((), ""), (None, ""), ((None, 8), "? × 8")]
)
def test_shapes_are_written_for_one_row(shape, text):
    assert shape_text(shape) == text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda p: p.box("a", "", "-", "input", 1, 1), "expected one box 'a', got two"),
        (lambda p: p.box("z", "", "-", "inputs", 1, 1), "expected a kind of"),
        (lambda p: p.arrows("a > z"), "arrow a > z: expected a box 'z'"),
        (lambda p: p.arrows("a > b"), "arrow a > b: expected once, got twice"),
    ],
)
def test_a_plan_refuses_what_cannot_be_meant(wrong, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        wrong(plan())
