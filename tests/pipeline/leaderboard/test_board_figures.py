"""The figure of quality against cost, and the pages around it."""

import base64
import itertools
import re
import xml.etree.ElementTree as ElementTree

import pandas as pd

from recsys_lib import zoo
from recsys_pipeline.leaderboard.board import Board
from recsys_pipeline.leaderboard.report import (
    as_html,
    as_markdown,
    as_text,
    draw,
    front,
    shown,
    style_of,
    write_report,
)
from recsys_pipeline.train.models import every_model

COSTS = {"LR": 1e3, "FM <2>": 1e4, "DNN": 1e5, "DCN & co": 1e6}
SCORES = {"LR": 0.70, "FM <2>": 0.74, "DNN": 0.73, "DCN & co": 0.75}
TEXT = "{http://www.w3.org/2000/svg}text"


def test_a_dearer_model_that_scores_less_is_not_on_the_front():
    assert front(pd.Series(COSTS), pd.Series(SCORES)) == ["LR", "FM <2>", "DCN & co"]
    assert front(pd.Series({"a": 1, "b": 1}), pd.Series({"a": 0.7, "b": 0.8})) == ["b"]


def test_the_figure_names_every_model_and_the_front():
    root = ElementTree.fromstring(draw(board_of(COSTS, SCORES), "parameters"))
    texts = [one.text for one in root.iter(TEXT)]
    assert {*COSTS, "AUC", "parameters"} <= set(texts)
    assert "No model beats these at no higher cost: LR, FM <2>, DCN & co" in texts


def test_names_do_not_lie_on_each_other():
    names = [f"model {place}" for place in range(19)]
    scores = {name: 0.7 + place * 1e-5 for place, name in enumerate(names)}
    root = ElementTree.fromstring(draw(board_of(dict.fromkeys(names, 10.0), scores), "parameters"))
    heights = [float(one.get("y")) for one in root.iter(TEXT) if one.text in names]
    assert len(heights) == 19
    assert min(abs(b - a) for a, b in itertools.pairwise(sorted(heights))) > 9


def test_colours_are_the_books():
    rows = every_model()
    assert style_of(rows["FM"]) == zoo.style(zoo.find("fm"))
    assert style_of(rows["Wide & Deep, first order"]) == style_of(rows["Wide & Deep"])


def board_of(costs, scores):
    summary = pd.DataFrame({"model": list(costs), "parameters": list(costs.values())})
    summary["milliseconds"] = 1.0
    summary["auc"] = list(scores.values())
    summary = summary.assign(auc_low=summary["auc"] - 0.01, auc_high=summary["auc"] + 0.01)
    return small_board(summary=summary, lines={name: {"model": "fm"} for name in costs})


def small_board(**changes):
    summary = pd.DataFrame(
        [
            {"model": "FM", "auc": 0.8, "auc_sd": 0.001, "verdict_auc": "best", "published": 0.79},
            {"model": "LR", "auc": 0.7, "auc_sd": 0.002, "verdict_auc": "behind"},
        ]
    ).assign(
        auc_low=[0.79, 0.69],
        auc_high=[0.81, 0.71],
        auc_to_best=[None, -0.1],
        auc_to_best_low=[None, -0.12],
        auc_to_best_high=[None, -0.08],
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
        **dict(table=pd.DataFrame({"model": ["FM"]}), summary=summary, verdicts={"auc": {}}),
        **dict(lines={"FM": {"model": "fm"}, "LR": {"model": "lr"}}, left_out={"DIN": "needs a"}),
        **dict(chosen={}, rank_by="auc", margin=1e-3, unit="users", num_units=1234, rule="best"),
    }
    return Board(**{**said, **changes})


MADE = {"recipe": {"title": "A title <b>"}, "data": {"name": "rows"}, "seeds": [0, 1]}


def test_pages_hold_every_row_and_how_it_was_made():
    board = small_board()
    page = as_markdown(board, MADE, {"a.svg": "what it shows"})
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    head = "| model | AUC | AUC to the best | by AUC | log loss | published (best)"
    assert rows[0].startswith(head)
    first = "| FM | 0.80000 +- 0.00100 |  | best | 0.50000 +- 0.01000 | 0.79000 | +0.01000 |"
    assert rows[2].startswith(first)
    assert "-0.10000 [-0.12000, -0.08000] | behind |" in rows[3]
    assert "![what it shows](a.svg)" in page and '"seeds": [' in page
    assert "1,234 users of the test split are drawn with replacement, each with all rows" in page
    assert "- Left out: DIN: needs a." in page
    html = as_html(board, MADE, {"AUC & cost": draw(board, "parameters")})
    (drawing,) = re.findall(r'alt="AUC &amp; cost" src="data:image/svg\+xml;base64,([^"]+)"', html)
    ElementTree.fromstring(base64.b64decode(drawing))
    assert html.count("<tr") == 3 and "A title &lt;b&gt;" in html and "<b>" not in html
    assert not re.search(r"https?://", html)  # no request to any host
    assert "nan" not in page.lower() and "none" not in as_text(board).lower()


def test_one_initialisation_has_no_spread():
    summary = small_board().summary.assign(auc_sd=float("nan"), log_loss_sd=float("nan"))
    assert "+-" not in as_text(small_board(summary=summary))
    assert list(shown(small_board()).columns)[:2] == ["model", "AUC"]


def test_files_are_written_whole(tmp_path):
    paths = write_report(small_board(), MADE, tmp_path / "new" / "folder")
    assert all(path.is_file() for path in paths)
    drawn = [path for path in paths if path.suffix == ".svg"]
    assert len(drawn) == 2 and all(ElementTree.parse(path) for path in drawn)
