"""Figures of one kind get the same axes, whatever their axes are."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recsys_book.plotting.common_axes import CommonAxes


def made(draw, **layout):
    figure = plt.figure(figsize=(5, 3), **(layout or {"layout": "constrained"}))
    plt.close(figure)
    draw(figure)
    return figure


def frames(draw, values, **layout):
    return [made(lambda figure, value=value: draw(figure, value), **layout) for value in values]


def places(figure):
    figure.draw_without_rendering()
    return [np.round(axes.get_position().bounds, 6).tolist() for axes in figure.axes]


def alike(figures):
    return all(places(figure) == places(figures[0]) for figure in figures) and all(
        np.allclose(ours.axis(), theirs.axis())
        for figure in figures
        for ours, theirs in zip(figure.axes, figures[0].axes, strict=True)
    )


def lines(figure, value):
    figure.subplots().plot([1, 2], [0, value])


def logarithmic(figure, value):
    figure.subplots().loglog([1, value + 1], [1, value**3 + 1])


def bars(figure, value):
    axes = figure.subplots()
    axes.barh(["a long name", "b"], [value, 1])
    axes.set_xlabel("count")


def twins(figure, value):
    axes = figure.subplots()
    axes.plot([0, 1], [0, value])
    axes.twinx().plot([0, 1], [value**2, 0])


def panels(figure, value):
    left, right = figure.subplots(1, 2, sharey=True)
    left.plot([0, value])
    right.plot([3, -value])
    figure.legend(["a", "b"], loc="outside lower center")
    figure.suptitle("Two")


def polar(figure, value):
    figure.subplots(subplot_kw={"projection": "polar"}).plot([0, 1, 2], [1, value, 2])


def image(figure, value):
    axes = figure.subplots()
    shown = axes.imshow(np.full((3, 3), value) + np.arange(3), aspect="auto")
    figure.colorbar(shown, ax=axes)


def labels(figure, value):
    """The limits are the same; what the layout makes room for is not."""
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1])
    axes.set(ylabel="in\ntwo lines" if value > 10 else "in one", title=f"for {value}")


def inverted(figure, value):
    axes = figure.subplots()
    axes.plot([0, value])
    axes.invert_yaxis()


@pytest.mark.parametrize(
    "draw",
    [lines, logarithmic, bars, twins, panels, polar, image, labels, inverted],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("layout", ["constrained", "tight", "none"])
def test_the_axes_of_every_kind_of_figure_stand_still(draw, layout):
    figures = frames(draw, [2, 5, 40], layout=layout)
    CommonAxes().add(*figures)
    if draw is image:
        # The numbers beside a colour bar belong to its colours.
        assert all(places(figure) == places(figures[0]) for figure in figures)
        assert [figure.axes[1].get_ylim()[0] for figure in figures] == [2, 5, 40]
    else:
        assert alike(figures)


def test_the_limits_hold_what_every_figure_shows_and_no_more():
    figures = frames(lines, [2, 40])
    single = [figure.axes[0].get_ylim() for figure in frames(lines, [2, 40])]
    CommonAxes().add(*figures)
    expected = (min(low for low, _ in single), max(high for _, high in single))
    assert figures[0].axes[0].get_ylim() == expected


def test_an_inverted_axis_stays_inverted():
    figures = frames(inverted, [2, 40])
    CommonAxes().add(*figures)
    low, high = figures[0].axes[0].get_ylim()
    assert low > 40 and high < 0


def test_limits_that_the_author_set_stay():
    def own(figure, value):
        axes = figure.subplots()
        axes.plot([0, value])
        axes.set_ylim(0, value)

    figures = frames(own, [2, 40])
    CommonAxes().add(*figures)
    assert [figure.axes[0].get_ylim() for figure in figures] == [(0, 2), (0, 40)]


def test_given_limits_are_the_least_and_added_figures_make_all_grow():
    axes = CommonAxes([(0, 3, -1, 10)])
    first, second, third = frames(lines, [2, 5, 40])
    assert axes.add(first) is False
    before = axes.limits()
    assert before == [(0, 3, -1, 10)]
    assert axes.add(second) is False and axes.limits() == before
    assert axes.add(third) is True
    assert axes.limits()[0][3] > 40
    assert alike([first, second, third])


def test_a_figure_with_other_axes_keeps_its_own():
    one, two = made(lambda figure: lines(figure, 2)), made(lambda figure: panels(figure, 40))
    CommonAxes().add(one, two)
    assert one.axes[0].get_ylim()[1] < 3
    assert two.axes[0].get_ylim()[1] > 40
    straight = made(lambda figure: lines(figure, 2))
    log = made(lambda figure: logarithmic(figure, 30))
    CommonAxes().add(straight, log)
    assert straight.axes[0].get_ylim()[1] < 3 and log.axes[0].get_yscale() == "log"


def test_the_number_of_given_limits_is_checked():
    with pytest.raises(ValueError, match="limits: expected 2, one for each axes of the figure"):
        CommonAxes([(0, 1, 0, 1)]).add(made(lambda figure: panels(figure, 1)))
