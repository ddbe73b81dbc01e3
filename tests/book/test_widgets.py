"""The slider: its callback at several values, without a browser."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest

from recsys_lib.book import widgets


def draw(value):
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, value])
    return figure, f"The line ends at {value} < 100."


def test_each_value_has_its_own_picture_and_sentence():
    explorer = widgets.explore(draw, "slope", [1, 2, 3], start=2)
    assert explorer.sentence.value == "<p>The line ends at 2 &lt; 100.</p>"
    first = bytes(explorer.image.value)
    assert first.startswith(b"\x89PNG") and first != widgets.PLACEHOLDER_PNG
    explorer.slider.value = 3
    assert "ends at 3" in explorer.sentence.value
    assert explorer.image.value != first
    explorer.slider.value = 2
    assert explorer.image.value == first


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


def test_a_failing_picture_says_why_and_is_tried_again():
    broken = [True]

    def fails_first(value):
        if value == 2 and broken:
            plt.figure()
            raise ValueError("no rows <left>")
        return draw(value)

    before = plt.get_fignums()
    explorer = widgets.explore(fails_first, "rows", [1, 2])
    explorer.slider.value = 2
    expected = "<p>This picture failed: ValueError: no rows &lt;left&gt;</p>"
    assert explorer.sentence.value == expected
    assert explorer.image.value == widgets.PLACEHOLDER_PNG
    assert plt.get_fignums() == before
    broken.clear()
    explorer.slider.value = 1
    explorer.slider.value = 2
    assert "ends at 2" in explorer.sentence.value


def test_a_wrong_result_is_named():
    with pytest.raises(TypeError, match=r"draw\(1\): expected \(Figure, str\), got \(int, str\)"):
        widgets.render(lambda value: (value, "text"), 1)


def test_the_caption_and_the_order_of_the_values():
    slider = widgets.explore(draw, "share", [0.5, 0.1], label="share (%)").slider
    assert slider.description == "share (%)"
    assert [value for _, value in slider.options] == [0.5, 0.1]
    assert slider.value == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1],), "values: expected at least two, got 1"),
        (([1, 1],), "values: expected all different"),
        (([1, 2], 3), "start: expected one of"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        widgets.explore(draw, "value", *arguments)
