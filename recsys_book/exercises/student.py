"""The functions that a student calls in a lesson: ``exercise``, ``check`` and ``hint``.

Verdicts are printed, so that their columns are aligned; prose is shown as Markdown.
"""

from recsys_book.exercises import progress_file, source
from recsys_book.exercises.cases import normalise_choice
from recsys_book.exercises.context import in_assignment, show
from recsys_book.exercises.mistakes import known_mistake
from recsys_book.exercises.parsing import ExerciseError
from recsys_book.exercises.verdicts import run_test
from recsys_lib.checks import nearest

PUBLIC_ONLY = "These are the public tests; a grade counts hidden ones too."
_EXAMPLE = "second_order.fm_recall"

TICK = "✓"
UNJUDGED = ("not attempted", "too slow", "stopped")

_hints_given: dict = {}
_all_hints: set = set()
_solved: set = set()
_predictions: dict = {}


def exercise(identifier=None):
    """Display an exercise: title, kind, points, expected minutes and statement.

    Args:
        identifier: as in the exercises file, such as ``"memorization.cross_index"``.
    """
    found = find("exercise", identifier)
    if found is not None:
        show(describe(found[1]))


def describe(one):
    """Return an `Exercise` as the Markdown that a student sees, without any part of a solution."""
    points = f"{one.points} {'point' if one.points == 1 else 'points'}"
    minutes = f"{one.minutes} {'minute' if one.minutes == 1 else 'minutes'}"
    return f"**{one.title}** ({one.kind}, {points}, about {minutes})\n\n{one.statement}"


def check(identifier=None, answer=...):
    """Run the public tests of an exercise on an answer and show the verdict.

    Args:
        identifier: such as ``"memorization.cross_index"``.
        answer: the function or value that the exercise asks for. ``...`` and ``None``, and a
            function that returns them or raises ``NotImplementedError``, count as no attempt.

    No error of the answer is raised; an answer that does not finish in a few seconds is stopped.
    The answer of a recall exercise is judged, and explained once it is right. If a wrong answer is
    a recorded mistake, the mistake is explained, also if only a hidden test would reject it.
    """
    found = find("check", identifier)
    if found is None:
        return
    file, one = found
    first = _predictions.get(identifier) or progress_file.first_prediction(identifier)
    verdict = verdict_of(file, one, answer)
    mistake = None
    if verdict.status not in UNJUDGED:
        mistake = known_mistake(file, one, answer, with_hidden=not in_assignment())
    if verdict.status != "not attempted":
        passed = verdict.passed and mistake is None
        status = "wrong" if verdict.passed and not passed else verdict.status
        progress_file.record(identifier, status, passed, _predictions.get(identifier))
        if passed:
            _solved.add(identifier)
    lines, prose = report(one, verdict, answer, first, mistake)
    print(lines)
    if prose:
        show(prose, plain=f"\n{prose}")


def verdict_of(file, one, answer, tests="public"):
    """Return the `Verdict` of one exercise's public or hidden tests on an answer."""

    def remember(predictions):
        _predictions.setdefault(one.identifier, progress_file.first_prediction(one.identifier))
        _predictions[one.identifier] = _predictions[one.identifier] or list(predictions)

    def run(code, which):
        name = f"{which} test of {one.identifier}"
        keep = remember if one.kind == "experiment" else None
        return run_test(file.setup, code, one.target, answer, name=name, remember_prediction=keep)

    if tests == "hidden":
        return run(one.hidden, "hidden")
    verdict = run(one.public, "public")
    if one.kind == "recall" and verdict.passed:
        # The instant check of a recall exercise explains the answer and does not grade it.
        return run(one.hidden, "hidden")
    return verdict


