"""The table of all models, and the scoreboards of the real logs, as HTML that can be sorted."""

import ast
import html
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bookmaker.code.names import ROOT, definition, docstring, offered_by_package
from bookmaker.site.links import html_of
from recsys_book.reader.start_page import read_outline
from recsys_lib.zoo import MODELS

BOARDS = {"scoreboards.movielens": "MovieLens", "scoreboards.kuairand": "KuaiRand"}
RIVAL = "trees"
Cost = tuple[int | None, int]
TOLD = (
    "*Operations* are the additions and multiplications for one candidate, and *weights* those "
    "beside the tables of ids and of crosses, of the builder's own sizes on four columns of ids "
    "and a number (and twenty behaviours, where a model reads them). A model that sorts a batch's "
    "rows by their scenario has no such number. Time follows operations only roughly: a large "
    "product is faster than many small ones. A click on a column's head sorts."
)


def models_page(pages: set[str], costs: Mapping[str, Cost]) -> str:
    """The page of all models: picture, idea, lesson, paper, source, cost.

    Args:
        pages: paths of the staged pages; a lesson that is none has no link.
        costs: what ``draw`` returned; if empty the page has no pictures and costs.
    """
    titles = {
        one["key"]: f"{chapter['number']} {one['title'].partition(':')[0]}"
        for chapter in read_outline()["chapters"]
        for one in chapter["lessons"]
    }
    homes = {
        f"{one.package}:{one.name}": one for names in offered_by_package().values() for one in names
    }
    rows = []
    for row in MODELS:
        builder = homes[row.builder]
        idea = _idea(builder)
        said = ", ".join(f"{key}={value!r}" for key, value in row.options.items())
        options = f"<br><code>{html.escape(said)}</code>" if said else ""
        lesson = f"chapters/{row.lesson}.ipynb"
        taught = html.escape(titles[row.lesson])
        if lesson in pages:
            taught = f'<a href="../{html_of(lesson)}">{taught}</a>'
        source = builder.module.replace(".", "/")
        name, picture = html.escape(row.name), f"../pictures/models/{row.key}.svg"
        image = f'<img loading="lazy" width="160" alt="Picture of {name}" src="{picture}">'
        linked = f'<a href="{picture}">{image}</a>' if costs else ""
        line = definition(builder).lineno
        cost = costs.get(row.key, (0, 0))
        cells = (
            f"<td>{linked}</td>",
            f"<td>{html.escape(idea)}{options}</td>",
            f"<td>{taught}</td>",
            *(f'<td data-value="{one or 0}">{f"{one:,}" if one else "–"}</td>' for one in cost),
            f"<td>{html.escape(row.paper)}</td>",
            f'<td><a href="../source/{source}.html#L-{line}">{builder.name}</a></td>',
        )
        rows.append(f'<tr id="{row.key}"><th scope="row">{name}</th>{"".join(cells)}</tr>')
    head = ("model", "picture", "idea", "lesson", "operations", "weights", "paper", "source")
    return f"# All models\n\n{len(MODELS)} models, one contract for all. {TOLD}\n\n" + _table(
        head, rows
    )


def boards_page(records: Mapping[str, Mapping[str, Any]], pages: set[str]) -> str:
    """The page of the recorded scoreboards.

    Args:
        records: by their identifiers.
        pages: paths of the staged pages.
    """
    lesson = "chapters/04_sequence_models/05_sequence_comparison.deeper.ipynb"
    linked = f" [This lesson](../{lesson}) explains the boards." if lesson in pages else ""
    parts = [
        "# Scoreboards\n\nAll models, tuned with the same number of trials, on two real logs. GAUC "
        "compares the rows of one user, as a ranker does, and AUC all rows. A difference stands "
        f"with its 95 % interval over users. A click on a column's head sorts.{linked}\n"
    ]
    keys = {row.name: row.key for row in MODELS}
    for identifier, title in BOARDS.items():
        record = records[identifier]
        rows = [_board_row(one, record["scoreboard"], keys) for one in record["summary"]]
        head = (
            "model",
            "GAUC",
            f"GAUC ahead of {RIVAL}",
            "AUC",
            f"AUC ahead of {RIVAL}",
            "log loss",
        )
        said = f"{record['users']:,} users of the test rows."
        if log := record.get("log"):
            share = log["pairs_of_pages"] / log["pairs_of_users"]
            said += f" {share:.0%} of the {log['pairs_of_users']:,} pairs could have been one page."
        parts.append(f"## {title}\n\n{said}\n\n{_table(head, rows)}")
    return "\n".join(parts)


