"""The website's pages, made of small notebooks and ledgers, without Sphinx and a browser."""

import base64
import dataclasses
import html
import json
import re

import keras
import pytest
from exercise_text import small
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bookmaker.building.build import RESULTS
from bookmaker.code.names import ROOT
from bookmaker.lessons.lessons import Lesson
from bookmaker.site import build, checks, ledger_pages, model_pages, reference, start
from bookmaker.site.lesson_pages import LessonPages
from bookmaker.site.links import LEDGER, Links
from recsys_book import resolve
from recsys_book.pictures.examples import example
from recsys_book.plotting import frames
from recsys_book.reader.start_page import read_outline
from recsys_lib.features import CategoricalColumn, NumericColumn
from recsys_lib.memorization import build_deep, build_logistic_regression, build_wide
from recsys_lib.zoo import MODELS, find

PAGE = "chapters/00_small/01_small.ipynb"
OTHER = "chapters/00_small/02_other.ipynb"
REPOSITORY = "https://github.com/a/book"
PNG = b"a picture"


def code(source, *outputs, **metadata):
    shown = [new_output("display_data", data=one) for one in outputs]
    return new_code_cell(source, outputs=shown, metadata=metadata)


@pytest.fixture
def extra(tmp_path):
    """Folder of what is published as it is."""
    return tmp_path / "extra"


@pytest.fixture
def stage(chapters, extra):
    """Function that stages cells below a lesson's title; the title is left out of what it gives."""

    def staged(*cells, links=None):
        pages = LessonPages(chapters.folder, links or Links(ROOT, {PAGE}), extra)
        notebook = new_notebook(cells=[new_markdown_cell("# Small"), *cells])
        return pages.staged(notebook, PAGE).cells[1:]

    return staged


@pytest.fixture
def shown(monkeypatch):
    """What the running cell has displayed while the book is built."""
    found = []
    monkeypatch.setattr("IPython.display.display", lambda one, **kind: found.append(one))
    monkeypatch.setenv(frames.WANTED, "1")
    return found


def test_a_cell_of_guesses_becomes_fields(stage):
    _, fields = stage(code('guess("of_two", ..., "< 5 %")\nguess("rows_read", ...)'))
    assert fields.cell_type == "markdown"
    label, field = '<p class="guess"><label>Your guess, ', '<input inputmode="decimal" data-guess='
    assert fields.source.splitlines()[::2] == [
        f'{label}of two: {field}"of_two"> &lt; 5 %</label></p>',
        f'{label}rows read: {field}"rows_read"> </label></p>',
    ]


def test_what_a_guess_came_to_stands_below_the_cell_that_resolves_it(stage, shown, monkeypatch):
    resolve("of_two", 4.126, unit="of < 5 rows", digits=1)
    [result] = [one[frames.RESULT] for one in shown]
    monkeypatch.setenv(frames.WANTED, "0")
    resolve("of_two", 4.126, unit="of < 5 rows")
    assert len(shown) == 1
    _, cell, came = stage(code("resolve()", {"text/plain": "4.1"}, **{RESULTS: [result]}))
    assert cell.outputs[0].data == {"text/plain": "4.1"}
    assert came.source.strip() == (
        '<p class="result" data-guess="of_two" data-came="4.1" aria-live="polite">'
        "<em>of two</em>: 4.1 of &lt; 5 rows<span></span></p>"
    )


def test_frames_become_a_slider_at_its_start(stage, shown, extra):
    figures = [Figure(figsize=(2, 1 + number), dpi=100) for number in range(3)]
    drawn = [
        (value, (figure, f"It ends at {value} < 100."))
        for value, figure in zip((1, 20, 90), figures, strict=True)
    ]
    frames.show_frames("Slope (%) & more", 1, drawn)
    _, cell = stage(code('explore(draw, "slope", [1, 20, 90])', *shown))
    [slider] = [output.data["text/html"] for output in cell.outputs]
    assert slider.count("<img") == 1, "the first picture for viewers stands there, too"
    assert '<label for="slider-1">Slope (%) &amp; more: <b>20</b></label>' in slider
    assert (
        '<input type="range" id="slider-1" min="0" max="2" value="1" aria-valuetext="20">' in slider
    )
    said = "It ends at 20 &lt; 100."
    assert f'<p aria-live="polite">{said}</p><img alt="{said}" width="200" src=' in slider
    kept = json.loads(html.unescape(re.search('data-frames="([^"]+)"', slider)[1]))
    assert [(one["value"], one["sentence"]) for one in kept] == [
        (str(value), sentence) for value, (_, sentence) in drawn
    ]
    assert re.search(r'<img .*src="([^"]+)"', slider)[1] == kept[1]["src"]
    published = [extra / one["src"].removeprefix("../../") for one in kept]
    pngs = [base64.b64decode(one["png"]) for one in frames.frames_in(shown[0])]
    assert [path.read_bytes() for path in published] == pngs