def report(one, verdict, answer, first_prediction=None, mistake=None):
    """Return the output of `check`: lines of plain text, and Markdown, which may be empty."""
    lines = [f"{one.identifier}: {_headline(one, verdict, mistake)}"]
    prose = [f"**A known mistake.** {mistake.text}"] if mistake is not None else []
    if one.kind == "recall" and verdict.rejected:
        why = why_wrong(one, answer)
        prose += [why] if why else []
        lines += [] if why or verdict.status != "wrong" else [f"  {verdict.details}"]
    elif verdict.details:
        head, _, rest = verdict.details.partition("\n")
        lines[0] += f", {head}"
        lines += rest.splitlines()
    if one.kind == "recall" and verdict.passed:
        prose.append(one.explanation)
    if one.kind == "open" and verdict.passed:
        prose.append(f"A person judges it by this rubric:\n\n{one.rubric}")
    if first_prediction:
        shown = ", ".join(f"{value:.4g}" for value in first_prediction)
        lines.append(f"  your first prediction, before any measurement: {shown}")
    if one.kind not in ("recall", "open") and verdict.status != "not attempted":
        lines.append(PUBLIC_ONLY)
    return "\n".join(lines), "\n\n".join(prose)


def hint(identifier=None, restart=False):
    """Show the next hint of an exercise, from gentle to explicit.

    Args:
        identifier: such as ``"memorization.cross_index"``.
        restart: whether to begin with the first hint again.
    """
    found = find("hint", identifier)
    if found is None:
        return
    if not isinstance(restart, bool):
        print(f"hint {identifier}, restart: expected True or False, got {restart!r}")
        return
    hints = found[1].hints
    given = 0 if restart else _hints_given.get(identifier, 0)
    if given >= len(hints):
        count = "the only hint" if len(hints) == 1 else f"the last of {len(hints)} hints"
        after = "" if in_assignment() else f'solution("{identifier}") shows the solution; '
        print(f'That was {count}. {after}hint("{identifier}", restart=True) begins again.')
        return
    _hints_given[identifier] = given + 1
    if given + 1 == len(hints):
        _all_hints.add(identifier)
    number = f"Hint {given + 1} of {len(hints)}"
    show(f"**{number}.** {hints[given]}", plain=f"{number}: {hints[given]}")


def is_solved(identifier):
    """Return whether an answer has passed, in this session or according to the progress file."""
    return identifier in _solved or progress_file.has_passed(identifier)


def has_all_hints(identifier):
    """Return whether the last hint has been shown in this session."""
    return identifier in _all_hints


def find(where, identifier):
    """The exercise; None, after printing what ``where`` was given instead, if there is none."""
    expected = (
        f'{where}: expected the name of an exercise, such as "{_EXAMPLE}", got {identifier!r}'
    )
    if not isinstance(identifier, str):
        print(expected)
        return None
    try:
        found = source.find_exercise(identifier)
        if found is not None:
            return found
        known = source.known_identifiers()
    except ExerciseError as error:
        # A path of the machine must not be in a notebook's output.
        print(f"{identifier}: its exercises file cannot be read: {_without_folder(error)}")
        return None
    meant = nearest(identifier, known) or "; open the lesson inside the book's folder"
    print(f"{expected}{meant}")
    return None


def _without_folder(error):
    head, separator, rest = str(error).partition(".exercises.md")
    return f"{head.replace(chr(92), '/').rsplit('/', 1)[-1]}{separator}{rest}"


def _headline(one, verdict, mistake=None):
    if verdict.status == "not attempted":
        return "not attempted yet"
    if one.kind == "recall":
        some = "right, and not all" if verdict.status == "partly right" else "wrong"
        return f"{TICK} right" if verdict.passed else some
    if one.kind == "open" and verdict.passed:
        return "an answer is there"
    if not verdict.passed:
        return "too slow" if verdict.status == "too slow" else "wrong"
    count = f"{verdict.num_cases} public {'case' if verdict.num_cases == 1 else 'cases'}"
    if mistake is not None:
        return f"not right yet, though it passes the {count}"
    if not verdict.num_cases:
        return f"{TICK} right, all public tests hold"
    if one.kind == "experiment":
        return (
            f"{TICK} right: the prediction holds on {count}, at most "
            f"{verdict.largest_difference:.2g} from the measurement"
        )
    if verdict.status == "exact":
        return f"{TICK} right: exact on {count}"
    return f"{TICK} right on {count}, largest difference {verdict.largest_difference:.2g}"


def why_wrong(one, answer):
    """Return the recorded reason why an option is wrong; "" if there is none."""
    letters = normalise_choice(answer)
    return next((m.text for m in one.mistakes if m.code == f'answer = "{letters}"'), "")
