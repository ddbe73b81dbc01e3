"""What counts as the source of a notebook, in the notebook and in its text."""

import pytest

from bookmaker.building import inputs
from bookmaker.lessons import lessons
from recsys_book.base.notebook_sources import (
    UnreadableNotebook,
    digest,
    read_notebook,
    sources_of_notebook,
    sources_of_text,
)


def test_a_text_and_the_notebook_that_is_made_of_it_have_the_same_sources():
    texts = [path for path in inputs.texts() if path.with_suffix(".ipynb").exists()]
    assert len(texts) > 30
    for path in texts:
        sources = sources_of_text(path.read_text(encoding="utf-8"))
        assert sources == sources_of_notebook(lessons.read_text(path)), path


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"cells": [3]}'])
def test_what_is_no_notebook_is_said(content):
    with pytest.raises(UnreadableNotebook):
        read_notebook(content)


def test_sources_of_odd_notebooks_and_texts():
    cells = [
        {"cell_type": "code", "source": "a"},
        {"cell_type": "code", "metadata": None, "source": ["a\n", "b"]},
        {"cell_type": "markdown", "metadata": {"tags": "links"}, "source": "  "},
    ]
    assert sources_of_notebook({"cells": cells}) == [["code", "a"], ["code", "a\nb"]]
    text = '+++ {"tags": [\n\na\n\n+++ {"x": 1}\n\n```{code-cell}\n---\ntags: [x]\n---\n1\n```\nb'
    expected = [["markdown", '+++ {"tags": [\n\na'], ["code", "1"], ["markdown", "b"]]
    assert sources_of_text(text) == expected
    assert digest(expected) != digest(expected[:2])
