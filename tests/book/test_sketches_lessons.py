"""The sketches of every lesson and companion are of the model that stands beside them.

Each text that shows a sketch or a family is run as a reader runs it, but on few rows, and nothing
is trained, timed or shown, until all that it has drawn has been met in its own cells.
"""

import ast
import contextlib
import functools
import inspect
import io
import itertools
import math
import re
from unittest import mock

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from bookmaker.lessons.lessons import (
    calls_in_cell,
    code_of,
    companion_text,
    describe,
    find_texts,
    is_deeper,
    lesson_text,
    read_text,
)
from recsys_book.base.paths import CHAPTERS
from recsys_book.pictures.examples import example
from recsys_book.pictures.families import FAMILIES, panels
from recsys_book.pictures.registry import drawing
from recsys_lib.data import movielens, simulator
from recsys_lib.keras_internals import layers_of
from recsys_lib.training import Trainer
from recsys_lib.zoo import find

FUNCTIONAL = type(keras.Model(same := keras.Input(()), same))
"""The class of a model of inputs and outputs."""
WHOLE = re.compile(r'"[\w.]+\.whole_model"')
FORMULA = re.compile(r"\$\$(.*?)\$\$|\$([^$]+)\$", re.DOTALL)
BESIDE_WORDS = re.compile(r"\$\$.*?\$\$|\$[^$]+\$|`[^`]*`|\]\([^)]*\)", re.DOTALL)
BESIDE_LETTERS = re.compile(r"\\text\{[^}]*\}|\\(?:begin|end)\{\w+\}|\\?[A-Za-z]{2,}")
SIZES = {"num_rows": 500, "num_valid_rows": 60, "num_test_rows": 240}


def draws(source):
    return bool(calls_in_cell(source, "sketch") or calls_in_cell(source, "family"))


TEXTS = [path for path in find_texts() if any(map(draws, code_of(path)))]


class Drawn:
    """A drawing, and the model that it was drawn from."""

    def __init__(self, picture, model):
        self.picture, self.model = picture, model

    def labels(self, kind=""):
        return [" ".join(box.lines) for box in self.picture.boxes if kind in ("", box.kind)]


