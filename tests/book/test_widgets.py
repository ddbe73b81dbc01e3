"""The slider: its callback at several values, without a browser."""

import base64
import html
import io
import re

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from recsys_book.plotting import frames, widgets


def draw(value):
    figure, axes = plt.subplots(figsize=(2, 1), dpi=100)
    axes.plot([0, value])
    return figure, f"The line ends at {value} < 100."


def picture(explorer):
    """The pixels of what an explorer shows, as grey values."""
    source = re.search(r'src="data:image/png;base64,([^"]+)"', explorer.shown.value)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source))).convert("L"))


def sentence(explorer):
    return html.unescape(re.match("<p>(.*?)</p>", explorer.shown.value)[1])


def test_each_value_has_its_own_picture_and_sentence():
    explorer = widgets.explore(draw, "slope", [1, 2, 3], start=2)
    assert explorer.shown.value.startswith("<p>The line ends at 2 &lt; 100.</p><img ")
    first = explorer.shown.value
    explorer.slider.value = 3
    assert sentence(explorer) == "The line ends at 3 < 100."
    assert explorer.shown.value != first
    explorer.slider.value = 2
    assert explorer.shown.value == first


def test_a_picture_has_its_size_in_inches_twice_the_pixels_and_a_description():
    explorer = widgets.explore(draw, "slope", [1, 2])
    assert picture(explorer).shape == (200, 400)
    image = re.search("<img .*>", explorer.shown.value)[0]
    assert 'width="200"' in image and 'class="explore-slope"' in image
    assert 'style="max-width: 100%; height: auto"' in image
    assert 'alt="The line ends at 1 &lt; 100."' in image


def test_what_is_shown_names_the_handle_and_its_value():
    explorer = widgets.explore(lambda _: draw(1), "slope", ['a "b"', "c"], label="Slope (%)")
    script = html.unescape(re.search(r'onload="([^"]+)"', explorer.shown.value)[1])
    assert script.endswith('(this, ["Slope (%)", "a \\"b\\""])')
    assert "setAttribute('aria-label', label)" in script and "[role=slider]" in script
    assert "setAttribute('aria-valuetext', value)" in script


def test_a_value_is_drawn_once_and_its_figure_closed():
    drawn = []

    def counted(value):
        drawn.append(value)
        return draw(value)

    before = plt.get_fignums()
    explorer = widgets.explore(counted, "slope", [1, 2])
    explorer.slider.value = 2
    explorer.slider.value = 1
    assert drawn == [1, 2]
    assert plt.get_fignums() == before


@pytest.mark.parametrize("arguments", [{}, {"same_axes": False}, {"limits": [(0, 1, 0, 2)]}])
def test_a_failing_picture_says_why_and_is_tried_again(arguments):
    broken = [True]

    def fails_first(value):
        if value == 2 and broken:
            plt.figure()
            raise ValueError("no rows <left>")
        return draw(value)

    before = plt.get_fignums()
    explorer = widgets.explore(fails_first, "rows", [1, 2], **arguments)
    assert "ends at 1" in sentence(explorer)
    explorer.slider.value = 2
    expected = "<p>This picture failed: ValueError: no rows &lt;left&gt;</p>"
    assert explorer.shown.value == expected
    assert plt.get_fignums() == before
    broken.clear()
    explorer.slider.value = 1
    explorer.slider.value = 2
    assert "ends at 2" in sentence(explorer)


def spines(pixels):
    """The column of the left spine and the row of the lower one."""
    dark = pixels < 60
    return int(dark.sum(axis=0).argmax()), int(dark.sum(axis=1).argmax())


