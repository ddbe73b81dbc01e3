"""What a lesson and the ledger show of a record; neither measures anything."""

import json
import subprocess
import sys

import pytest

from bookmaker.building import evidence as ledger
from recsys_book.records.records import Evidence, evidence, finding, in_words, records, sentence

ARMS = {
    "DIN": {"style": ["#0072B2", "o", "-"], "choice": {"": {"edges": []}}},
    "mean": {"style": ["#E69F00", "s", [0, [5, 1]]], "choice": {"": {"edges": ["learning_rate"]}}},
}
FOUND = {
    "sentence": "DIN leads.",
    "verdict": "better",
    "confirmed": True,
    "unit": "points",
    "margin": 2.0,
    "text": "DIN to mean",
    "effect": 12.31,
    "interval": [10.94, 13.68],
    "worlds": 20,
}


def row(model, point, mean, **more):
    head = {"model": model, "point": point, "task": "click", "slice": "all", "worlds": 20}
    head |= {"points": [mean, mean - 1, mean + 1], "auc": [0.7, 0.69, 0.71], "behind": False}
    return head | more


def record(**changes):
    made = {
        "identifier": "small.told",
        "question": "Who leads?",
        "record": 1,
        "worlds": [100, 120],
        "amendments": [],
        "arms": ARMS,
        "declaration": {
            "arms": [{"name": "mean"}, {"name": "DIN"}],
            "contrasts": [{"finding": "leads"}],
            "sweep": None,
        },
        "findings": {"leads": FOUND},
        "summary": [row("DIN", "", 93.0), row("mean", "", 70.0, behind=True)],
        "history": [],
    }
    return made | changes


@pytest.fixture
def results(tmp_path):
    """The folder of one record, beside a folder of chapters that need not be there."""
    folder = tmp_path / "experiments" / "results"
    folder.mkdir(parents=True)
    write(folder, record())
    return folder


def write(folder, one):
    (folder / f"{one['identifier']}.json").write_text(json.dumps(one), encoding="utf-8")


def test_a_finding_is_one_sentence_with_verdict_effect_and_interval(results, capsys):
    assert finding("small.told.leads", results) is None
    assert capsys.readouterr().out == (
        "DIN leads. (better: DIN to mean +12.3 points of the gap, 95 % interval +10.9 to +13.7, "
        "20 worlds, margin 2)\n"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"verdict": "cannot tell", "confirmed": False},
            "Not shown: DIN leads. (cannot tell: DIN to mean",
        ),
        (
            {"verdict": "cannot tell", "confirmed": False, "reversed": True},
            "Not shown: DIN leads. (the opposite: DIN to mean",
        ),
        ({"exploratory": True}, "DIN leads. (exploratory, better: DIN to mean"),
        (
            {
                "confirmed": False,
                "failed": {"DIN": {"runs": [3, 20], "interval": [0.032, 0.379]}},
            },
            "Not shown: DIN leads. (no verdict, training failed: DIN in 3 of 20 runs "
            "(3 to 38 %); among the others: DIN to mean",
        ),
        (
            {"effect": None, "interval": None, "confirmed": False, "verdict": "cannot tell"},
            "Not shown: DIN leads. (cannot tell)",
        ),
        (
            {"unit": "AUC", "effect": 0.00412, "interval": [0.0021, 0.0061], "margin": 0.002}
            | {"users": True, "worlds": 671},
            "+0.0041 AUC, 95 % interval +0.0021 to +0.0061, 671 users, margin 0.002)",
        ),
        ({"margin": 0.0}, "20 worlds)"),
        (
            {"verdict": "unfinished", "confirmed": False, "at_cap": {"GRU": [8, 10]}},
            "Not shown: DIN leads. (no verdict, unfinished: runs end at the last epoch allowed, "
            "GRU in 8 of 10: DIN to mean",
        ),
        (
            {"unit": "runs", "margin": 0.0, "effect": 0.5, "interval": [0.2, 0.6]}
            | {"unstable": {"mean": {"left": [10, 20], "interval": [0.272, 0.728]}}},
            "(better, runs leave the plateau: mean in 10 of 20 runs (27 to 73 %): DIN to mean +0.50"
            " of the runs that leave the plateau, 95 % interval +0.20 to +0.60, 20 worlds)",
        ),
    ],
)
def test_what_else_a_finding_may_say(changes, said):
    assert said in in_words(FOUND | changes)


