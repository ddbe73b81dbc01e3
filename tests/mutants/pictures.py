"""Mistakes in figures, the slider and alternative texts that the tests must reject."""

from runner import Mutant

WIDGETS = "recsys_book/widgets.py"
AXES = "recsys_book/common_axes.py"
FIGURES = "recsys_book/figures.py"
LESSON_FIGURES = "bookmaker/figures.py"
PRINTED = "bookmaker/printed_source.py"
PRINTED_TEST = "bookmaker/test_printed_source.py"

MUTANTS = [
    Mutant(
        "slider: the picture's size follows what is drawn",
        WIDGETS,
        "picture(figure, tight=False)",
        "picture(figure)",
        "book/test_widgets.py::test_a_picture_has_its_size_in_inches_twice_the_pixels_and_a_description",
    ),
    Mutant(
        "slider: earlier pictures keep the axes that were too small",
        WIDGETS,
        "            self._pictures.clear()",
        "            pass",
        "book/test_widgets.py::test_what_takes_long_is_drawn_when_it_is_chosen_and_fits_into_the_given_limits",
    ),
    Mutant(
        "common axes: the limits of the first figure",
        AXES,
        "low, high = min(min(pair) for pair in ends), max(max(pair) for pair in ends)",
        "low, high = min(ends[0]), max(ends[0])",
        "book/test_common_axes.py::test_the_limits_hold_what_every_figure_shows_and_no_more",
    ),
    Mutant(
        "common axes: each figure keeps its own layout",
        AXES,
        "            axes.set_position(place)",
        "            pass",
        "book/test_common_axes.py::test_the_axes_of_every_kind_of_figure_stand_still",
    ),
    Mutant(
        "figures: colours of few pixels are blended away",
        FIGURES,
        "Image.Quantize.FASTOCTREE",
        "Image.Quantize.MEDIANCUT",
        "book/test_pictures.py::test_what_has_few_pixels_keeps_its_colour_and_white_stays_white",
    ),
    Mutant(
        "figures: formats chosen with the first figure replace ours",
        FIGURES,
        "    InlineBackend.instance(parent=shell).figure_formats = set()\n",
        "    InlineBackend.instance(parent=shell)\n",
        "book/test_pictures.py::test_a_notebook_is_given_a_described_element_and_a_plain_picture",
    ),
    Mutant(
        "alternative text: not escaped",
        LESSON_FIGURES,
        "found[1] + html.escape(text) + found[2]",
        "found[1] + text + found[2]",
        "bookmaker/test_lesson_figures.py::test_the_sentence_below_a_figure_stands_for_it_in_every_form",
    ),
    Mutant(
        "alternative text: one form of a figure is enough",
        LESSON_FIGURES,
        "return texts.pop() if len(texts) == 1 else None",
        "return max(texts, key=lambda text: text or '')",
        "bookmaker/test_lesson_figures.py::test_each_form_of_a_figure_has_to_be_described",
    ),
    Mutant(
        "printed source: of several lines the first is enough",
        PRINTED,
        'textwrap.dedent("\\n".join(lines[first : first + len(wanted)])) == "\\n".join(wanted)',
        "line.strip() == wanted[0].strip()",
        f"{PRINTED_TEST}::test_source_that_does_not_is_named",
    ),
    Mutant(
        "printed source: unknown lines at the end are always another print",
        PRINTED,
        "    while not alone and len(wanted) > 1",
        "    while len(wanted) > 1",
        f"{PRINTED_TEST}::test_other_lines_of_a_cell_that_prints_are_no_source",
    ),
    Mutant(
        "printed source: the docstring is printed",
        PRINTED,
        "    hidden = docstring_lines(source)\n",
        "    hidden = set()\n",
        f"{PRINTED_TEST}::test_source_that_stands_there_is_none",
    ),
]