def draw_wide(value):
    """Without help, limits and the place of the axes both follow the value."""
    figure = plt.figure(figsize=(4, 3), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.plot([0, 10**value], color="#0072B2")
    return figure, f"Ten to the {value}."


def test_axes_stand_still_and_hold_every_value():
    explorer = widgets.explore(draw_wide, "power", [0, 2, 5])
    ((left, right, bottom, top),) = explorer.limits()
    assert left < 0 < 1 < right and bottom < 0 and top > 10**5
    found = set()
    for value in (0, 2, 5):
        explorer.slider.value = value
        found.add((spines(picture(explorer)), picture(explorer).shape))
    assert len(found) == 1
    alone = widgets.explore(draw_wide, "power", [0, 5], same_axes=False)
    first = spines(picture(alone))
    alone.slider.value = 5
    assert spines(picture(alone)) != first, "the example does not move by itself"


def test_what_takes_long_is_drawn_when_it_is_chosen_and_fits_into_the_given_limits():
    drawn = []

    def slow(value):
        drawn.append(value)
        return draw(value)

    explorer = widgets.explore(slow, "slope", [1, 2, 50], limits=[(0, 1, -0.2, 3)])
    assert drawn == [1]
    first, before = explorer.limits(), explorer.shown.value
    assert first[0][3] == 3
    explorer.slider.value = 2
    assert drawn == [1, 2] and explorer.limits() == first
    explorer.slider.value = 1
    assert explorer.shown.value == before
    # What does not fit is not cut off; the earlier pictures follow.
    explorer.slider.value = 50
    grown = explorer.limits()
    assert grown[0][3] > 50
    explorer.slider.value = 1
    assert explorer.shown.value != before and explorer.limits() == grown
    assert drawn == [1, 2, 50]


def test_no_limits_need_be_given_where_the_first_picture_shows_enough():
    drawn = []

    def slow(value):
        drawn.append(value)
        return draw(value)

    explorer = widgets.explore(slow, "slope", [1, 2, 3], start=3, limits=[])
    assert drawn == [3]
    first = explorer.limits()
    explorer.slider.value = 1
    assert drawn == [3, 1] and explorer.limits() == first


def test_a_wrong_result_is_named():
    with pytest.raises(TypeError, match=r"draw\(1\): expected \(Figure, str\), got \(int, str\)"):
        widgets.draw_one(lambda value: (value, "text"), 1)
    explorer = widgets.explore(lambda value: (value, "text"), "value", [1, 2])
    assert "draw(1): expected (Figure, str), got (int, str)" in sentence(explorer)


def test_the_caption_and_the_order_of_the_values():
    slider = widgets.explore(draw, "share", [0.5, 0.1], label="share (%)").slider
    assert slider.description == "share (%)"
    assert [value for _, value in slider.options] == [0.5, 0.1]
    assert slider.value == 0.5


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1],), {}, "values: expected at least two, got 1"),
        (([1, 1],), {}, "values: expected all different"),
        (([1, 2], 3), {}, "start: expected one of"),
        (([1, 2],), {"same_axes": False, "limits": []}, "limits: expected none where the axes"),
    ],
)
def test_bad_values_are_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        widgets.explore(draw, "value", *arguments, **options)


def test_limits_for_another_number_of_axes_are_named_where_the_picture_would_be():
    explorer = widgets.explore(draw, "value", [1, 2], limits=[(0, 1, 0, 1)] * 2)
    assert "limits: expected 1, one for each axes of the figure, got 2" in sentence(explorer)


def test_all_frames_are_left_for_a_page_without_a_kernel(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda one, **kind: shown.append(one))
    explorer = widgets.explore(draw, "slope", [1, 2, 300], start=2, label="Slope (%)", limits=[])
    explorer._ipython_display_()
    assert shown == [explorer.box]
    monkeypatch.setenv(frames.WANTED, "1")
    explorer._ipython_display_()
    content = shown[-1][frames.FRAMES]
    assert (content["label"], content["start"]) == ("Slope (%)", 1)
    assert [one["value"] for one in content["frames"]] == ["1", "2", "300"]
    assert content["frames"][2]["sentence"] == "The line ends at 300 < 100."
    # Who has no kernel sees the first picture with its sentence, and no bytes are kept twice.
    first = shown[-1]["text/html"]
    said = "The line ends at 2 &lt; 100."
    assert first.startswith(f'<p>{said}</p><img alt="{said}" width="200" src="data:image/png;')
    assert shown[-1]["text/plain"] == "The line ends at 2 < 100."
    assert ["png" in one for one in content["frames"]] == [True, False, True]
    pictures = [one["png"] for one in frames.frames_in(shown[-1])]
    assert pictures[1] and first.endswith(f'base64,{pictures[1]}">')
    images = [Image.open(io.BytesIO(base64.b64decode(one))) for one in pictures]
    assert [image.size for image in images] == [(300, 150)] * 3
    assert {one["width"] for one in content["frames"]} == {200}
    assert all(len(image.getpalette()) <= 3 * frames.COLORS for image in images)
    # The axes have room for the longest line in every frame.
    dark = [np.asarray(image.convert("L")) < 60 for image in images]
    assert len({int(one.sum(axis=0).argmax()) for one in dark}) == 1
