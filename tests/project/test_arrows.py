"""Who may import whom: no import runs upward and none in a circle.

checks <- features <- layers <- data <- training <- models <- zoo     all in recsys_lib
recsys_lib <- recsys_book                                             the two do not
recsys_lib <- recsys_pipeline                                         know each other
all three  <- bookmaker, experiments, benchmarks
"""

import graphlib
from pathlib import Path

import pytest

from bookmaker import PACKAGES
from bookmaker.code.imports import find_modules, imports_in, loaded_by
from bookmaker.lessons.lessons import code_of

ROOT = Path(__file__).parents[2]
OURS = (*PACKAGES, "bookmaker", "benchmarks", "experiments")

MODELS = (
    "memorization",
    "second_order",
    "higher_order",
    "sequence",
    "multi_task",
    "multi_scenario",
    "one_request",
    "loops",
)
LAYERS = (
    ("checks", "lazy", "keras_graphs", "keras_internals", "locks", "replicas"),
    ("features",),
    ("layers",),
    ("data",),
    ("training",),
    MODELS,
    ("zoo",),
)
"""Parts of the library, the lowest first; a part may import its own layer and those below."""

BELOW_BOOK = {part for layer in LAYERS[:5] for part in layer}
"""What lessons import to teach knows no model."""
IN_LIBRARY = {part for layer in LAYERS for part in layer}


def part_of(module):
    """The part of the library, ``recsys_lib`` for its ``__init__``, or the package of authors."""
    head, *rest = module.split(".")
    return rest[0] if head == "recsys_lib" and rest else head


def may_import(part, other):
    if part == other or other == "recsys_lib":
        return True
    if part == "recsys_lib":
        return other in LAYERS[0]
    if part in OURS[len(PACKAGES) :]:
        # A later one of these may use an earlier one; circles between them are found below.
        return True
    if part == "recsys_book":
        return other in BELOW_BOOK
    if part == "recsys_pipeline":
        return other in IN_LIBRARY
    height = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    return part in height and other in height and height[other] <= height[part]


def graph_of(modules):
    """Dict of each module to the modules of ours that it imports."""
    return {
        module: {
            other
            for name in imports_in(path.read_text(encoding="utf-8"))
            for other in loaded_by(*name, modules)
        }
        - {module}
        for module, path in modules.items()
    }


SKETCHES = ("recsys_book.pictures", "recsys_book.plotting.figures")
"""Pictures and looks are of the rows of the zoo, which names builders and imports none."""


def upward(graph):
    """The imports that no arrow allows."""
    return sorted(
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in others
        if not may_import(part_of(module), part_of(other))
        and not (module.startswith(SKETCHES) and part_of(other) == "zoo")
    )


def circle(graph):
    """The modules of a circle of imports, or none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def between_parts(graph):
    """The same graph, a node for each part of the library."""
    parts = {}
    for module, others in graph.items():
        known = parts.setdefault(part_of(module), set())
        known |= {part_of(other) for other in others} - {part_of(module), "recsys_lib"}
    return parts


@pytest.fixture(scope="module")
def graph():
    return graph_of(find_modules(ROOT, OURS))


def test_every_part_of_the_library_has_its_place(graph):
    placed = IN_LIBRARY | {"recsys_lib"}
    assert {part_of(module) for module in graph if module.startswith("recsys_lib")} <= placed


def test_no_import_runs_upward(graph):
    assert upward(graph) == []


def test_no_import_runs_in_a_circle(graph):
    assert circle(graph) == []
    assert circle(between_parts(graph)) == []


def between_rooms(graph, package):
    """The graph of a package's folders; what only starts or opens the package stands above them."""
    rooms = {}
    for module, others in graph.items():
        if module.startswith(f"{package}.") and module != f"{package}.__main__":
            known = rooms.setdefault(room_of(module, graph), set())
            known |= {room_of(one, graph) for one in others if one.startswith(f"{package}.")}
    return {room: others - {room} for room, others in rooms.items()}


def room_of(module, graph):
    is_folder = any(other.startswith(f"{module}.") for other in graph)
    return module if is_folder else ".".join(module.split(".")[:2][: module.count(".")])


@pytest.mark.parametrize("package", ["bookmaker", "experiments", "recsys_book"])
def test_a_package_has_at_most_ten_rooms_and_no_circle_of_them(graph, package):
    rooms = between_rooms(graph, package)
    assert 5 <= len(rooms) <= 10
    assert circle(rooms) == []


def test_a_circle_of_rooms_is_found(planted):
    graph = planted(
        {
            "bookmaker.code.imports": "from bookmaker.gate import selection",
            "bookmaker.gate.selection": "from bookmaker.code import names",
            "bookmaker.code.names": "",
        }
    )
    assert circle(graph) == []
    assert circle(between_rooms(graph, "bookmaker"))


