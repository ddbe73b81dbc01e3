"""Every run of a record as a row and as a dot, and the fold that says how it was measured."""

import numpy as np
import pytest
import record_made

from recsys_book import dots, how_measured, runs, user_sums
from recsys_book.records.record_folds import setting_in_words

COLUMNS = "model,point,world,initialisation,task,slice,auc,auc_gap_closed,gauc,log_loss"
TABLE = [
    *("DIN,1,100,0,click,all,0.82,0.96,,0.5", "DIN,1,101,0,click,all,0.83,0.98,,0.5"),
    *("mean,1,100,0,click,all,0.80,0.90,,0.6", "mean,1,101,0,click,all,0.81,0.94,,0.6"),
    "mean,1,101,0,click,rare,0.71,0.5,,0.6",
]
LIKES = ["DIN,1,100,0,like,all,0.62,0.40,,0.3", "DIN,1,100,1,like,all,0.62,0.30,,0.3"]


@pytest.fixture
def results(tmp_path):
    folder = record_made.put(tmp_path, record_made.made())
    (folder / "small.told.csv").write_text("\n".join([COLUMNS, *TABLE]))
    return folder


def test_a_row_is_a_run_and_points_are_percent_of_the_gap(results):
    table = runs("small.told", results)
    assert table[["model", "point", "world"]].to_numpy().tolist()[0] == ["DIN", "1", 100]
    assert table["points"].round(6).tolist() == [96.0, 98.0, 90.0, 94.0, 50.0]
    assert "gauc" not in table, "nothing was measured of it"


def test_each_run_is_a_dot_and_the_band_lies_around_the_first_model(results):
    figure = dots(
        "small.told", ("DIN", "mean"), "DIN leads", points=(1,), margin=2, results=results
    )
    (panel,) = figure.axes
    drawn = [line.get_xdata() for line in panel.lines]
    assert [len(x) for x in drawn] == [2, 1, 2, 1]
    assert drawn[1] == pytest.approx([97]) and drawn[3] == pytest.approx([92])
    (band,) = panel.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((95, 4))
    assert figure.get_suptitle() == "DIN leads"
    assert [label.get_text() for label in panel.get_yticklabels()] == ["DIN", "mean"]
    # One of the models is called the mean.
    legend = "points of the AUC gap: a dot is a world, the black line the average"
    band_of_din = ",\nthe grey band the margin around the average of DIN"
    assert figure.get_supxlabel() == legend + band_of_din
    plain = dots("small.told", ("DIN", "mean"), "DIN leads", points=(1,), results=results)
    assert plain.get_supxlabel() == legend


def test_several_tasks_have_a_panel_each_and_one_is_named(results):
    with (results / "small.told.csv").open("a") as file:
        file.write("\n" + "\n".join(LIKES))
    given = {"models": ("DIN",), "title": "Both", "points": (1,), "results": results}
    figure = dots("small.told", **given, task=("click", "like"))
    assert [panel.get_title() for panel in figure.axes] == ["click", "like"]
    shown = [panel.lines[0].get_xdata().round(6).tolist() for panel in figure.axes]
    assert shown == [[96, 98], [40]], "a second initialisation of a world is no further world"
    with pytest.raises(ValueError, match=r"dots, task: expected one of \['click', 'like'\]"):
        dots("small.told", **given)
    with pytest.raises(ValueError, match=r"expected one of .*'click'"):
        dots("small.told", **given, task="watch")


def test_measures_have_panels_with_axes_of_their_own(results):
    figure = dots(
        "small.told", ("DIN",), "Both", measure=("auc", "points"), points=(1,), results=results
    )
    assert [panel.get_title() for panel in figure.axes] == ["AUC", "points of the AUC gap"]
    assert figure.axes[0].get_xlim()[1] < 1 < figure.axes[1].get_xlim()[0]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"models": ("GRU",)}, r"dots: expected one of .*, got \['GRU', '1', 'all', 'click'\]"),
        ({"points": (2,)}, r"dots: expected one of .*, got \['DIN', '2', 'all', 'click'\]"),
        ({"part": "rare"}, r"dots: expected one of .*, got \['DIN', '1', 'rare', 'click'\]"),
        ({"measure": "gauc"}, r"measure: expected one of \['points', 'auc', 'log_loss'\]"),
    ],
)
def test_what_was_not_measured_is_named(results, wanted, message):
    given = {"models": ("DIN",), "points": (1,), "title": "None", "results": results} | wanted
    with pytest.raises(ValueError, match=message):
        dots("small.told", **given)


def test_the_sums_of_users_are_those_of_the_recorded_scores():
    name = "scoreboards.movielens"
    rows, clicks, models, sums = user_sums(name).values()
    pairs = clicks * (rows - clicks)
    table = runs(name).groupby("model").mean(numeric_only=True)
    for model, (wins, loss, above, below) in zip(models, sums, strict=True):
        own = wins[pairs > 0] / pairs[pairs > 0]
        scores = {
            "gauc": np.average(own, weights=rows[pairs > 0]),
            "log_loss": loss.sum() / rows.sum(),
            "auc": above.sum() / clicks.sum() / (rows - clicks).sum(),
        }
        for measure, value in scores.items():
            assert value == pytest.approx(table.at[model, measure], abs=2e-6), (model, measure)
        assert below.sum() == pytest.approx(above.sum(), rel=1e-6), "each pair has two ends"


def test_worlds_have_no_sums_of_users(results):
    with pytest.raises(ValueError, match="expected an experiment on a log, got"):
        user_sums("small.told", results)


def test_the_fold_is_closed_and_holds_table_and_findings(results):
    shown = how_measured("small.told", results=results)
    text = shown._repr_html_()
    assert text.startswith("<details><summary>") and text.endswith("</details>")
    assert "61.28" in text.replace("61.3", "61.28") and "margin" in text
    assert record_made.LEADS["sentence"] in text
    assert repr(shown) == "How this was measured: small.told"
    with pytest.raises(ValueError, match="part: expected one of"):
        how_measured("small.told", part="none", results=results)


def test_choices_at_an_edge_are_named_from_the_third_protocol_on():
    arms = {
        "FM": {"choice": {"": {"edges": ["learning_rate"]}}},
        "DNN, pairs": {"choice": {"10": {"edges": []}, "20": {"edges": ["width"]}}},
        "trees": {"choice": {"": {"edges": []}}},
        "ablation": {},
    }
    record = {"declaration": {"data": "movielens", "protocol": 3}, "arms": arms}
    assert setting_in_words(record).endswith("more might help: FM; DNN, pairs.")
    record["declaration"]["protocol"] = 2
    assert setting_in_words(record).endswith("five initialisations.")
    record |= {
        "declaration": {"protocol": 3},
        "worlds": [100, 120],
        "arms": {"trees": arms["trees"]},
    }
    assert setting_in_words(record).endswith("20 fresh ones.")
