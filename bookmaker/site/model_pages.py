"""The table of all models, and the scoreboards of the real logs, as HTML that can be sorted."""

import html
from collections.abc import Mapping
from typing import Any

from bookmaker.names import definition, docstring, offered_by_package
from bookmaker.site.links import html_of
from recsys_lib.zoo import MODELS

BOARDS = {"scoreboards.movielens": "MovieLens", "scoreboards.kuairand": "KuaiRand"}
RIVAL = "trees"


def models_page(pages: set[str], drawn: bool = True) -> str:
    """The page of all models: picture, idea, lesson, paper, source.

    Args:
        pages: paths of the staged pages; a lesson that is none has no link.
        drawn: whether the pictures are there.
    """
    homes = {
        f"{one.package}:{one.name}": one for names in offered_by_package().values() for one in names
    }
    rows = []
    for row in MODELS:
        builder = homes[row.builder]
        idea = docstring(builder).split("\n\n")[0].replace("``", "").replace("`", "")
        said = ", ".join(f"{key}={value!r}" for key, value in row.options.items())
        options = f"<br><code>{html.escape(said)}</code>" if said else ""
        lesson = f"chapters/{row.lesson}.ipynb"
        taught = html.escape(row.lesson.split("/")[1])
        if lesson in pages:
            taught = f'<a href="../{html_of(lesson)}">{taught}</a>'
        source = builder.module.replace(".", "/")
        name, picture = html.escape(row.name), f"../pictures/models/{row.key}.svg"
        image = f'<img loading="lazy" width="160" alt="Picture of {name}" src="{picture}">'
        line = definition(builder).lineno
        cells = (
            f'<a href="{picture}">{image}</a>' if drawn else "",
            html.escape(" ".join(idea.split())) + options,
            taught,
            html.escape(row.paper),
            f'<a href="../source/{source}.html#L-{line}">{builder.name}</a>',
        )
        rest = "".join(f"<td>{one}</td>" for one in cells)
        rows.append(f'<tr id="{row.key}"><th scope="row">{name}</th>{rest}</tr>')
    head = ("model", "picture", "idea", "lesson", "paper", "source")
    return f"# All models\n\n{len(MODELS)} models, one contract for all.\n\n" + _table(head, rows)


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
        parts.append(
            f"## {title}\n\n{record['users']:,} users of the test rows.\n\n{_table(head, rows)}"
        )
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


def _table(head, rows):
    heads = "".join(f'<th scope="col"><button type="button">{one}</button></th>' for one in head)
    return (
        f'<table class="table sortable"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table>\n"
    )


def draw(folder: str) -> None:
    """Draw each model of the zoo as SVG.

    Args:
        folder: for the files; it is there.
    """
    from pathlib import Path

    from recsys_book.pictures import sketch

    for row in MODELS:
        (Path(folder) / f"{row.key}.svg").write_text(sketch(row.key).svg, encoding="utf-8")