def test_a_slider_without_frames_says_when_it_moves(stage):
    _, explored, plain = stage(code('explore(draw, "slope", [1, 2])'), code("total = 2"))
    assert "when you run the lesson" in explored.outputs[0].data["text/html"]
    assert plain.outputs == []


def test_hints_come_folded_and_nothing_else_of_an_exercise(stage, chapters):
    small(chapters.folder)
    for identifier in ("twice", "letter"):
        _, _, hints = stage(code(f'exercise("small.{identifier}")'))
        told = checks._squeezed(hints.source)
        count = hints.source.count("<details class='hint'>")
        assert "<details open" not in hints.source and count == hints.source.count("<summary>")
        for secret in ("return result", "np.arange", "second letter", "right=", "Squares", "x**2"):
            assert checks._squeezed(secret) not in told
        if identifier == "twice":
            assert count == 2 and "<summary>Hint 2 of 2</summary>\n\nMultiply." in hints.source
    assert len(stage(code('exercise("small.unknown")'))) == 2


def test_pictures_become_files_that_are_read_when_they_are_seen(stage, extra):
    data = base64.b64encode(PNG).decode()
    _, cell = stage(
        code("plot()", {"text/html": f'<img alt="x" src="data:image/png;base64,{data}">'})
    )
    found = re.fullmatch(
        r'<img alt="x" loading="lazy" src="../../(pictures/\w+\.png)">',
        cell.outputs[0].data["text/html"],
    )
    assert (extra / found[1]).read_bytes() == PNG


def test_a_lesson_is_downloaded_or_launched_elsewhere(stage):
    [bar] = stage()
    assert '<a download href="../../notebooks/00_small/01_small.ipynb">' in bar.source
    assert "mybinder" not in bar.source
    [bar] = stage(links=Links(ROOT, {PAGE}, REPOSITORY))
    assert f"https://mybinder.org/v2/gh/a/book/HEAD?urlpath=lab/tree/{PAGE}" in bar.source
    assert f'<a href="{REPOSITORY}/blob/main/{PAGE}">' in bar.source
    [bar] = stage(links=Links(ROOT, {PAGE}, "https://example.org/a/book"))
    assert "mybinder.org/v2/git/https%3A%2F%2Fexample.org%2Fa%2Fbook/HEAD" in bar.source


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[x](../../docs/serving.md#part)", "[x](../../docs/serving.md#part)"),
        ("[x](https://example.org/a)", "[x](https://example.org/a)"),
        ("![x](../../README.md)", "![x](../../README.md)"),
        ("[x](no_such_file.md)", "[x](no_such_file.md)"),
        ("[start](../index.ipynb)", "[start](../../index.md)"),
        ("[start](../../README.md)", "[start](../../index.md)"),
        (
            "[`x`](../../recsys_lib/layers/heads.py)",
            '<a href="../../source/recsys_lib/layers/heads.html">`x`</a>',
        ),
        (
            "[x](../../recsys_book/reader/week.py)",
            '<a href="../../source/recsys_book/reader/week.html">x</a>',
        ),
        (
            "[x](../../bookmaker/lessons/live.py)",
            f"[x]({REPOSITORY}/blob/main/bookmaker/lessons/live.py)",
        ),
        ("[x](../../Makefile)", f"[x]({REPOSITORY}/blob/main/Makefile)"),
        ("[x [y]](../../benchmarks)", f"[x [y]]({REPOSITORY}/tree/main/benchmarks)"),
    ],
)
def test_a_link_leads_to_a_page_to_source_or_out_of_the_site(link, expected):
    assert Links(ROOT, {PAGE, "docs/serving.md"}, REPOSITORY).rewrite(link, PAGE) == expected


def test_without_a_repository_a_file_that_is_no_page_is_plain_text():
    assert Links(ROOT, {PAGE}).rewrite("See [the file](../../Makefile).", PAGE) == "See the file."


def test_a_sign_leads_to_its_row_and_has_one_anchor_on_a_page():
    links = Links(ROOT, {PAGE, LEDGER}, sentences={"small.sum": "Two < four."})
    twice = links.rewrite("Four [≡](#small.sum). Again [✓](#small.sum). [○](#small.no)", PAGE)
    sign = (
        '<a class="sign" href="../../chapters/FINDINGS.html#small.sum" title="Two &lt; four." '
        'aria-label="Two &lt; four."'
    )
    assert twice == f'Four {sign} id="cited.small.sum">≡</a>. Again {sign}>✓</a>. ○'
    assert sign in links.rewrite("[≡](#small.sum)", OTHER)
    assert links.cited["small.sum"] == [PAGE, OTHER]
    assert links.rewrite("[≡](#small.sum)", "docs/notation.md") == "[≡](#small.sum)"
    assert Links(ROOT, {PAGE}, sentences=links.sentences).rewrite("[≡](#small.sum)", PAGE) == "≡"


