"""Mistakes in what is built and tested again, in headers and in warm kernels, for the tests."""

from runner import Mutant

BUILD = "bookmaker/build.py"
INPUTS = "bookmaker/inputs.py"
SELECTION = "bookmaker/selection.py"
GENERATED = "bookmaker/generated.py"
WARM = "bookmaker/warm_process.py"
TEST_BUILD = "bookmaker/test_build.py"
TEST_SELECTION = "bookmaker/test_selection.py"
TEST_GENERATED = "bookmaker/test_generated.py"
NOT_TODAYS = f"{TEST_BUILD}::test_outputs_that_may_not_be_todays_are_not_kept"

MUTANTS = [
    Mutant(
        "build: outputs are kept although a tag changed",
        BUILD,
        "if code_cells(notebook) != code_cells(SimpleNamespace(cells=shown)):",
        "if [c.source for c in ours] != [c.source for c in shown]:",
        f"{TEST_BUILD}::test_other_cells_of_code_get_no_outputs",
    ),
    Mutant(
        "build: outputs that no build gave are kept",
        INPUTS,
        'return built == {"inputs": inputs, "outputs": outputs}',
        'return built.get("inputs") == inputs',
        NOT_TODAYS,
    ),
    Mutant(
        "build: outputs of other inputs are kept",
        INPUTS,
        'return built == {"inputs": inputs, "outputs": outputs}',
        'return built.get("outputs") == outputs',
        NOT_TODAYS,
    ),
    Mutant(
        "selection: mutants do not follow the modules that their tests import",
        SELECTION,
        "return hash_of([*sorted(parts), *read])",
        "return hash_of(sorted(parts))",
        f"{TEST_SELECTION}::test_a_change_forces_the_mutants_that_follow_from_it",
    ),
    Mutant(
        "selection: mutants do not follow the helpers of their tests",
        SELECTION,
        'waiting += [path.parent / f"{name}.py", root / "tests" / "shared" / f"{name}.py"]',
        'waiting += [path.parent / f"{name}.py"]',
        f"{TEST_SELECTION}::test_a_change_forces_the_mutants_that_follow_from_it",
    ),
    Mutant(
        "selection: the same tenth in every commit",
        SELECTION,
        "key=lambda name: _draw(seed, name)",
        'key=lambda name: _draw("", name)',
        f"{TEST_SELECTION}::test_every_tenth_is_drawn_in_its_turn",
    ),
    Mutant(
        "selection: what passed with other content here is left out",
        SELECTION,
        "already[kind] = [name for name in names if here.get(name) == hashes[kind][name]]",
        "already[kind] = [name for name in names if name in here]",
        f"{TEST_SELECTION}::test_what_has_passed_here_is_not_run_again",
    ),
    Mutant(
        "selection: a run that left something out renews the committed record",
        SELECTION,
        'if waiting.pop("full"):',
        'if waiting.pop("full") is not None:',
        f"{TEST_SELECTION}::test_only_a_full_green_run_renews_the_committed_record",
    ),
    Mutant(
        "header: only the minutes are compared",
        GENERATED,
        'return wanted in said if label == "Library" else said == expected',
        "return wanted.split()[0] in said",
        f"{TEST_GENERATED}::test_what_deviates_is_written_again",
    ),
    Mutant(
        "starters: the cell behind an exercise is taken for its starter",
        GENERATED,
        "if is_starter_of(there, identifier):",
        "if there:",
        f"{TEST_GENERATED}::test_an_exercise_alone_gets_its_starter_and_other_cells_stay",
    ),
    Mutant(
        "warm kernels: a process with threads is forked",
        WARM,
        "if threads != 1:",
        "if threads < 1:",
        "bookmaker/test_warm_kernels.py::test_a_process_with_threads_or_with_widgets_does_not_fork",
    ),
]
