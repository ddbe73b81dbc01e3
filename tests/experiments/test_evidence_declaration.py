"""A declaration that cannot be measured as it stands is refused in one line."""

import dataclasses
import json

import pytest
from tiny_evidence import DECLARED

from experiments.engine import registry
from experiments.engine.arms import Arm, Sweep, is_ordered
from experiments.engine.cells import dataset_of, for_tuning, recipe_of, run_arm
from experiments.engine.contrasts import better, level, trend
from experiments.engine.declaration import Experiment
from recsys_lib.features import CategoricalColumn

GUESS = "tiny_evidence:guess"
SHARP, BLURRED = Arm(name="sharp", model=GUESS), Arm(name="blurred", model=GUESS)
FOUND = better("wins", "One wins.", "sharp", "blurred")


def declare(**changes):
    fields = {
        "identifier": "small.one",
        "question": "Which one?",
        "lens": "second_order",
        "arms": [SHARP, BLURRED],
        "contrasts": [FOUND],
    }
    return Experiment(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identifier": "Small"}, "identifier: expected 'chapter.name', got 'Small'"),
        ({"question": "Which one"}, "question: expected a question, got 'Which one'"),
        ({"data": "movielens", "split": "per_user"}, "expected a lens or a data set, got both"),
        ({"lens": None}, "expected a lens or a data set, got both or none"),
        ({"lens": "nothing"}, "lens: expected one of"),
        ({"lens": None, "data": "ml"}, "data: expected one of"),
        ({"lens": None, "data": "movielens", "split": "global"}, "split: expected 'per_user'"),
        ({"split": "per_user"}, "split: expected none beside a lens"),
        ({"knobs": {"nothing": 1}}, r"knobs: expected some of .*\['nothing'\]"),
        ({"knobs": {"num_ids": 1}}, "knobs, num_ids: expected"),
        ({"knobs": {"seed": 1}}, "the world is the seed"),
        ({"sweep": Sweep("num_ids", (1, 5))}, "knobs, num_ids: expected"),
        (
            {"sweep": Sweep("num_ids", (5, 9)), "knobs": {"num_ids": 5}},
            "num_ids is swept, expected no value beside",
        ),
        ({"fit": {"seed": 1}}, "fit: expected some of"),
        ({"worlds": (0, 20)}, "worlds: expected a block of 3 to 1000, got 0:20"),
        ({"worlds": (990, 1010)}, "worlds: expected a block of 3 to 1000, got 990:1010"),
        ({"side_worlds": (110, 120)}, "side_worlds: expected the first of the block 100:120"),
        ({"protocol": 4}, r"protocol: expected one of \(1, 2, 3\), got 4"),
        ({"protocol": 2, "group": "page"}, "group: expected none before protocol 3, got 'page'"),
        (
            {"contrasts": [dataclasses.replace(FOUND, measure="gauc_gap")], "protocol": 2},
            "measure: expected 'gauc_gap' in protocol 3 only",
        ),
        ({"arms": []}, "arms: expected at least one, got none"),
        ({"arms": [SHARP, SHARP]}, "arms: expected different names"),
        ({"references": ["sharp"]}, "references: expected none on worlds"),
        ({"headline": "loses"}, r"headline: expected one of \['wins'\], got 'loses'"),
        ({"contrasts": []}, "contrasts: expected at least one"),
        ({"contrasts": [FOUND, FOUND]}, "contrasts: expected different names"),
        ({"contrasts": [better("wins", "One.", "sharp", "dull")]}, r"got \['dull'\]"),
        ({"contrasts": [better("wins", "One.", "sharp", "blurred", at=4)]}, "at: expected one of"),
        ({"contrasts": [trend("grows", "It grows.", "sharp")]}, "a trend needs a sweep"),
    ],
)
def test_a_wrong_declaration_is_refused(changes, message):
    with pytest.raises(ValueError, match=message) as failure:
        declare(**changes)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "arm, name: expected one line"),
        ({"space": {"noise": (0.5,)}}, "expected two values or more"),
        ({"space": {"noise": (1.0, 0.5)}}, "expected rising"),
        ({"space": {"noise": (0.5, 0.5)}}, "expected different values"),
        ({"space": {"noise": (0.5, 1.0)}, "options": {"noise": 1.0}}, "expected fixed or tuned"),
        ({"space": {"noise": (0.5, 1.0)}, "inherits": "other"}, "expected no space"),
        ({"options": {"noise": object()}}, "expected numbers, texts, lists and dicts"),
    ],
)
def test_a_wrong_arm_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Arm(**({"name": "sharp", "model": GUESS} | changes))


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ({"space": {"noise": (0.1, 0.9)}}, "expected the default 0.5 among the values"),
        ({"space": {"sound": (0.1, 0.9)}}, "has no option 'sound'"),
        ({"options": {"sound": 0.1}}, "has no option 'sound'"),
        ({"inherits": "sharp"}, "inherits: expected another arm"),
        ({"inherits": "nobody"}, "inherits: expected another arm"),
        ({"model": "tiny_evidence:nobody"}, "nobody"),
    ],
)
def test_an_arm_that_its_model_does_not_know_is_refused(arm, message):
    wrong = Arm(**({"name": "sharp", "model": GUESS} | arm))
    with pytest.raises(ValueError, match=message):
        declare(arms=[wrong, BLURRED])