def test_what_is_not_recorded_is_named(results):
    with pytest.raises(ValueError, match=r"evidence: expected one of \['small\.told'\]"):
        evidence("small.untold", results=results)
    with pytest.raises(ValueError, match=r"finding: expected one of \['leads'\] of small\.told"):
        sentence("small.told.follows", results)
    with pytest.raises(ValueError, match=r"part: expected one of \['all'\]"):
        evidence("small.told", part="rare", results=results)
    with pytest.raises(ValueError, match=r"task: expected one of \['click'\]"):
        evidence("small.told", task="like", results=results)


def test_a_table_has_the_declared_order_and_says_who_is_behind(results):
    table = evidence("small.told", results=results).table
    assert list(table.index) == ["mean", "DIN"]
    assert table["points of the AUC gap"].tolist() == ["70.0 [69.0, 71.0]", "93.0 [92.0, 94.0]"]
    assert table["surely behind the best?"].tolist() == ["yes", "no clear difference"]


def test_the_brackets_of_a_table_are_explained_below_it(results, capsys):
    evidence("small.told", results=results)._ipython_display_()
    assert "Brackets: 95 % interval over worlds.\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, ""),
        (
            {"scoreboard": {"auc": {"mean": {"DIN": {"effect": 0.01, "interval": [0.002, 0.02]}}}}},
            "Brackets: 95 % interval over users.",
        ),
    ],
)
def test_on_real_data_only_differences_have_brackets(more, said):
    real = [
        {"model": name, "point": "", "task": "click", "slice": "all", "auc": [0.7], "auc_sd": 0.01}
        for name in ("mean", "DIN")
    ]
    shown = Evidence(record(summary=real, **more))
    assert shown.brackets() == said
    cells = [str(cell) for cell in shown.table.to_numpy().ravel()]
    assert any("[" in cell for cell in cells) == bool(said)


def test_of_several_tasks_one_has_to_be_named():
    rows = [row("DIN", "", 93.0), row("DIN", "", 40.0, task="like")]
    several = record(summary=rows)
    with pytest.raises(ValueError, match="task: expected one of"):
        Evidence(several)
    assert len(Evidence(several, task="like").table) == 1


def test_the_figure_draws_a_mark_and_an_interval_for_each_model(results):
    figure = evidence("small.told", results=results).figure()
    (axes,) = figure.axes
    assert axes.get_title() == "DIN leads."
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mean", "DIN"]
    mean, din = axes.containers
    assert mean.lines[0].get_xdata().tolist() == [70.0]
    assert mean.lines[0].get_ydata().tolist() == [1]
    assert mean.lines[0].get_color() == "#E69F00" and mean.lines[0].get_marker() == "s"
    (segment,) = din.lines[2][0].get_segments()
    assert segment[:, 0].tolist() == [92.0, 94.0]


@pytest.mark.parametrize("such", [{"confirmed": False}, {"exploratory": True}])
def test_the_title_is_the_question_where_nothing_is_shown(such):
    figure = Evidence(record(findings={"leads": FOUND | such})).figure()
    assert figure.axes[0].get_title() == "Who leads?"


def test_a_sweep_is_drawn_as_curves_without_the_drawn_knobs():
    sweep = {"knob": "num_interests", "values": [1, 10]}
    declaration = record()["declaration"] | {"sweep": sweep}
    rows = [row("DIN", point, mean) for point, mean in (("10", 90.0), ("1", 95.0), ("varied", 1.0))]
    told = Evidence(record(declaration=declaration, summary=rows))
    assert told.table["num_interests"].tolist() == ["1", "10"]
    (axes,) = told.figure().axes
    (curve,) = axes.containers
    assert curve.lines[0].get_xdata().tolist() == [1.0, 10.0]
    assert curve.lines[0].get_ydata().tolist() == [95.0, 90.0]
    assert axes.get_xlabel() == "num interests"


def test_arms_of_one_model_keep_its_colour_and_can_be_told_apart_without_it():
    names = ["mean", "DIN", "mean, wide", "mean, no product", "DIN, raw"]
    arms = {name: ARMS[name.partition(",")[0]] for name in names}
    declaration = record()["declaration"] | {
        "arms": [{"name": name} for name in names],
        "sweep": {"knob": "num_interests", "values": [1, 4]},
    }
    rows = [row(name, point, 90.0) for name in names for point in ("1", "4")]
    (axes,) = Evidence(record(arms=arms, declaration=declaration, summary=rows)).figure().axes
    drawn = [curve.lines[0] for curve in axes.containers]
    mean, din = "#E69F00", "#0072B2"
    assert [line.get_color() for line in drawn] == [mean, din, mean, mean, din]
    assert len({line.get_marker() for line in drawn}) == 5
    assert len({str(line._dash_pattern) for line in drawn}) == 5
    assert [line.get_markerfacecolor() for line in drawn[2:]] == ["white"] * 3
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "4"]


