"""Figures: titles, labels, a colour and a marker for each series, clear errors."""

import io
import itertools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from recsys_book import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def table():
    """What `compare` returns, for two models, two seeds and two slices."""
    rows = []
    for part in ("all", "unseen"):
        for model, value in (("base rate", 0.5), ("oracle", 0.8)):
            rows.append({"model": model, "seed": None, "slice": part, "auc": value})
        for model, value in (("wide", 0.6), ("deep", 0.7)):
            for seed in (0, 1):
                rows.append(
                    {"model": model, "seed": seed, "slice": part, "auc": value + seed / 100}
                )
    frame = pd.DataFrame(rows).assign(task="click")
    frame["seed"] = frame["seed"].astype("Int64")
    return frame


def offsets(panel):
    return [tuple(np.round(line.get_xdata(), 3)) for line in panel.lines]


def test_compare_models_draws_each_seed_the_mean_and_the_references(table):
    figure = plots.compare_models(table, title="Wide or deep")
    assert figure.get_suptitle() == "Wide or deep"
    assert [panel.get_title() for panel in figure.axes] == ["all", "unseen"]
    panel = figure.axes[0]
    assert panel.get_xlabel() == "AUC"
    assert panel.get_ylabel() == "model"
    assert [text.get_text() for text in panel.get_yticklabels()] == ["wide", "deep"]
    drawn = offsets(panel)
    assert (0.6, 0.61) in drawn and (0.7, 0.71) in drawn
    assert (0.605,) in drawn and (0.705,) in drawn
    assert (0.5, 0.5) in drawn and (0.8, 0.8) in drawn
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"base rate", "oracle"}


def test_compare_models_gives_each_model_its_own_marker_and_colour(table):
    panel = plots.compare_models(table, slices=["all"], references=[]).axes[0]
    points = [line for line in panel.lines if len(line.get_xdata()) == 2]
    assert len({line.get_marker() for line in points}) == 2
    assert len({line.get_color() for line in points}) == 2
    assert panel.get_title() == ""


@pytest.mark.parametrize("span", [0.00036, 0.0017, 0.01968])
def test_compare_models_keeps_the_numbers_of_near_ties_apart(span):
    scores = 0.7651 + span * np.array([0.0, 0.3, 1.0])
    names = ["Wide & Deep, right pairs", "FM", "FiBiNET"]
    near = pd.DataFrame(
        {"model": names, "seed": [0, 0, 0], "task": "like", "slice": "all", "auc": scores}
    )
    figure = plots.compare_models(near, "auc", "Near ties", references=[])
    figure.canvas.draw()
    low, high = sorted(figure.axes[0].get_xlim())
    shown = [x for x in figure.axes[0].get_xticklabels() if low <= x.get_position()[0] <= high]
    assert len(shown) >= 2
    boxes = [label.get_window_extent() for label in shown]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_compare_models_leaves_out_a_reference_without_a_value(table):
    table.loc[table["model"] == "oracle", "auc"] = np.nan
    figure = plots.compare_models(table)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["base rate"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "recall"}, "metric: expected one of"),
        ({"slices": ["seen"]}, "slices: expected some of \\['all', 'unseen'\\], got 'seen'"),
        ({"references": ["wide"]}, "references: expected some of"),
        ({"task": "like"}, "task: expected one of \\['click'\\], got 'like'"),
    ],
)
def test_compare_models_names_what_it_does_not_know(table, arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.compare_models(table, **arguments)


def test_compare_models_needs_a_task_where_there_are_two(table):
    both = pd.concat([table, table.assign(task="like", auc=table["auc"] / 2)])
    with pytest.raises(ValueError, match="task: expected one of"):
        plots.compare_models(both)
    assert (0.3, 0.305) in offsets(plots.compare_models(both, task="like").axes[0])


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


def with_speed(table):
    return table.assign(examples_per_second=np.where(table["model"] == "wide", 2e5, 5e4))


def test_quality_against_cost_puts_each_model_at_its_mean_and_time(table):
    figure = plots.quality_against_cost(with_speed(table), "auc", "Worth it?", part="unseen")
    panel = figure.axes[0]
    assert panel.get_title() == "Worth it?" and panel.get_ylabel() == "AUC"
    assert "microseconds" in panel.get_xlabel() and panel.get_xscale() == "log"
    places = {text.get_text(): text.xy for text in panel.texts}
    np.testing.assert_allclose(places["1"], (5.0, 0.605))
    np.testing.assert_allclose(places["2"], (20.0, 0.705))
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["1  wide", "2  deep"]
    bars = [container[2][0].get_segments()[0] for container in panel.containers]
    np.testing.assert_allclose(bars[1][:, 1], (0.70, 0.71))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"metric": "ndcg"}, "metric: expected one of"), ({"part": "none"}, "part: expected one of")],
)
def test_quality_against_cost_names_what_is_unknown(table, arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.quality_against_cost(with_speed(table), **arguments)


def test_the_colours_of_a_heat_map_may_reach_further_than_its_numbers():
    def ends(**options):
        figure = plots.heat_map([[0, 1]], ["a"], ["b", "c"], "Map", "x", **options)
        return figure.axes[0].images[0].get_clim()

    assert ends() == (0, 1)
    assert ends(limits=(-1, 3)) == (-1, 3)
    assert ends(limits=(None, 3)) == (0, 3)