def test_what_an_heir_fixes_comes_before_what_it_inherits():
    # An ablation of an option that is tuned would else be its parent under another name.
    chosen = {"embedding_dim": 4, "learning_rate": 3e-3}
    heir = Arm(name="narrow", model="fm", options={"embedding_dim": 2}, inherits="FM")
    assert heir.settings(chosen) == {"embedding_dim": 2, "learning_rate": 3e-3}
    columns = [CategoricalColumn("user_id", 5), CategoricalColumn("item_id", 7, group="item")]
    recipe = recipe_of(heir, chosen)
    assert recipe(columns).get_layer("embedding").embedding_dim == 2
    assert recipe.learning_rate == 3e-3


def test_options_of_an_optimizer_go_to_the_recipe_that_a_builder_makes():
    arm = Arm(
        name="two",
        model="experiments.memorization._rules:wide_and_deep",
        space={"l1": (0.0, 1e-3, 1e-2), "wide_rate": (0.25, 0.5, 1.0)},
        options={"embedding_dim": 2},
    )
    assert arm.defaults() == {"l1": 0.0, "wide_rate": 0.5}
    recipe = recipe_of(arm, {"l1": 1e-2, "wide_rate": 0.25, "learning_rate": 3e-3})
    ftrl, adam = recipe.fresh_optimizer().optimizers
    assert ftrl.l1_regularization_strength == 1e-2
    assert [round(float(one.learning_rate), 6) for one in (ftrl, adam)] == [0.25, 3e-3]
    columns = [CategoricalColumn("user_id", 5), CategoricalColumn("item_id", 7, group="item")]
    assert recipe(columns).get_layer("deep_embedding").embedding_dim == 2
    one = dataclasses.replace(arm, options={"wide_rate": None, "deep": "adagrad"}, space={})
    assert type(recipe_of(one, {}).fresh_optimizer()).__name__ == "Adagrad"


def test_an_heir_of_a_guess_keeps_its_own_options_too():
    dataset = for_tuning(dataset_of(declare(lens="tiny_evidence:lens"), None, 0))
    heir = Arm(name="sharp", model=GUESS, options={"noise": 0.0}, inherits="blurred")
    (row,) = run_arm(declare(), heir, {"noise": 9.0}, dataset, 0, ())
    assert row["auc_gap_closed"] == pytest.approx(1.0)


def test_an_option_may_not_be_set_twice():
    # Of builders the options of `fit` may be tuned, too.
    fm = Arm(name="sharp", model="fm", space={"epochs": (5, 10)})
    with pytest.raises(ValueError, match=r"\['epochs'\] are set for all arms"):
        declare(arms=[fm, BLURRED], fit={"epochs": 5})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: better("Wins", "One.", "a", "b"), "finding: expected lower-case words"),
        (lambda: better("wins", "One of 2.", "a", "b"), "expected one line without digits"),
        (lambda: better("wins", "One.", "a", "a"), "arms: expected different ones"),
        (lambda: better("wins", "One.", "a", "b", margin=0), "margin: expected above 0"),
        (lambda: better("wins", "One.", "a", "b", measure="f1"), "measure: expected one of"),
        (lambda: trend("grows", "It.", "a", "b", "c"), "arms: expected 1 or 2, got 3"),
    ],
)
def test_a_wrong_contrast_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sweeps_are_tuned_at_ends_and_middle_and_serve_the_nearest():
    sweep = Sweep("num_interests", (1, 2, 3, 4, 6, 8, 12))
    assert sweep.tune_at == (1, 4, 12)
    assert [sweep.nearest(value) for value in sweep.values] == [1, 1, 4, 4, 4, 12, 12]
    assert Sweep("drift", (0.0, 1.0)).tune_at == (0.0, 1.0)
    with pytest.raises(ValueError, match="expected two rising values"):
        Sweep("drift", (1.0, 0.0))
    with pytest.raises(ValueError, match=r"tune_at: expected some of .* got \[2\]"):
        Sweep("drift", (0.0, 1.0), tune_at=(2,))


