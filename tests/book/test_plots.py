"""Figures: titles, labels, a colour and a marker for each series, clear errors."""

import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recsys_book import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_heat_map_writes_the_numbers():
    figure = plots.heat_map(
        [[0.25, 1.0], [np.nan, 0.5]], ["a", "b"], ["x", "y"], "Weights", "weight (logit)"
    )
    axes, bar = figure.axes
    assert axes.get_title() == "Weights"
    assert bar.get_ylabel() == "weight (logit)"
    assert [text.get_text() for text in axes.texts] == ["0.25", "1.00", "0.50"]


def test_heat_map_refuses_names_that_do_not_fit():
    with pytest.raises(ValueError, match=r"expected shape \(1, 2\) as the names, got \(2, 2\)"):
        plots.heat_map(np.zeros((2, 2)), ["a"], ["x", "y"], "t", "l")


def test_reliability_draws_the_bins():
    label = np.array([0, 0, 1, 1])
    probability = np.array([0.1, 0.2, 0.7, 0.9])
    axes = plots.reliability(label, {"model": probability}, num_bins=2).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [0.15, 0.8])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0, 1])
    assert axes.get_title() == "Reliability"
    assert axes.get_xlabel() and axes.get_ylabel()
    with pytest.raises(ValueError, match="at least one series"):
        plots.reliability(label, {})


def test_curves_draw_bands_and_references():
    figure = plots.curves(
        {"wide": ([1, 2], [3.0, 5.0], 0.5), "deep": ([1, 2], [4.0, 4.0])},
        "Growth",
        "rows (thousands)",
        "log loss (nats)",
        references={"oracle": 2.5},
        x_log=True,
    )
    axes = figure.axes[0]
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (2.5, 5.5)
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "wide",
        "deep",
        "oracle",
    ]
    assert axes.lines[0].get_marker() != axes.lines[1].get_marker()


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ({}, "at least one"),
        ({"a": ([1, 2], [1])}, r"series 'a': expected x and y of one shape"),
        ({"a": ([1],)}, r"series 'a': expected \(x, y\) or"),
    ],
)
def test_curves_refuse_what_they_cannot_draw(series, message):
    with pytest.raises(ValueError, match=message):
        plots.curves(series, "t", "x", "y")


def test_a_notebook_would_show_a_figure_once():
    figure = plots.curves({"a": ([1, 2], [1, 2])}, "t", "x", "y")
    assert plt.get_fignums() == []
    figure.savefig(io.BytesIO(), format="png")


def test_only_use_style_changes_the_settings():
    with plt.rc_context():
        before = plt.rcParams["axes.spines.top"]
        plots.curves({"a": ([1, 2], [1, 2])}, "t", "x", "y")
        assert plt.rcParams["axes.spines.top"] == before
        plots.use_style()
        assert plt.rcParams["axes.spines.top"] is False
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == plots.PALETTE["blue"]


def test_the_colours_of_a_heat_map_may_reach_further_than_its_numbers():
    def ends(**options):
        figure = plots.heat_map([[0, 1]], ["a"], ["b", "c"], "Map", "x", **options)
        return figure.axes[0].images[0].get_clim()

    assert ends() == (0, 1)
    assert ends(limits=(-1, 3)) == (-1, 3)
    assert ends(limits=(None, 3)) == (0, 3)
