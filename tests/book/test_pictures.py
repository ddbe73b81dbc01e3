"""Pictures of figures: size, colours, description, and what a notebook is given."""

import base64
import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib_inline.backend_inline import configure_inline_support
from PIL import Image

from recsys_book import plots
from recsys_book.plotting import figures


def made():
    figure = plt.figure(figsize=(4, 3), dpi=100, layout="constrained")
    plt.close(figure)
    left, right = figure.subplots(1, 2)
    noise = np.random.default_rng(0).normal(size=(60, 60))
    left.imshow(noise, cmap="cividis", aspect="auto")
    left.axhline(20, color="#D55E00", linewidth=0.8)
    left.plot([5], [5], "o", color="#CC79A7", markersize=4)
    left.set(title="Map & <line>", xlabel="column")
    right.plot([0, 1], [0, 1], color="#0072B2")
    right.set(title="Line", xlabel="x", ylabel="y")
    return figure


@pytest.fixture
def figure():
    return made()


def opened(png):
    return Image.open(io.BytesIO(png))


def test_a_picture_has_two_pixels_for_one_and_a_palette(figure):
    png = figures.picture(figure, tight=False)
    assert opened(png).size == (800, 600) and opened(png).mode == "P"
    assert figures.picture(figure, tight=False, density=1).startswith(b"\x89PNG")
    assert opened(figures.picture(figure, tight=False, density=1)).size == (400, 300)
    full = io.BytesIO()
    figure.savefig(full, dpi=200)
    assert len(png) < 0.6 * len(full.getvalue())


def test_the_same_figure_gives_the_same_bytes():
    assert figures.picture(made()) == figures.picture(made())


@pytest.mark.parametrize("color", [(0xD5, 0x5E, 0x00), (0xCC, 0x79, 0xA7), (255, 255, 255)])
def test_what_has_few_pixels_keeps_its_colour_and_white_stays_white(color):
    full = io.BytesIO()
    made().savefig(full, dpi=200)
    full = np.asarray(Image.open(full).convert("RGB"), int)
    shown = np.asarray(opened(figures.picture(made(), tight=False)).convert("RGB"), int)
    there = np.abs(full - color).max(axis=-1) <= 1
    assert there.sum() > 50
    assert np.abs(shown[there] - color).max() <= (0 if color == (255, 255, 255) else 8)


def test_what_lies_outside_is_shown_where_margins_are_cut_off(figure):
    figure.set_layout_engine("none")
    figure.axes[1].text(3, 0.5, "far outside")
    assert opened(figures.picture(figure)).width > 900
    assert opened(figures.picture(figure, tight=False)).width == 800


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        ({}, "Map & <line>; Line. Axes: column; x; y."),
        ({"suptitle": "Both\npanels"}, "Both panels; Map & <line>; Line. Axes: column; x; y."),
    ],
)
def test_the_title_says_what_a_figure_shows(figure, titles, expected):
    if titles:
        figure.suptitle(titles["suptitle"])
    assert figures.title_of(figure) == expected


def test_a_figure_without_titles_says_so():
    bare = plt.figure()
    plt.close(bare)
    bare.subplots().plot([1, 2])
    assert figures.title_of(bare) == "A figure without a title."


def test_an_element_escapes_its_description_and_has_the_size_on_the_page(figure):
    element = figures.image_element(figures.picture(figure, tight=False), 'less < "more" & more')
    assert element.startswith('<img alt="less &lt; &quot;more&quot; &amp; more" width="400" src="')


def test_a_notebook_is_given_a_described_element_and_a_plain_picture(figure):
    shell = InteractiveShell.instance()
    try:
        plots.use_style()
        # As the notebook's backend does with the first figure.
        configure_inline_support(shell, "inline")
        data, metadata = shell.display_formatter.format(figure)
    finally:
        InteractiveShell.clear_instance()
        plt.rcdefaults()
    title = "Map &amp; &lt;line&gt;; Line. Axes: column; x; y."
    assert data["text/html"].startswith(f'<img alt="{title}" width="')
    plain = opened(base64.b64decode(data["image/png"]))
    shown = base64.b64decode(data["text/html"].split("base64,")[1].split('"')[0])
    assert abs(opened(shown).width - 2 * plain.width) <= 1
    assert len(plain.getcolors()) <= figures.COLORS_OF_PLAIN
    assert metadata["image/png"]["alt"] == "Map & <line>; Line. Axes: column; x; y."
    assert data["text/plain"].startswith("<Figure size 400x300")


def test_an_empty_figure_is_no_picture():
    empty = plt.figure()
    plt.close(empty)
    shell = InteractiveShell.instance()
    try:
        figures.show_with_descriptions()
        data, _ = shell.display_formatter.format(empty)
    finally:
        InteractiveShell.clear_instance()
    assert "text/html" not in data and "image/png" not in data