def test_what_is_no_model_of_the_book_has_none_of_their_colours():
    names = ["DIN", "trees", "rates"]
    arms = {"DIN": ARMS["DIN"], "trees": ARMS["DIN"] | {"style": None}, "rates": {"style": None}}
    rows = [row(name, "", 90.0) for name in names]
    declaration = record()["declaration"] | {"arms": [{"name": name} for name in names]}
    (axes,) = Evidence(record(arms=arms, declaration=declaration, summary=rows)).figure().axes
    looks = [(one.lines[0].get_color(), one.lines[0].get_marker()) for one in axes.containers]
    assert looks[1:] == [("#555555", "+"), ("#555555", "*")]
    assert axes.get_xlabel().endswith("average and 95 % interval")


def test_where_none_is_a_model_of_the_book_each_has_a_look_of_its_own():
    names = [f"policy {number}" for number in range(8)]
    arms = {name: {"style": None} for name in names}
    declaration = record()["declaration"] | {
        "arms": [{"name": name} for name in names],
        "sweep": {"knob": "drift", "values": [0, 1]},
    }
    rows = [row(name, point, 90.0) for name in names for point in ("0", "1")]
    (axes,) = Evidence(record(arms=arms, declaration=declaration, summary=rows)).figure().axes
    lines = [curve.lines[0] for curve in axes.containers]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 8
    assert len({line.get_color() for line in lines}) > 5


def test_an_axis_without_intervals_promises_none():
    rows = [row("DIN", "", 90.0) | {"points": [90.0]}, row("mean", "", 70.0) | {"points": [70.0]}]
    (axes,) = Evidence(record(summary=rows)).figure().axes
    assert axes.get_xlabel().endswith("average of the runs")


def test_a_scoreboard_shows_differences_to_the_references():
    rows = [
        {"model": name, "point": "", "task": "", "slice": "all", "auc": [auc], "auc_sd": 0.001}
        for name, auc in (("mean", 0.75), ("DIN", 0.76))
    ]
    board = {"auc": {"mean": {"DIN": {"effect": 0.01, "interval": [0.004, 0.016]}}}}
    table = Evidence(record(summary=rows, scoreboard=board)).table
    assert table.loc["DIN", "AUC"] == "0.7600 ± 0.0010"
    assert table["AUC, better than mean by"].tolist() == ["", "0.0100 [0.0040, 0.0160]"]


