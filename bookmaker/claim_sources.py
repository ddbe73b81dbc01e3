"""Holds a lesson's prose and its cells against each other: every claim stands in both.

Prose names a claim as a code span, ``claim: chapter.model.what``; a cell checks it by calling
``claim("chapter.model.what", ...)``. ``bookmaker.sentences`` does the same for lessons whose
sentences are checked exactly or recorded.
"""

import ast
import re
from collections import Counter

from bookmaker.lessons import read_text
from recsys_book.paths import LessonError

_IN_PROSE = re.compile(r"`claim: *([^`]*?) *`")
# A claim of another lesson is cited by its bare name.
_CITED = re.compile(r"`(\w+)\.(\w+)\.(\w+)`")


def ids_in_prose(notebook):
    """Return the identifiers of all claims that the prose cells name, in order."""
    return [
        match.group(1)
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for match in _IN_PROSE.finditer(cell.source)
    ]


def calls_in_cell(source, name="claim"):
    """Return the calls of the function ``name`` in a code cell, as syntax-tree nodes."""
    if name not in source:
        return []
    plain = "\n".join("" if line.lstrip()[:1] in "%!" else line for line in source.splitlines())
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        # Whatever else is wrong with the cell shows when it is executed.
        return []
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) == name or getattr(node.func, "attr", None) == name)
    ]


def ids_in_cells(notebook, name="claim"):
    """Return ``(identifiers, faults)``: of all calls of a function, and of those without a literal.

    Args:
        notebook: a lesson.
        name: ``"claim"`` or ``"exact"``.
    """
    identifiers, faults = [], []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        for call in calls_in_cell(cell.source, name):
            arguments = [*call.args, *(k.value for k in call.keywords if k.arg == "identifier")]
            first = arguments[0] if arguments else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                identifiers.append(first.value)
            else:
                faults.append(f"cell {number} calls {name} without a literal identifier")
    return identifiers, faults


def claim_problems(text_path, notebook):
    """Return the claims of one lesson that stand only in its prose or only in its cells."""
    in_prose = ids_in_prose(notebook)
    in_cells, faults = ids_in_cells(notebook)
    problems = [f"{text_path}: {fault}" for fault in faults]
    for identifier in sorted(set(in_prose) - set(in_cells)):
        problems.append(f"{text_path}: claim {identifier} stands in the prose; no cell checks it")
    for identifier in sorted(set(in_cells) - set(in_prose)):
        problems.append(f"{text_path}: claim {identifier} is checked; no sentence of prose has it")
    for identifier, count in sorted(Counter(in_cells).items()):
        if count > 1:
            problems.append(f"{text_path}: claim {identifier} is checked in {count} places")
    shows_table = any(
        calls_in_cell(cell.source, "claims_table")
        for cell in notebook.cells
        if cell.cell_type == "code"
    )
    if in_cells and not shows_table:
        problems.append(f"{text_path}: has claims, but no cell calls claims_table()")
    return problems


def problems_between(text_paths, findings=()):
    """Return the sentences that more than one lesson checks, and the cited ones that none does.

    A code span of three parts is taken for a citation if some sentence begins with its first part.

    Args:
        text_paths: of the lessons.
        findings: identifiers of all recorded findings; no check may bear the name of one.
    """
    owners, cited = {}, []
    for text_path in text_paths:
        try:
            notebook = read_text(text_path)
        except LessonError:
            continue
        for kind in ("claim", "exact"):
            for identifier in sorted(set(ids_in_cells(notebook, kind)[0])):
                owners.setdefault(identifier, []).append((text_path, kind))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cited += [(text_path, *found.groups()) for found in _CITED.finditer(cell.source)]
    twice = [
        f"{path}: {kind} {identifier} is already checked in {places[0][0]}"
        for identifier, places in sorted(owners.items())
        for path, kind in places[1:2]
    ]
    recorded = [
        f"{path}: {kind} {identifier} has the name of a recorded finding"
        for identifier in sorted(set(owners) & set(findings))
        for path, kind in owners[identifier]
    ]
    known = {*owners, *findings}
    beginnings = {identifier.split(".")[0] for identifier in known}
    unknown = [
        f"{text_path}: cites claim {'.'.join(parts)}, which no lesson checks"
        for text_path, *parts in dict.fromkeys(cited)
        if parts[0] in beginnings and ".".join(parts) not in known
    ]
    return twice + recorded + unknown