def facts(model):
    """The inputs with their shapes, and the names of the outputs or their number."""
    inputs = {tensor.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    return inputs, set(model.output) if isinstance(model.output, dict) else len(model.outputs)


def numbers_of(model):
    return sum(math.prod(one.shape) for one in model.weights if "float" in one.dtype)


def agree(drawn, own):
    """Whether two models have the same columns and outputs, and as many numbers to learn."""
    # The library's head has a bias of its own, also where the layer before it has one.
    more = numbers_of(drawn) - numbers_of(own)
    return facts(drawn) == facts(own) and 0 <= more <= len(own.outputs)


def is_plain(model):
    return not any(type(one).__module__.startswith("recsys_lib") for one in layers_of(model))


def small(draw):
    """A simulator's function that draws few rows, whatever it is asked for."""
    signature = inspect.signature(draw)

    def drawn(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        for name, most in SIZES.items():
            given.arguments[name] = min(given.arguments[name], most)
        return draw(*given.args, **given.kwargs)

    return drawn if set(SIZES) <= set(signature.parameters) else draw


def as_written(build):
    """A lesson's function that also makes the model that its own defaults say."""

    @functools.wraps(build)
    def built(*args, **kwargs):
        if args and kwargs:
            build(*args)
        return build(*args, **kwargs)

    return built


class Reading:
    """A text, read until what it draws has been met in its own cells or in its companion's.

    Attributes:
        groups: a list of ``Drawn`` for each cell that draws.
        made: the lesson's own models, and those of the library that it holds against them.
        own: dict of the id of a drawn model to the model of the lesson that agrees with it.
        held: the names of the library's models in exact checks of whole models.
    """

    def __init__(self, path):
        self.path, self.groups, self.made, self.own, self.met = path, [], [], {}, []
        self.held, self.is_whole = set(), any(map(WHOLE.search, code_of(path)))
        other = lesson_text(path) if is_deeper(path) else companion_text(path)
        own = self.steps(path)
        # What a companion draws may be its lesson's model, which is met sooner there.
        texts = [self.steps(other), own] if is_deeper(path) else [own, self.steps(other)]
        with self.untrained(), contextlib.redirect_stdout(io.StringIO()):
            while len(self.groups) < sum(map(draws, code_of(path))):
                next(own)
            for _ in itertools.chain([None], *texts):
                if self.is_met():
                    break
        plt.close("all")

    @contextlib.contextmanager
    def untrained(self):
        """Few rows, no log, no training, and a note of each model that is made."""
        original = FUNCTIONAL.__init__

        def recorded(model, *args, **kwargs):
            original(model, *args, **kwargs)
            self.met.append(model)

        lenses = [name for name in simulator.__all__ if name.islower()]
        with (
            mock.patch.object(FUNCTIONAL, "__init__", recorded),
            mock.patch.object(keras.Model, "fit", mock.MagicMock()),
            mock.patch.object(Trainer, "fit", mock.MagicMock()),
            mock.patch.object(movielens, "load", side_effect=ValueError("no log is read here")),
            mock.patch.multiple(
                simulator, **{name: small(getattr(simulator, name)) for name in lenses}
            ),
        ):
            yield

    def steps(self, path):
        """Run a text cell by cell."""
        codes = code_of(path) if path.exists() else []
        is_whole = any(map(WHOLE.search, codes))
        names = {"__name__": "__main__", "display": mock.Mock()}
        for source in codes:
            if draws(source) and path != self.path:
                continue
            self.met.clear()
            self.run(path, source, names)
            # An exact check holds the library's whole model against that of the lesson.
            is_held = not is_whole or is_deeper(self.path) or WHOLE.search(source)
            if WHOLE.search(source) and path == self.path:
                self.held |= {one.name for one in self.met if not is_plain(one)}
            if not draws(source):
                self.made += [one for one in self.met if is_held or is_plain(one)]
            yield

    def run(self, path, source, names):
        """Run what a cell defines, calls of its own and draws, not what it shows.

        A statement may fail where it needs what training leaves behind.
        """

        def one(name, model=None, **options):
            model = example(find(name)) if model is None else model
            self.groups.append([Drawn(drawing(name, model, **options), model)])

        def several(name, models=None):
            models = models or {key: example(find(key)) for key in FAMILIES[name].panels}
            pairs = zip(FAMILIES[name].panels, panels(name, models).drawings, strict=True)
            self.groups.append([Drawn(picture, models[key]) for key, picture in pairs])

        untimed = mock.Mock(return_value=mock.Mock(best=1.0))
        for statement in ast.parse(source).body:
            called = statement.value if isinstance(statement, ast.Expr) else None
            own = names.get(getattr(getattr(called, "func", None), "id", None))
            is_own = getattr(own, "__module__", None) == "__main__" or WHOLE.search(source)
            is_drawing = draws(ast.unparse(statement))
            if called is None or is_own or is_drawing:
                forgiven = () if is_drawing else (Exception,)
                with contextlib.suppress(*forgiven):
                    exec(compile(ast.Module([statement], []), str(path), "exec"), names)
            if isinstance(statement, ast.FunctionDef) and "keras.Model(" in ast.unparse(statement):
                names[statement.name] = as_written(names[statement.name])
            names |= {"sketch": one, "family": several, "stopwatch": untimed}

    def is_met(self):
        """Whether a model of the lesson agrees with each drawn one.

        Of a family only what the lesson holds against its own whole model must agree, or any one.
        """
        for drawn in (one for group in self.groups for one in group):
            for own in self.made:
                if own is not drawn.model and agree(drawn.model, own):
                    self.own.setdefault(id(drawn.model), own)
        is_met = bool(self.groups)
        for group in self.groups:
            met = {one.model.name for one in group if id(one.model) in self.own}
            held = self.held & {one.model.name for one in group}
            is_seen = held or len(group) == 1 or not self.is_whole
            is_met &= bool(met and is_seen and held <= met)
        return is_met

    def pairs(self):
        """Each drawing that was met, and the model of the lesson."""
        drawn = (one for group in self.groups for one in group)
        return [(one, self.own[id(one.model)]) for one in drawn if id(one.model) in self.own]


@pytest.fixture(scope="module", params=TEXTS, ids=lambda path: path.stem)
def text(request):
    return request.param


@pytest.fixture(scope="module")
def reading(text):
    return Reading(text)


def test_what_is_drawn_is_a_model_of_the_lesson(reading):
    assert reading.is_met(), [
        (*facts(one), numbers_of(one))
        for one in [*(one.model for group in reading.groups for one in group), *reading.made]
    ]
    for group in reading.groups:
        assert all(facts(one.model) == facts(group[0].model) for one in group)
        assert not any(one.picture.problems() for one in group)


def shapes_in(model):
    """The shapes, without the batch, of all that a model computes, inside of its layers, too."""
    given = keras.tree.map_structure(
        lambda x: tf.TensorSpec((None, *x.shape[1:]), x.dtype), model.input
    )
    graph = tf.function(model, autograph=False).get_concrete_function(given).graph
    operations = graph.get_operations()
    outputs = [tensor.shape for one in operations for tensor in one.outputs]
    joined = [
        [part.shape[-1] for part in one.inputs[:-1]] for one in operations if one.type == "ConcatV2"
    ]
    # The library joins some of the vectors that a lesson puts side by side first.
    runs = {
        (sum(sizes[first:last]),)
        for sizes in joined
        if None not in sizes
        for first, last in itertools.combinations(range(len(sizes) + 1), 2)
    }
    return runs | {tuple(shape[1:]) for shape in outputs if shape.rank}


def test_the_numbers_at_arrows_are_those_of_the_lessons_model(reading):
    for drawn, own in reading.pairs():
        computed = shapes_in(own)
        for arrow in drawn.picture.arrows:
            if re.fullmatch(r"\d+( × \d+)*", arrow.label):
                shape = tuple(map(int, arrow.label.split(" × ")))
                # A lesson may keep apart what the library stacks: experts, towers, gates.
                inner = {one[1:] for one in computed} | computed - {()}
                assert shape in inner or shape[1:] in inner - {()}, arrow


def test_a_probability_is_called_so_and_a_number_by_its_name(reading):
    rng = np.random.default_rng(0)
    for drawn, own in reading.pairs():
        for weight in own.weights:
            if "float" in weight.dtype:
                weight.assign(np.abs(rng.normal(size=weight.shape)))
        rows = keras.tree.map_structure(
            lambda x: rng.integers(0, 3, (64, *x.shape[1:])).astype(x.dtype), own.input
        )
        found = own(rows)
        said = " ".join(drawn.labels("output"))
        for name, values in (found if isinstance(found, dict) else {"": found}).items():
            is_chance = np.all((np.asarray(values) >= 0) & (np.asarray(values) <= 1))
            assert (f"p({name}" in said) == is_chance and name in said, said


def test_a_box_of_one_column_has_its_name(reading):
    for drawn, own in reading.pairs():
        for box in drawn.picture.boxes:
            if box.key == "s":
                assert box.lines[0].split()[0] in facts(own)[0]


def prose_of(text):
    """What a text and those that it builds on say."""
    lesson = lesson_text(text)
    texts = [text, lesson, *(CHAPTERS / f"{one}.md" for one in describe(lesson).prerequisites)]
    cells = [cell for one in dict.fromkeys(texts) for cell in read_text(one).cells]
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def stem(word):
    return re.sub(r"(?:e?s|ed|ing)$", "", word) if len(word) > 4 else word.removesuffix("s")


def words_in(prose):
    return {stem(word) for word in re.findall(r"[a-z]{2,}", BESIDE_WORDS.sub(" ", prose.lower()))}


def letters_in(prose):
    formulas = " ".join(one or other for one, other in FORMULA.findall(prose))
    return set(re.findall(r"[A-Za-z]", BESIDE_LETTERS.sub(" ", formulas)))


def test_words_and_letters_of_a_picture_are_those_of_the_lesson(text, reading):
    prose = prose_of(text)
    called = re.findall(r"\.(\w+)\(", "\n".join(code_of(text)))
    known = words_in(prose) | {stem(word) for name in called for word in name.lower().split("_")}
    for drawn in (one for group in reading.groups for one in group):
        inputs, outputs = facts(drawn.model)
        names = {*inputs, *(outputs if isinstance(outputs, set) else drawn.model.output_names)}
        said = re.sub(rf"\b({'|'.join(map(re.escape, names))})\b", " ", "\n".join(drawn.labels()))
        assert words_in(said) <= known, words_in(said) - known
        assert letters_in(said) <= letters_in(prose), letters_in(said) - letters_in(prose)


def test_losses_are_drawn_where_the_lesson_has_symbols_for_them(text, reading):
    symbols = "\n".join(cell.source for cell in read_text(text).cells)
    for drawn, own in reading.pairs():
        outputs = facts(own)[1]
        tasks = outputs if isinstance(outputs, set) else set()
        has_symbol = any(rf"| $\omega_\text{{{task}}}$ |" in symbols for task in tasks)
        losses = [label for label in drawn.labels("loss") if label.startswith("loss")]
        assert len(losses) == (len(tasks) if has_symbol else 0)