def test_a_notebook_shows_the_table_and_then_the_figure(results, monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    evidence("small.told", results=results)._ipython_display_()
    assert [type(one).__name__ for one in shown] == ["DataFrame", "Figure"]


def test_evidence_is_read_without_tensorflow_and_without_the_experiments():
    code = (
        "import sys; from recsys_book.records.records import records; records();"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "print(loaded & {'tensorflow', 'keras', 'experiments', 'bookmaker', 'scipy'})"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.stdout.strip() == "set()", finished.stdout + finished.stderr


# ----------------------------------------------------------------------------------------- ledger


def block(**findings):
    return {"small.told": {"record": 1, "findings": findings}}


HELD = {"verdict": "better", "effect": 11.0, "held": True, "chance": 0.98, "back": False}


def rendered(results):
    return ledger.render(results.parents[1] / "chapters")


def opened(results, blocks):
    (results / "blocks.json").write_text(json.dumps({"replicated": blocks}), encoding="utf-8")


def test_the_ledger_lists_findings_and_what_was_chosen_at_an_edge(results):
    text = rendered(results)
    assert "1 finding of 1 experiment, 0 exact checks." in text
    assert "None was measured on unseen worlds yet; 0 findings dropped." in text
    assert "Record 1, worlds 100 to 119; protocol 1; 0 amendments; chosen at the edge" in text
    assert "mean (learning_rate)" in text
    line = "| `small.told.leads` | DIN leads. | better | DIN to mean: +12.3 points | "
    assert line + "+10.9 to +13.7 |  |  |" in text


def test_the_ledger_prints_the_share_that_held_beside_the_share_to_be_expected(results):
    fell = HELD | {"held": False, "chance": 0.62}
    two = [{"finding": "leads"}, {"finding": "lost"}]
    findings = {"leads": FOUND, "lost": FOUND}
    write(results, record(findings=findings, declaration={"arms": [], "contrasts": two}))
    opened(results, {"1000:1010": block(leads=HELD, lost=fell, gone=HELD), "990:1000": {}})
    text = rendered(results)
    assert "1 of 2 confirmed findings held (50 %; 80 % were to be expected from the rec" in text
    assert "0 of 2 effects came back; 1 finding dropped" in text  # `gone` is declared no more
    assert "+10.9 to +13.7 | yes | no |" in text
    assert "| small | 1 of 2 | 80 % | 0 of 2 |" in text


def test_what_held_is_told_by_chapter(results):
    write(results, record(identifier="other.told"))
    write(results, record(identifier="third.told"))
    (back,) = block(leads=HELD | {"chance": 0.5, "back": True}).values()
    opened(results, {"1000:1010": block(leads=HELD) | {"other.told": back}})
    text = rendered(results)
    assert "2 of 2 confirmed findings held (100 %; 74 %" in text
    assert "| other | 1 of 1 | 50 % | 1 of 1 |\n| small | 1 of 1 | 98 % | 0 of 1 |\n" in text
    assert "| third |" not in text, "it was not measured anew"


def test_what_was_not_confirmed_neither_holds_nor_falls(results):
    open_one = FOUND | {"verdict": "not worse", "confirmed": False}
    two = [{"finding": "leads"}, {"finding": "open"}]
    findings = {"leads": FOUND, "open": open_one}
    write(results, record(findings=findings, declaration={"arms": [], "contrasts": two}))
    older = {name: value for name, value in HELD.items() if name != "back"}
    opened(results, {"1000:1010": block(leads=older, open=older)})
    text = rendered(results)
    assert "1 of 1 confirmed findings held" in text
    assert "0 of 0 effects came back (1 more were measured before that was recorded)" in text


def test_a_block_that_was_opened_for_a_former_record_judges_it_no_more(results):
    write(results, record(record=2))
    opened(results, {"1000:1010": block(leads=HELD)})
    assert "None was measured on unseen worlds yet" in rendered(results)


def test_the_ledger_counts_the_looks_at_a_log(results):
    on_log = {"worlds": None, "data": "movielens", "users": 671}
    write(results, record(identifier="small.first", record=2, **on_log))
    write(results, record(identifier="small.second", looks=3, **on_log))
    text = rendered(results)
    assert "The test rows of movielens were looked at 5 times by tuned models." in text


def test_the_ledger_says_which_protocol_and_what_is_unfinished(results):
    second = record()["declaration"] | {"protocol": 2}
    cut = {"verdict": "unfinished", "confirmed": False, "at_cap": {"GRU": [8, 10]}}
    cut |= {"longer": {"before": 12.0, "after": 7.5, "settled": False}}
    write(results, record(declaration=second, findings={"leads": FOUND | cut}))
    text = rendered(results)
    assert "protocol 2; 0 amendments" in text
    assert "GRU in 8 of 10 (longer run: +12 became +7.5) |" in text


def test_the_headline_with_drawn_knobs_and_the_amendments_are_told(results):
    write(results, record(varied={"leads": FOUND}, amendments=["one"]))
    text = rendered(results)
    assert "1 amendment; with every continuous knob drawn within 25 %, `leads` holds" in text


def test_the_ledger_that_is_not_what_the_records_say_is_named(tmp_path):
    chapters, results = tmp_path / "chapters", tmp_path / "experiments" / "results"
    for folder in (chapters, results):
        folder.mkdir(parents=True)
    wrong = [f"{chapters / 'FINDINGS.md'}: not what records and lessons say; run `make book`"]
    assert ledger.problems(chapters) == wrong
    write(results, record())
    ledger.write(chapters)
    assert (chapters / "FINDINGS.md").read_text(encoding="utf-8") == rendered(results)
    assert ledger.problems(chapters) == []
    write(results, record(record=2))
    assert ledger.problems(chapters) == wrong


def test_all_records_of_this_checkout_can_be_shown():
    for one in records().values():
        for row in {(row["slice"], row["task"]) for row in one["summary"]}:
            assert len(Evidence(one, *row).table)
        for found in one["findings"].values():
            assert in_words(found)
