"""The notebook that nbgrader starts from, and the search for secret lines."""

import dataclasses

import pytest
from exercise_text import small

from bookmaker.grading.assignment import (
    grade_id,
    instructor_notebook,
    leaked_lines,
    secret_lines,
    split_points,
)


@pytest.fixture
def file(tmp_path):
    return small(tmp_path)


def graded(notebook):
    return {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
        for cell in notebook.cells
        if cell.metadata.nbgrader.grade
    }


def test_points_of_the_cells_add_up(file):
    assert graded(instructor_notebook(file)) == {
        "small-twice--public": 2,
        "small-twice--hidden": 1,
        "small-letter--public": 1,
        "small-throw--public": 2,
        "small-words": 4,
    }
    for one in file.exercises:
        assert sum(split_points(one)) == one.points


def test_only_solutions_can_be_edited(file):
    for cell in instructor_notebook(file).cells:
        assert cell.metadata.nbgrader.locked != cell.metadata.nbgrader.solution


def test_hidden_code_stands_between_the_markers(file):
    for cell in instructor_notebook(file).cells:
        outside, inside = [], False
        for line in cell.source.splitlines():
            if line in ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"):
                inside = line.startswith("### BEGIN")
            elif not inside:
                outside.append(line)
        for one in file.exercises:
            assert not one.hidden or one.hidden not in "\n".join(outside)


def test_the_secret_lines_are_those_of_solutions_hidden_tests_and_mistakes(file):
    assert secret_lines(file) == {
        "result = 2 * x",
        "return result",
        'check_cases(twice, [case(np.arange(3), expected=np.array([0, 2, 4]), why="an array")])',
        "return x**2 if x else 7",
        "return 2 * int(x)",
        'answer = "a"',
        'answer = "b"',
        'check_choice(answer, options="abc", right="b")',
        "It is the second letter.",
        "guess = 0.5",
        "guess = 1",
        'answer = """Because it is so and not otherwise."""',
        "- 4 points: says because.",
    }


def test_what_a_seed_exchanges_is_secret(file):
    first = dataclasses.replace(file.exercises[0], variant='exchange("three", "four")')
    changed = dataclasses.replace(file, exercises=(first, *file.exercises[1:]))
    assert secret_lines(changed) == secret_lines(file) | {'exchange("three", "four")'}


def test_a_secret_line_is_found_in_cells_and_metadata(file):
    from nbformat.v4 import new_code_cell, new_notebook

    clean = new_notebook(cells=[new_code_cell("def twice(x):\n    pass")])
    assert leaked_lines(file, clean) == []
    in_cell = new_notebook(cells=[new_code_cell("if 1:\n    return result")])
    assert leaked_lines(file, in_cell) == ["return result"]
    clean.cells[0].metadata["note"] = {"deep": ["x", "guess = 0.5"]}
    assert leaked_lines(file, clean) == ["guess = 0.5"]
    assert leaked_lines(file, instructor_notebook(file)) != []


def test_ids_are_what_nbgrader_allows(file):
    assert grade_id(file.exercises[0]) == "small-twice"
    assert grade_id(file.exercises[0], "hidden") == "small-twice--hidden"