ROWS = """\
## second_order.small

| finding | what is said | verdict | effect | interval |
| :--- | :--- | :--- | :--- | :--- |
| `second_order.small.ahead` | FM is ahead. | better | FM to LR: +3 points | +1 to +5 |
| `second_order.small.layers` | One is enough. | level | DCN, one layer to DCN-V2: +0 | -1 to +1 |
| `second_order.small.matrices` | A matrix helps. | better | DCN-V2 to FM: +2 points | +1 to +3 |

## Replications

| `second_order.small.ahead` | FM is ahead. | yes |
| `second_order.small.exact` | FM is a sum. |
"""


def test_a_row_of_the_ledger_has_one_anchor_and_leads_back_to_who_cites_it():
    cited = {"second_order.small.ahead": [PAGE]}
    page = ledger_pages.ledger_page(ROWS, cited, {PAGE: "FM: all pairs"})
    name = "second_order.small.ahead"
    assert page.count(f'<code id="{name}">{name}</code>') == page.count(f'id="{name}"') == 1
    back = f'<br><a href="../chapters/00_small/01_small.html#cited.{name}">FM</a> | FM is ahead.'
    assert page.count(back) == 2 and page.count("#cited.") == 2
    for ending in ("json", "csv"):
        assert page.count(f'href="../records/second_order.small.{ending}"') == 1
    assert "../records/Replications" not in page


def listed(page):
    """Dict of a heading to the identifiers that stand below it."""
    parts = re.split(r"^##+ (.+)\n", page, flags=re.M)[1:]
    return {
        heading: re.findall(r'^- <a href="../chapters/FINDINGS.html#([\w.]+)">', below, re.M)
        for heading, below in zip(parts[::2], parts[1::2], strict=True)
    }


def test_findings_are_listed_by_model():
    found = ledger_pages.entries(ROWS)
    assert found["second_order.small.layers"].effect == "DCN, one layer to DCN-V2: +0"
    ahead, layers, matrices = list(found)[:3]
    page = ledger_pages.by_model(found)
    assert f'#{ahead}">FM is ahead.</a> *better*' in page
    assert listed(page) == {
        "LR": [ahead],
        "FM": [ahead, matrices],
        "DCN": [layers],
        "DCN-V2": [layers, matrices],
    }


def test_a_page_is_checked_for_what_it_loads_links_and_lacks(tmp_path):
    (tmp_path / "good.html").write_text('<p id="a"><a href="#a">x</a> <code>$x$ \\frac</code></p>')
    assert checks.problems(tmp_path) == []
    (tmp_path / "bad.html").write_text(
        '<script src="https://example.org/x.js"></script><img src="good.html" alt="">'
        '<a href="good.html#b">x</a><a href="none.html">x</a><p>It is $\\frac{1}{2}$.</p>'
        + " "
        * checks.MOST_BYTES
    )
    found = "\n".join(checks.problems(tmp_path))
    for fault in ("bytes", "from a host", "alternative text", "#b", "none.html", "raw formula"):
        assert fault in found
    assert found.count("bad.html: ") == 6


@pytest.mark.parametrize("part", ["solution", "hidden", "explanation", "rubric"])
def test_a_page_is_checked_for_answers(chapters, tmp_path, part):
    secret = "total = np.einsum('bd,kde,be->bk', left, matrices, right)"
    text = secret
    if part == "solution":
        text = "\n".join(["def twice(x):", checks.BEGIN_SOLUTION, secret, checks.END_SOLUTION])
    exercise = dataclasses.replace(small(chapters.folder).exercises[0], **{part: text})
    page = tmp_path / "site" / "told.html"
    page.parent.mkdir()
    page.write_text("<pre>def twice(x):</pre>")
    assert checks.problems(page.parent, [exercise]) == []
    marked = secret.replace("left", "<b>left</b>").replace(" = ", "\n  = ")
    page.write_text(f"<pre>{marked}</pre>")
    expected = ["told.html: expected no answer to small.twice, got it"]
    assert checks.problems(page.parent, [exercise]) == expected


COLUMNS = [CategoricalColumn("user_id", 6, group="user"), NumericColumn("price")]
LOOKUP = 1 + 1  # an offset in the table, and whether the id is none


def test_a_model_costs_what_its_sizes_say():
    model = build_logistic_regression(COLUMNS)
    # A masked weight; a product with the number; the sum of both and a bias.
    assert model_pages._cost(model) == (LOOKUP + 1 + 2 * 1 + 1 + 1, 1 + 1)
    model = build_deep(COLUMNS, embedding_dim=4, hidden_units=(3, 2))
    products, biases = 5 * 3 + 3 * 2 + 2 * 1, 3 + 2 + 1
    assert model_pages._cost(model) == (LOOKUP + 4 + 2 * products + biases, products + biases)
    assert model_pages._cost(example(find("star")))[0] is None


