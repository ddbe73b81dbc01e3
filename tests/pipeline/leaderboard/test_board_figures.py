"""The figure of quality against cost, and the pages around it."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from recsys_lib import zoo
from recsys_pipeline import leaderboard
from recsys_pipeline.leaderboard.board import Board
from recsys_pipeline.leaderboard.figure import Point, color_of, draw, front, ticks
from recsys_pipeline.leaderboard.report import columns_of, drawings_of, write_report

SVG = "{http://www.w3.org/2000/svg}"
POINTS = [
    Point("LR", 1e3, 0.70, 0.69, 0.71),
    Point("FM <2>", 1e4, 0.74, 0.735, 0.745),
    Point("DNN", 1e5, 0.73, 0.72, 0.74),
    Point("DCN & co", 1e6, 0.75, 0.74, 0.76),
]


def parsed(points=POINTS):
    return ElementTree.fromstring(draw(points, "parameters"))


def test_a_dearer_model_that_scores_less_is_not_on_the_front():
    assert [point.name for point in front(POINTS)] == ["LR", "FM <2>", "DCN & co"]
    tied = [Point("a", 1, 0.7, 0.7, 0.7), Point("b", 1, 0.8, 0.8, 0.8)]
    assert [point.name for point in front(tied)] == ["b"]


def test_points_stand_where_cost_and_score_say():
    circles = list(parsed().iter(f"{SVG}circle"))
    x = [float(circle.get("cx")) for circle in circles]
    y = [float(circle.get("cy")) for circle in circles]
    assert x == sorted(x)
    steps = [b - a for a, b in itertools.pairwise(x)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.2)  # each costs ten times the one before
    assert y[3] < y[1] < y[2] < y[0]  # up is better
    per_score = (y[0] - y[1]) / 0.04
    assert (y[0] - y[3]) / 0.05 == pytest.approx(per_score, rel=0.01)


def test_whiskers_are_the_ends_of_the_intervals():
    root = parsed()
    circles, lines = list(root.iter(f"{SVG}circle")), list(root.iter(f"{SVG}line"))
    assert len(lines) == len(POINTS)
    for circle, line in zip(circles, lines, strict=True):
        assert line.get("x1") == line.get("x2") == circle.get("cx")
        ends = float(line.get("y1")), float(line.get("y2"))
        assert ends[1] < float(circle.get("cy")) < ends[0]


def test_it_is_told_to_who_does_not_see_it():
    root = parsed()
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "AUC against parameters"
    assert root.find(f"{SVG}desc").text == (
        "4 models. No model beats these at no higher cost: LR, FM <2>, DCN & co."
    )


def test_labels_do_not_lie_on_each_other():
    crowd = [Point(f"model {i}", 10.0**i, 0.7 + i * 1e-5, 0.69, 0.71) for i in range(1, 20)]
    root = parsed(crowd)
    texts = {text.text: float(text.get("y")) for text in root.iter(f"{SVG}text")}
    heights = sorted(texts[point.name] for point in crowd)
    assert min(b - a for a, b in itertools.pairwise(heights)) > 12
    assert 40 < heights[0] and heights[-1] < 420


def test_round_numbers_on_the_axis():
    assert [round(tick, 9) for tick in ticks(0.9348, 0.9861)] == [0.94, 0.95, 0.96, 0.97, 0.98]
    assert ticks(1.0, 1.0) != []


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan")])
def test_a_cost_is_above_zero(cost):
    with pytest.raises(ValueError, match="points: expected costs above 0"):
        draw([Point("a", cost, 0.5, 0.4, 0.6)], "parameters")


def test_colours_are_the_books():
    rows = leaderboard.every_model()
    assert color_of(rows["FM"]) == zoo.style(zoo.find("fm")).color
    assert color_of(rows["Wide & Deep, first order"]) == color_of(rows["Wide & Deep"])


def small_board(**changes):
    summary = pd.DataFrame(
        [
            {"model": "FM", "auc": 0.8, "auc_sd": 0.001, "verdict": "best", "published": 0.79},
            {"model": "LR", "auc": 0.7, "auc_sd": 0.002, "verdict": "behind"},
        ]
    ).assign(
        auc_low=[0.79, 0.69],
        auc_high=[0.81, 0.71],
        to_best=[None, -0.1],
        to_best_low=[None, -0.12],
        to_best_high=[None, -0.08],
        to_published=[0.01, None],
        log_loss=0.5,
        log_loss_sd=0.01,
        parameters=[100.0, 10.0],
        epochs=2.0,
        seconds=1.0,
        milliseconds=[3.0, 2.0],
        remark="",
    )
    said = {
        **dict(table=pd.DataFrame({"model": ["FM"]}), summary=summary, verdicts={}, seeds=2),
        **dict(left_out={"DIN": "needs history"}, chosen={}, margin=1e-3, unit="users"),
        **dict(num_units=1234),
    }
    return Board(**{**said, **changes})


MADE = {"recipe": {"title": "A title <b>"}, "data": {"name": "rows"}, "seeds": [0, 1]}


def test_pages_hold_every_row_and_how_it_was_made():
    board = small_board()
    page = leaderboard.as_markdown(board, MADE, {"a.svg": "what it shows"})
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert rows[2].startswith("| FM | 0.80000 | 0.00100 |  | best | 0.79000 | +0.01000 |")
    assert "-0.10000 [-0.12000, -0.08000] | behind |  |  |" in rows[3]
    assert "![what it shows](a.svg)" in page and '"seeds": [' in page
    assert "1,234 users of the test split are drawn with replacement, each with all rows" in page
    assert "- Left out: DIN: needs history." in page
    html = leaderboard.as_html(board, MADE, {"a": draw(POINTS, "parameters")})
    assert html.count("<tr>") == 3 and html.count("<svg") == 1
    assert "A title &lt;b&gt;" in html and "<b>" not in html
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", html)  # no request to any host
    assert "nan" not in page.lower() and "none" not in leaderboard.as_text(board).lower()


def test_one_initialisation_has_no_spread():
    headings = [heading for heading, _, _ in columns_of(small_board(seeds=1))]
    assert not [heading for heading in headings if heading.startswith("+-")]
    assert "the spread of initialisations is not in them" in leaderboard.as_text(
        small_board(seeds=1)
    )


def test_files_are_written_whole(tmp_path):
    board, plan = small_board(), leaderboard.make_plan(names=["fm", "LR"])
    paths = write_report(board, plan, MADE, tmp_path / "new" / "folder")
    assert all(path.is_file() for path in paths)
    for name in drawings_of(board, plan):
        ElementTree.parse(tmp_path / "new" / "folder" / f"{name}.svg")
