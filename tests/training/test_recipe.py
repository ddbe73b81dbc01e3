"""``Recipe``: how a model is built and trained; unknown names are refused."""

import keras
import numpy as np
import pytest
import tiny

from recsys_lib.training import Adagrad, Recipe
from recsys_lib.training.weighting import FixedWeights


def build(feature_columns, tasks="like", *, width=6):
    model = tiny.build_small(feature_columns)
    model.width = width
    return model


def test_a_recipe_builds_with_its_options_and_those_of_the_call():
    recipe = Recipe(build, width=9)
    assert recipe(tiny.SMALL).width == 9
    assert recipe(tiny.SMALL, width=2).width == 2
    assert recipe(tiny.SMALL, "like").width == 9
    assert Recipe(build, tasks="like")(tiny.SMALL, "share").width == 6


def test_the_rate_and_the_optimizer():
    assert float(Recipe(build).fresh_optimizer().learning_rate) == pytest.approx(1e-3)
    assert float(Recipe(build, np.float32(0.25)).fresh_optimizer().learning_rate) == 0.25
    adagrad = Recipe(build, 0.5, optimizer=Adagrad).fresh_optimizer()
    assert isinstance(adagrad, Adagrad) and float(adagrad.learning_rate) == 0.5
    own = Recipe(build, optimizer=lambda: Adagrad(0.125)).fresh_optimizer()
    assert float(own.learning_rate) == 0.125


def test_each_run_gets_a_fresh_optimizer():
    recipe = Recipe(build, 0.5)
    assert recipe.fresh_optimizer() is not recipe.fresh_optimizer()


def test_a_recipe_of_a_recipe_has_its_settings_where_none_are_given():
    first = Recipe(build, 0.5, epochs=4, columns=("user_id",), width=9)
    second = Recipe(first, epochs=2)
    assert second.build is build and second.learning_rate == 0.5
    assert second.columns == ("user_id",)
    assert dict(second.fit) == {"epochs": 2} and dict(second.options) == {"width": 9}
    third = second.but(learning_rate=0.25, width=3)
    assert third.learning_rate == 0.25 and dict(third.options) == {"width": 3}
    assert dict(third.fit) == {"epochs": 2}


def test_another_builder_keeps_the_settings():
    def other(feature_columns, *, width=1):
        return build(feature_columns, width=width)

    changed = Recipe(build, 0.5, epochs=4, width=9).but(build=other, epochs=1)
    assert changed.build is other and changed.learning_rate == 0.5
    assert dict(changed.fit) == {"epochs": 1} and dict(changed.options) == {"width": 9}


def test_none_is_a_setting_and_not_the_comparisons():
    assert dict(Recipe(build, patience=None).fit) == {"patience": None}
    assert dict(Recipe(build).fit) == {}


def test_weights_and_a_method_replace_each_other():
    weighted = Recipe(build, loss_weights={"like": 2.0})
    balanced = Recipe(weighted, balancing=FixedWeights())
    assert balanced.balancing == FixedWeights() and dict(balanced.fit) == {}
    again = Recipe(balanced, loss_weights={"like": 3.0})
    assert again.balancing is None and dict(again.fit) == {"loss_weights": {"like": 3.0}}


def test_settings_cannot_be_changed_in_place():
    recipe = Recipe(build, width=9)
    with pytest.raises(TypeError):
        recipe.options["width"] = 2
    with pytest.raises(AttributeError):
        recipe.learning_rate = 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widht": 3}, r"neither fit nor build has an option 'widht'; fit has epochs, .* width"),
        ({"seed": 3}, "neither fit nor build has an option 'seed'"),
        ({"learning_rate": 0}, "Recipe, learning_rate: expected a finite number from 0"),
        ({"learning_rate": "fast"}, "Recipe, learning_rate: expected a finite number"),
        ({"optimizer": "adam"}, "Recipe, optimizer: expected a function that returns a fresh"),
        ({"optimizer": keras.optimizers.Adam()}, "Recipe, optimizer: expected a function"),
        ({"columns": "user_id"}, "Recipe, columns: expected names of columns, got 'user_id'"),
        (
            {"loss_weights": {"like": 1.0}, "balancing": FixedWeights()},
            "Recipe, loss_weights: FixedWeights.* expected none beside it",
        ),
    ],
)
def test_what_is_wrong_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Recipe(build, **arguments)


def test_a_builder_must_be_a_function_and_return_a_model():
    with pytest.raises(ValueError, match="expected a function that builds a model, got 'fm'"):
        Recipe("fm")
    with pytest.raises(ValueError, match="expected nothing to return a Keras model, got None"):
        Recipe(nothing)(tiny.SMALL)


def nothing(columns):
    return None


def test_a_function_with_any_options_is_not_checked():
    def anything(columns, **options):
        model = tiny.build_small(columns)
        model.options = options
        return model

    assert Recipe(anything, whatever=1)(tiny.SMALL).options == {"whatever": 1}
