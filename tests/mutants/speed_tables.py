"""Mistakes in the benchmarks that the tests must reject."""

from runner import Mutant

ADAPTER = "benchmarks/adapter.py"
FORMER = "benchmarks/former.py"
INPUTS = "benchmarks/inputs.py"
TEST = "benchmarks/test_former_section.py"
TURNS = f"{TEST}::test_rounds_alternate_and_a_side_without_a_model_has_a_reason"
NOTES = f"{TEST}::test_missed_goals_and_other_sizes_are_noted"

MUTANTS = [
    Mutant(
        "former: an option that the revision lacks is dropped without a word",
        ADAPTER,
        "elif option in options and value != defaults.get(option):",
        "elif False:",
        f"{TEST}::test_options_at_rest_are_left_out_and_others_are_missed",
    ),
    Mutant(
        "former: a renamed option keeps today's name",
        ADAPTER,
        '"build_shared_bottom": {"hidden_units": "bottom_units"},',
        "",
        f"{TEST}::test_names_that_changed_are_the_ones_that_were",
    ),
    Mutant(
        "former: the median of the speeds, not of the pairs",
        FORMER,
        "statistics.median(pairs)",
        "statistics.median(now) / statistics.median(then)",
        TURNS,
    ),
    Mutant(
        "former: the worst rounds",
        FORMER,
        "max(now) / max(then)",
        "min(now) / min(then)",
        TURNS,
    ),
    Mutant(
        "former: another size goes unnoticed",
        FORMER,
        'elif answer["parameters"] != found["now"].get("parameters", answer["parameters"]):',
        "elif False:",
        NOTES,
    ),
    Mutant(
        "former: a lost model goes unnoticed",
        FORMER,
        "if ratio and ratio[1] < FLOOR:",
        "if ratio and ratio[1] < 0:",
        NOTES,
    ),
    Mutant(
        "benchmarks: a model of several tasks trains one",
        INPUTS,
        'return tasks if "several tasks" in model.needs else tasks[0]',
        "return tasks[0]",
        "benchmarks/test_inputs_of_rows.py::test_the_data_have_what_their_kind_says",
    ),
    Mutant(
        "benchmarks: sequence models without a session",
        INPUTS,
        '"sequences": ("history", "sessions"),',
        '"sequences": ("history",),',
        "benchmarks/test_inputs_of_rows.py::test_a_model_is_measured_where_it_has_what_it_needs",
    ),
    Mutant(
        "benchmarks: rank is timed alone, then the others",
        "benchmarks/requests.py",
        "            if turn < repetitions[name]:\n",
        "            for _ in range(repetitions[name] if turn == 0 else 0):\n",
        "benchmarks/test_printed_sections.py::test_calls_take_turns",
    ),
]