def test_sums_of_products_count_and_tables_of_crosses_do_not():
    left, right = (keras.Input((size, 4), name=name) for name, size in (("a", 3), ("b", 5)))
    scores = keras.ops.einsum("bid,bjd->bij", left, right)
    model = keras.Model({"a": left, "b": right}, scores)
    assert model_pages._cost(model) == (2 * 3 * 5 * 4, 0)
    model = build_wide([*COLUMNS, CategoricalColumn("item_id", 7, group="item")])
    assert model_pages._cost(model)[1] == 1 + 1


def test_all_models_stand_in_one_table_with_their_costs():
    costs = {row.key: (12_345, 67) for row in MODELS} | {"star": (None, 89)}
    lesson = f"chapters/{find('star').lesson}.ipynb"
    page = model_pages.models_page({lesson}, costs)
    rows = {key: row for key, row in re.findall(r'<tr id="(\w+)">(.*)</tr>', page)}
    assert list(rows) == [row.key for row in MODELS]
    assert '<td data-value="12345">12,345</td><td data-value="67">67</td>' in rows["fm"]
    assert '<td data-value="0">–</td><td data-value="89">89</td>' in rows["star"]
    assert f'<a href="../{lesson.removesuffix("ipynb")}html">' in rows["star"]
    assert "chapters/" not in rows["fm"]
    assert "<code>products=&#x27;inner&#x27;</code>" in rows["ipnn"]
    assert "data-value" not in model_pages.models_page(set(), {}).replace('data-value="0"', "")


def test_the_landing_page_says_nothing_of_progress_and_links_what_is_there():
    first = read_outline()["chapters"][0]["lessons"][0]["key"]
    pages = {f"chapters/{first}.ipynb", "docs/serving.md"}
    contents = {"Lessons": ["chapters/a/index"], "More": ["docs/serving"]}
    page = start.landing((ROOT / "README.md").read_text(), Links(ROOT, pages), contents)
    assert "solved" not in re.sub(r"<style>.*?</style>|--solved: 0%", "", page, flags=re.S)
    assert "✓" not in page and "Begin here" in page and "Which model first?" in page
    linked = re.findall(r'<a href="([^"#]+)', page)
    assert set(linked) == {f"chapters/{first}.html"}
    assert re.findall(r"(?<!!)\]\(([^)#]+)\)", page) == ["run.md", "docs/serving.md"]
    assert page.count("```{toctree}") == 2 and ":caption: More\n\ndocs/serving\n" in page


def test_a_chapter_lists_lessons_with_their_minutes(tmp_path):
    core = new_notebook(cells=[new_markdown_cell("**Time.** 7 minutes: 4 to read.")])
    pages = []
    for name, anatomy in (("01_small", "core"), ("01_small.deeper", "deeper"), ("02_b", "core")):
        text = tmp_path / "chapters" / "00_the_ranking_stage" / f"{name}.md"
        lesson = Lesson(text, name.upper(), "Why?", "recsys_book", 3, anatomy)
        path = f"chapters/00_the_ranking_stage/{name}.ipynb"
        pages.append(start.Page(path, lesson, start.minutes_of(core)))
    page = start.chapter_page("00_the_ranking_stage", pages)
    assert "| [01_SMALL](01_small.ipynb) | Why? | 7 min |" in page
    assert page.count("7 min") == 3
    # The way leads from lesson to lesson.
    assert page.endswith("```{toctree}\n:hidden:\n\n01_small\n02_b\n01_small.deeper\n```\n")
    core.cells[0].source = "No time."
    with pytest.raises(ValueError, match=r"expected a line \*\*Time\.\*\*"):
        start.minutes_of(core)


def test_each_page_stands_once_in_the_contents_and_answers_stay_out(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "pages", lambda: {"reference/recsys_lib.rst": "x\n"})
    monkeypatch.setattr(reference, "write_source", lambda folder: None)
    source, extra = tmp_path / "source", tmp_path / "extra"
    staged = build.stage(source, extra, [])
    assert LEDGER in staged and "docs/serving.md" in staged
    assert "docs/oral_questions.md" not in staged
    files = [path for kind in ("md", "rst") for path in source.rglob(f"*.{kind}")]
    pages = {path.relative_to(source).with_suffix("").as_posix() for path in files} - {"index"}
    contents = re.findall(
        r"```\{toctree\}\n.*?\n\n(.*?)\n?```", (source / "index.md").read_text(), re.S
    )
    named = [name for part in contents for name in part.split()]
    assert sorted(named) == sorted({*pages, build.MODELS.removesuffix(".md")})
    assert (extra / "records" / "sequence.interests.json").is_file()