def test_what_has_an_order():
    assert is_ordered((1, 2.5)) and is_ordered(((8,), (8, 4)))
    assert not is_ordered((None, 2.5)) and not is_ordered((False, True))


def test_the_hash_follows_what_is_measured_and_said_and_not_the_wording():
    one = declare()
    assert one.sha256() == declare().sha256()
    reworded = [dataclasses.replace(FOUND, sentence="The first one wins.")]
    for same in (
        declare(question="Which of the two?"),
        declare(contrasts=reworded),
    ):
        assert same.sha256() == one.sha256()
    others = [
        declare(contrasts=[dataclasses.replace(FOUND, margin=1.0)]),
        declare(contrasts=[level("wins", "One wins.", "sharp", "blurred")]),
        declare(worlds=(200, 220), side_worlds=(200, 210)),
        declare(knobs={"num_rows": 1_000}),
        declare(fit={"epochs": 3}),
        declare(arms=[SHARP, dataclasses.replace(BLURRED, options={"noise": 1.0})]),
        declare(arms=[SHARP, dataclasses.replace(BLURRED, side=True)]),
    ]
    assert len({other.sha256() for other in others} | {one.sha256()}) == len(others) + 1


def test_the_canonical_form_is_json_that_does_not_depend_on_the_order_of_dicts():
    left = declare(knobs={"num_rows": 500, "num_ids": 9})
    right = declare(knobs={"num_ids": 9, "num_rows": 500})
    assert left.canonical() == right.canonical()
    assert json.loads(left.canonical())["knobs"] == {"num_ids": 9, "num_rows": 500}


def test_a_side_arm_has_the_smaller_block():
    aside = Arm(name="aside", model=GUESS, side=True)
    assert declare(arms=[SHARP, BLURRED, aside]).worlds_of(aside) == range(100, 110)


def test_real_data_have_no_sweep_and_no_share():
    fields = {"lens": None, "data": "movielens", "split": "per_user"}
    assert declare(**fields).is_real
    for changes, message in (
        ({"sweep": Sweep("num_ids", (5, 9))}, "expected no sweep and no headline"),
        ({"contrasts": [better("w", "One.", "sharp", "blurred", measure="gauc")]}, "on real data"),
    ):
        with pytest.raises(ValueError, match=message):
            declare(**fields | changes)


def test_the_registry_finds_the_declarations():
    assert registry.identifiers(DECLARED) == ["small.factors", "small.guesses"]
    assert [one.identifier for one in registry.choose(["small"], DECLARED)] == [
        "small.factors",
        "small.guesses",
    ]
    with pytest.raises(ValueError, match=r"expected one of .* got 'small\.nothing'"):
        registry.load("small.nothing", DECLARED)
    with pytest.raises(ValueError, match="or a chapter, got 'large'"):
        registry.choose(["large"], DECLARED)


def test_every_committed_declaration_loads():
    for identifier in registry.identifiers():
        assert registry.load(identifier).identifier == identifier