def _board_row(one, ahead, keys):
    name = html.escape(one["model"])
    linked = (
        f'<a href="models.html#{keys[one["model"]]}">{name}</a>' if one["model"] in keys else name
    )
    cells = [f'<th scope="row">{linked}</th>']
    for measure in ("gauc", "auc"):
        cells.append(f"<td>{one[measure][0]:.4f}</td>")
        lead = ahead[measure][RIVAL].get(one["model"])
        low, high = lead["interval"] if lead else (0, 0)
        said = f"{lead['effect']:+.4f} ({low:+.4f} to {high:+.4f})" if lead else ""
        cells.append(f'<td data-value="{lead["effect"] if lead else 0}">{said}</td>')
    return f"<tr>{''.join(cells)}<td>{one['log_loss'][0]:.4f}</td></tr>"


def _idea(builder):
    """The first sentence of the builder's docstring, or of its module's, if that says more."""
    said = docstring(builder).split("\n\n")[0]
    if said.startswith("Build"):
        module = (ROOT / builder.module.replace(".", "/")).with_suffix(".py")
        said = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))).split("\n\n")[0]
    return " ".join(said.replace("`", "").split())


def _table(head, rows):
    heads = "".join(f'<th scope="col"><button type="button">{one}</button></th>' for one in head)
    return (
        f'<table class="table sortable"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table>\n"
    )


def draw(folder: Path) -> dict[str, Cost]:
    """Draw each model of the zoo as SVG.

    Args:
        folder: for the files; it is there.

    Returns:
        Dict of a model's key to what it costs: operations for one row, None where the graph does
        not say how many rows a network gets, and weights.
    """
    import tensorflow as tf

    from recsys_book.pictures import sketch
    from recsys_book.pictures.examples import example

    tf.get_logger().setLevel("ERROR")  # it calls its own counting of operations deprecated
    for row in MODELS:
        (folder / f"{row.key}.svg").write_text(sketch(row.key).svg, encoding="utf-8")
    return {row.key: _cost(example(row)) for row in MODELS}


def _cost(model):
    """Operations for one row, as TensorFlow counts them in its graph, and weights."""
    import tensorflow as tf
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    one_row = {
        name: tf.TensorSpec((1, *wanted.shape[1:]), wanted.dtype)
        for name, wanted in model.input.items()
    }
    call = tf.function(lambda inputs: model(inputs, training=False))
    settings = {**ProfileOptionBuilder.float_operation(), "output": "none"}
    graph = call.get_concrete_function(one_row).graph
    products = [one for one in graph.get_operations() if re.search("MatMul|Einsum", one.type)]
    # A table is what the optimizers update row by row.
    tables = [one for one in model.weights if getattr(one, "rowwise", False)]
    weights = model.count_params() - sum(math.prod(one.shape) for one in tables)
    if not all(one.outputs[0].shape.is_fully_defined() for one in products):
        return None, weights
    counted = profile(graph, options=settings).total_float_ops
    return counted + sum(_of_einsum(one) for one in products if one.type == "Einsum"), weights


def _of_einsum(product):
    """Its operations, of which TensorFlow counts none: two for each combination of the indices."""
    letters = product.get_attr("equation").decode().partition("->")[0].replace(",", "")
    sizes = [size for one in product.inputs for size in one.shape]
    return 2 * math.prod(dict(zip(letters, sizes, strict=True)).values())
