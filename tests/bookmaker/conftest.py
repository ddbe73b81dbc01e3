"""Small lessons in a temporary folder, and notebooks as if they had been executed."""

import textwrap
from pathlib import Path

import pytest

from bookmaker.building import build, inputs
from bookmaker.lessons import figures, lessons, live

SURVEY = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
lesson:
  title: A small lesson
  question: Is four two twos?
  library: recsys_book
  seconds: 3
  anatomy: survey
  prerequisites: []
---

# A small lesson

**Question.** Is four two twos?

**Objectives.** Add.

**Prerequisites.** None.

**Time.** 2 minutes to read; the cells run in about 3 seconds on two idle cores.

**Library.** `recsys_book`

## The problem

$$
2 + 2 = 4
$$

## Predict

What is the sum?

## What it does

The sum is four [≡](#small.sum).

```{code-cell} ipython3
from recsys_book import checked_sentences, exact

total = 2 + 2
exact("small.sum", "The sum is four.", total == 4)
print("sum", total)
```

## In short

Add.

## Checked sentences

```{code-cell} ipython3
:tags: [hide-input]

checked_sentences()
```

## References

None.
"""


class Chapters:
    """A temporary folder of chapters to which a test writes lessons."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, text=SURVEY, chapter="00_small", name="01_small"):
        """Write a lesson's text and return its path."""
        path = self.folder / chapter / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def fake(self, text_path, change=None):
        """Write the notebook that executing the text would give, without a kernel.

        ``change`` receives the notebook before it is written.
        """
        from nbformat.v4 import new_output

        notebook = lessons.read_text(text_path)
        count = 0
        for cell in notebook.cells:
            if cell.cell_type != "code":
                continue
            count += 1
            cell.execution_count = count
            if live.LIVE in cell.metadata.get("tags", []):
                cell.metadata[live.LIVE] = [4.0] * 5
            if 'print("sum"' in cell.source:
                cell.outputs = [new_output("stream", name="stdout", text="sum 4\n")]
        figures.describe_figures(notebook)
        if change is not None:
            change(notebook)
        path = Path(text_path).with_suffix(".ipynb")
        path.write_text(build.serialise(notebook), encoding="utf-8")
        inputs.record_built(text_path, inputs.inputs_of(text_path), self.folder)
        return path


@pytest.fixture
def chapters(tmp_path):
    """An empty folder of chapters."""
    folder = tmp_path / "chapters"
    folder.mkdir()
    return Chapters(folder)


@pytest.fixture
def survey():
    """The text of a lesson that passes every check."""
    return SURVEY
