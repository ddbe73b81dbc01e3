"""Labs: optional notebooks on data that not every machine has.

A lab is a pair ``chapters/NN_name/lab_slug.md`` and ``.ipynb`` whose front matter names its data
set (``anatomy: lab``, ``data: kuairand_pure``). It begins with ``needs_data("kuairand_pure")``.
Where the set is absent, that cell says how to get it, the cells behind it do nothing, no build
touches the committed notebook, and the tests leave the lab out.
"""

from bookmaker.lessons.lessons import describe, find_texts, is_lab
from recsys_book.base.paths import CHAPTERS
from recsys_book.reader.labs import absence


def runnable(chapters=CHAPTERS):
    """Tell the labs that can run on this machine from those that cannot.

    Returns:
        The notebooks whose data are here, and a line for each of the others.
    """
    notebooks, left_out = [], []
    for text_path in filter(is_lab, find_texts(chapters)):
        lab = describe(text_path)
        absent = absence(lab.data)
        if absent is None:
            notebooks.append(lab.notebook_path)
        else:
            left_out.append(f"{lab.chapter}/{lab.name}: left out; {absent}")
    return notebooks, left_out