def test_a_file_that_declares_another_experiment_is_refused(tmp_path):
    (tmp_path / "small").mkdir()
    text = (DECLARED / "small" / "guesses.py").read_text(encoding="utf-8")
    (tmp_path / "small" / "other.py").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"expected 'small\.other', got 'small\.guesses'"):
        registry.load("small.other", tmp_path)
    (tmp_path / "small" / "none.py").write_text("EXPERIMENT = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"none\.py: expected EXPERIMENT = Experiment"):
        registry.load("small.none", tmp_path)


RECORDED = {
    "one_request.day_by_day": "652274e0bc3084730f79987cc28d58a74bb5cd8d95ef384842cc779f22a021cc",
    "one_request.kuairand_days": "88c11b0025b85228239d632e573d241f8883524a79a70c627681e46a2bb3b23d",
    "scoreboards.kuairand": "03d20073d938393f73163ee59bcee2f8a0879b840df985aecabc5f9abbe13321",
    "scoreboards.movielens": "1849412a737ff5270ba723fbba387713f64cdd20f35552153846882058676451",
    "sequence.drift": "107ffd884a0a799d1849b0845851ff9e39f3a02a46b24377250747344dd78ce9",
    "sequence.interests": "656413f906dd976926689d54b2183f481fefcddce30a283b00793deae971c5b3",
    "sequence.kuairand": "c890f46833b4a2bbd031aa7e1357bc8c2a51ebd03bc0d11395b70fcf21c8a86c",
    "sequence.long": "31f8b8726613ae5873e8ed052fe961b5c133770975c3a83408c95f0f6c152119",
    "sequence.movielens": "42c1ebbe07e0aa3ce3150ae31b14756c74dbf17fa3994ac8f65b8163fa26dda5",
    "sequence.movielens_blocks": "f39256204b9d3c5628bac693c1c6904d231ed16625c4ae6ea6bda8fb1f84b33f",
    "sequence.sessions": "da86be8381dc86e0c647d803ed1fbbf97d6f9f2f252ceca585684f6d099251eb",
    "sequence.strength": "8e28c4dab6c118f2a7073c1d75f62a3fe0e42beed8c82091b08d1257788d28b8",
}


def test_the_hashes_of_the_first_protocol_do_not_move():
    """Whatever is moved, renamed or added around them; a declaration measured anew leaves them."""
    first = {one.identifier: one.sha256() for one in registry.choose() if one.protocol == 1}
    assert first.items() <= RECORDED.items()


def test_another_row_of_the_zoo_does_not_change_a_board(monkeypatch):
    from recsys_lib.zoo import models as zoo

    row = dataclasses.replace(zoo.find("fm"), key="fm_again", name="FM again")
    monkeypatch.setattr(zoo, "MODELS", (*zoo.MODELS, row))
    for identifier in ("scoreboards.movielens", "scoreboards.kuairand"):
        assert registry.load(identifier).sha256() == RECORDED[identifier]


@pytest.mark.parametrize("protocol", [1, 2])
def test_a_new_field_at_its_default_changes_no_hash(protocol):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Later(Experiment):
        colour: str = "none"

    fields = {
        field.name: getattr(declare(protocol=protocol), field.name)
        for field in dataclasses.fields(Experiment)
    }
    one = Experiment(**fields)
    # The first protocol writes what it knew at its default; a later field it never writes.
    if protocol == 2:
        assert Later(**fields).sha256() == one.sha256()
        assert "colour" in json.loads(Later(**fields, colour="red").canonical())
    assert json.loads(one.canonical()).get("lens") == "second_order"
    assert ("split" in json.loads(one.canonical())) == (protocol == 1)


RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"worlds": (110, 120), "side_worlds": (110, 115)}, "from a multiple of 20 on, got 110:12"),
        ({"worlds": (100, 140)}, "expected at most 20 from a multiple of 20 on, got 100:140"),
        (
            {"arms": [Arm(name="sharp", model="fm", space={"learning_rate": RATES[1:]}), BLURRED]},
            "arm 'sharp', space, learning_rate: expected 5 to 7 values, got 4",
        ),
        (
            {"lens": None, "data": "movielens", "split": "per_user"},
            "contrasts: expected sharp and blurred in auc and gauc, got auc",
        ),
    ],
)
def test_the_second_protocol_asks_for_more(changes, message):
    declare(**changes)
    with pytest.raises(ValueError, match=message):
        declare(**changes, protocol=2)


def test_a_declaration_of_the_second_protocol():
    arms = [Arm(name="sharp", model="fm", space={"learning_rate": RATES}), BLURRED]
    assert declare(arms=arms, protocol=2).protocol == 2
    both = [FOUND, better("ranks", "One ranks.", "sharp", "blurred", measure="gauc")]
    on_log = {"lens": None, "data": "movielens", "split": "per_user", "contrasts": both}
    assert declare(**on_log, protocol=2).is_real
    with pytest.raises(ValueError, match=r"expected one of \('auc', 'log_loss'\) on real data"):
        declare(**on_log)
