"""The speed table of the multi-scenario models: what is measured."""

from benchmarks import inputs, multi_scenario
from benchmarks.training import measure_speeds
from recsys_lib import multi_scenario as library


def test_every_model_of_the_chapter_is_measured():
    models = inputs.models_of("multi_scenario")
    builders = {model.builder.split(":")[1] for model in models.values()}
    assert builders == {name for name in library.__all__ if name.startswith("build_")}
    data = inputs.multi_scenario(3, num_rows=100)
    assert list(multi_scenario.cases(data)) == list(models) and multi_scenario.PLAIN in models


def test_measurements_have_speeds_beside_the_plain_network():
    data = inputs.multi_scenario(4, num_rows=300)
    builds = multi_scenario.cases(data)
    names = [multi_scenario.PLAIN, "star", "pepnet"]
    results = measure_speeds(data, {name: builds[name] for name in names}, num_rounds=1)
    reference = results[multi_scenario.PLAIN]["examples_per_second"]
    for name, result in results.items():
        ratio = multi_scenario.to_plain(results, name)
        assert ratio == result["examples_per_second"] / reference > 0
    assert results["star"]["parameters"] > results[multi_scenario.PLAIN]["parameters"]


def test_growth_is_that_of_a_step_in_steps_of_the_plain_network():
    def measured(plain, star):
        speeds = {multi_scenario.PLAIN: plain, "star": star}
        return {name: {"examples_per_second": speed} for name, speed in speeds.items()}

    results = {50: measured(100, 20), 3: measured(50, 40), 15: {}}
    assert multi_scenario.growth(results, "star") == 4
