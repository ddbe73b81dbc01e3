"""What captions of recorded runs say is what the records hold."""

from bookmaker.lessons.lessons import read_text
from recsys_book import recorded, runs
from recsys_book.base.paths import CHAPTERS


def caption(lesson, words):
    """The one cell of a lesson that tells what to see, with these words."""
    cells = [one.source for one in read_text(CHAPTERS / lesson).cells]
    (found,) = [one for one in cells if one.startswith("*What to see") and words in one]
    return found


def test_two_heaps_of_runs_where_tastes_are_one():
    rows = runs("multi_task.tastes").query(
        "initialisation == 0 and slice == 'all' and task == 'like' and point == '1'"
    )
    points = rows.groupby("model")["points"]
    behind = points.apply(lambda own: int((own < points.mean()["like alone"]).sum()))
    said = caption("05_multi_task/02_mmoe.md", "second heap")
    assert points.size()["CGC"] == points.size()["MMoE"] == 20
    assert behind["CGC"] == 6 and behind["MMoE"] == 3, behind
    assert behind["OMoE"] == behind["Shared-Bottom, as large"] == 1
    assert "six of CGC's twenty runs, three of MMoE's, and one each of the two others" in said


def test_who_is_behind_on_the_tabs_of_kuairand():
    others = ("feature", "Shared-Bottom", "trees")
    gauc, auc = (
        {name: recorded("multi_scenario.kuairand", model=name, measure=measure) for name in names}
        for measure, names in (("gauc", ("global", "separate", *others)), ("auc", ("global",)))
    )
    assert max(gauc["global"], gauc["separate"]) < min(gauc[name] for name in others)
    assert auc["global"] < recorded("multi_scenario.kuairand", model="trees", measure="auc") - 0.01
    said = caption("06_multi_scenario/01_together_or_apart.md", "on both sides global")
    assert "on the right separate networks on average, too" in said
