"""Mistakes in a course's variants that the tests must reject."""

from runner import Mutant

OPTIONS = "recsys_book/exercises/options.py"
VARIANTS = "recsys_book/exercises/variants.py"
TESTS = "book/test_exercises_variants.py"
ORDER = f"{TESTS}::test_options_change_their_order_and_all_letters_follow"

MUTANTS = [
    Mutant(
        "variants: the right letters may stay",
        OPTIONS,
        "if moved != right or not can_change:",
        "if moved or not can_change:",
        ORDER,
    ),
    Mutant(
        "variants: letters go the wrong way",
        OPTIONS,
        "new_letter = dict(zip(order, options, strict=True))",
        "new_letter = dict(zip(options, order, strict=True))",
        ORDER,
    ),
    Mutant(
        "variants: the explanation keeps the old letters",
        OPTIONS,
        "explanation=relabelled(one.explanation),",
        "explanation=one.explanation,",
        ORDER,
    ),
    Mutant(
        "variants: all exercises draw the same",
        VARIANTS,
        'Draw(f"{seed}/{one.identifier}")',
        'Draw(f"{seed}")',
        f"{TESTS}::test_each_exercise_draws_for_itself",
    ),
    Mutant(
        "variants: a phrase that is gone is not missed",
        VARIANTS,
        'if self._changed(part, old, f"{old}{old}!") == getattr(self._one, part):',
        "if part not in PARTS:",
        f"{TESTS}::test_faults_of_a_cell_are_one_line_with_file_and_exercise",
    ),
    Mutant(
        "variants: numbers are written to the last bit",
        "recsys_book/exercises/literals.py",
        "DIGITS = 10",
        "DIGITS = 17",
        f"{TESTS}::test_a_literal_leaves_out_what_differs_between_processors",
    ),
    Mutant(
        "variants: the highest number is never drawn",
        "recsys_book/exercises/draws.py",
        "span = high - low + 1",
        "span = max(1, high - low)",
        f"{TESTS}::test_draws_reach_both_ends_and_nothing_beyond",
    ),
]