def test_lessons_and_exercises_import_only_the_library():
    found = []
    for path in sorted((ROOT / "chapters").rglob("*.md")):
        names = {module for code in code_of(path) for module, _ in imports_in(code)}
        found += [
            f"{path.name} imports {name}"
            for name in sorted(names)
            if name.split(".")[0] in OURS[len(PACKAGES) :]
        ]
    assert found == []


@pytest.fixture
def planted(tmp_path):
    """Graph of a small library in which some modules say what they are given."""

    def write(sources):
        for module, source in sources.items():
            path = tmp_path / (module.replace(".", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return graph_of(find_modules(tmp_path, OURS))

    write({f"recsys_lib.{part}.__init__": "" for part in ("features", "training", "zoo")})
    write(
        {
            "recsys_lib.__init__": "",
            "recsys_lib.checks": "",
            "recsys_lib.features.columns": "from recsys_lib.checks import check",
            "recsys_lib.training.metrics": "",
            "recsys_lib.second_order.__init__": FACE,
            "recsys_lib.second_order.fm": "from recsys_lib.features.columns import Column",
            "recsys_book.base.paths": "",
            "bookmaker.building.build": "from recsys_book.base import paths",
        }
    )
    return write


FACE = """\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.second_order.fm import build_fm
"""


def test_a_clean_library_has_no_violation(planted):
    graph = planted({})
    assert (upward(graph), circle(graph), circle(between_parts(graph))) == ([], [], [])


@pytest.mark.parametrize(
    ("where", "source", "violation"),
    [
        ("features.columns", "import recsys_lib.training.metrics", "training.metrics"),
        ("features.columns", "from recsys_lib.training import metrics", "training.metrics"),
        ("features.columns", "def f():\n    import recsys_lib.second_order.fm", "second_order.fm"),
        ("checks", "from recsys_lib.features.columns import Column", "features.columns"),
        ("training.metrics", "from recsys_lib.second_order import build_fm", "second_order.fm"),
        ("second_order.fm", "from recsys_lib import zoo", "zoo"),
    ],
)
def test_an_import_that_runs_upward_is_found(planted, where, source, violation):
    graph = planted({f"recsys_lib.{where}": source})
    assert f"recsys_lib.{where} imports recsys_lib.{violation}" in upward(graph)


@pytest.mark.parametrize(
    ("module", "source", "imported"),
    [
        (
            "recsys_book.base.paths",
            "from bookmaker.building import build",
            "bookmaker.building.build",
        ),
        (
            "recsys_book.plots",
            "from recsys_lib.second_order.fm import f",
            "recsys_lib.second_order.fm",
        ),
        (
            "recsys_lib.second_order.fm",
            "from recsys_book.base import paths",
            "recsys_book.base.paths",
        ),
        ("recsys_book.plots", "from recsys_pipeline import serve", "recsys_pipeline.serve"),
        ("recsys_pipeline.serve", "from recsys_book.base import paths", "recsys_book.base.paths"),
        ("recsys_lib.checks", "from recsys_pipeline import serve", "recsys_pipeline.serve"),
    ],
)
def test_a_package_that_knows_what_it_must_not_is_found(planted, module, source, imported):
    planted({"recsys_book.__init__": "", "recsys_pipeline.__init__": ""})
    graph = planted({"recsys_pipeline.serve": "", module: source})
    assert f"{module} imports {imported}" in upward(graph)


def test_circles_of_modules_and_of_parts_are_found(planted):
    graph = planted({"recsys_lib.checks": "def f():\n    from recsys_lib.features import columns"})
    assert {"recsys_lib.checks", "recsys_lib.features.columns"} <= set(circle(graph))
    graph = planted(
        {
            "recsys_lib.checks": "",
            "recsys_lib.sequence.a": "import recsys_lib.second_order.b",
            "recsys_lib.second_order.b": "",
            "recsys_lib.second_order.c": "import recsys_lib.sequence.d",
            "recsys_lib.sequence.d": "",
        }
    )
    assert circle(graph) == []
    assert {"sequence", "second_order"} <= set(circle(between_parts(graph)))


def test_type_checkers_alone_see_some_imports():
    source = "if TYPE_CHECKING:\n    import recsys_lib.zoo\nelse:\n    import recsys_lib.lazy\n"
    assert list(imports_in(source)) == [("recsys_lib.lazy", None)]


def test_a_relative_import_is_refused():
    with pytest.raises(ValueError, match="expected an absolute import"):
        list(imports_in("from .columns import select"))


def test_a_module_that_is_not_there_is_named(tmp_path):
    modules = {"recsys_lib": tmp_path / "__init__.py"}
    modules["recsys_lib"].write_text("")
    with pytest.raises(ValueError, match=r"recsys_lib\.nothing: no such module"):
        loaded_by("recsys_lib.nothing", "thing", modules)
    assert loaded_by("numpy", None, modules) == set()
