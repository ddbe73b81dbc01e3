import importlib.metadata

import pytest

from recsys_book.reader.environment import READY, check_env, environment_problems


def versions(**installed):
    def installed_version(name):
        try:
            return installed[name.replace("-", "_")]
        except KeyError:
            raise importlib.metadata.PackageNotFoundError(name) from None

    return installed_version


REQUIREMENTS = ["numpy>=2.1,<3", "tensorflow-cpu>=2.21,<2.22", 'pytest>=9; extra == "test"']
OF_THE_BOOK = 'jupyterlab>=4.5,<5; extra == "book"'


def test_this_environment_is_ready(capsys):
    check_env()
    assert capsys.readouterr().out == READY + "\n"


def test_all_well():
    installed = versions(numpy="2.4.0", tensorflow_cpu="2.21.0")
    assert environment_problems("3.12.1", REQUIREMENTS, installed) == []


def test_the_gpu_build_stands_in_for_the_cpu_build():
    installed = versions(numpy="2.4.0", tensorflow="2.21.0")
    assert environment_problems("3.12.1", REQUIREMENTS, installed) == []


def test_what_the_book_needs_on_top_of_the_library_is_needed():
    installed = versions(numpy="2.4.0", tensorflow_cpu="2.21.0")
    (problem,) = environment_problems("3.12.1", [*REQUIREMENTS, OF_THE_BOOK], installed)
    assert problem.startswith("jupyterlab: not installed, needs")


@pytest.mark.parametrize("python_version", ["3.10.9", "3.14.0", "3.14.0rc1"])
def test_names_a_python_out_of_range(python_version):
    installed = versions(numpy="2.4.0", tensorflow_cpu="2.21.0")
    (problem,) = environment_problems(python_version, REQUIREMENTS, installed)
    assert python_version in problem
    assert ">=3.11" in problem


def test_names_missing_and_outdated_packages():
    first, second = environment_problems("3.12.1", REQUIREMENTS, versions(numpy="1.26.4"))
    assert first.startswith("numpy: 1.26.4 is installed, needs")
    assert second.startswith("tensorflow-cpu: not installed, needs")


def test_prints_one_line_for_each_problem(monkeypatch, capsys):
    monkeypatch.setattr(
        "recsys_book.reader.environment.environment_problems",
        lambda: ["numpy: missing", "keras: old"],
    )
    check_env()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["numpy: missing", "keras: old"]
    assert "make lab" in lines[2]
