"""A small core lesson and its companion, which share the exercises of ``exercise_text``."""

from exercise_text import small

from bookmaker.lessons.figures import describe_figures
from bookmaker.lessons.offered_names import SENTENCE

FRONT = """\
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
  title: '{title}'
  question: Is four two twos?
  library: recsys_book
  seconds: 12
  anatomy: {anatomy}
---

# {title}

**Question.** Is four two twos?

"""

CORE = (
    FRONT.format(title="Sums: two and two", anatomy="core\n  prerequisites: []")
    + """\
**Objectives.** You can add.

**Prerequisites.** Counting.

**Time.** 7 minutes: 4 to read, 3 for its exercises; the cells run in about 12 seconds on two idle
cores.

**Library.** `recsys_book`

## The problem

One and one are not enough.

## One example

Two dots beside two dots.

## The mathematics

$$
2 + 2 = 4
$$

## Predict

How many are two and two?

```{code-cell} ipython3
from recsys_book import check, checked_sentences, exact, exercise
from recsys_book import guess, hint, resolve, solution

guess("of_two", ...)  # in all
```

## The whole model

```{code-cell} ipython3
:tags: [live]

live_score = total = 2 + 2
```

"""
    + f"{SENTENCE.format('small.twice')}\n\n"
    + """\
<<exercises>>

## What it does

Two and two are four [≡](#small.sum.of_two).

```{code-cell} ipython3
:tags: [hide-input]

exact("small.sum.of_two", "Two and two are four.", total == 4)
```

## Break it

Two and three are not.

## In short

| **Begin with** | one and one |
|:---|:---|

Add. Two exercises stand [in the companion](01_small.deeper.ipynb): 6 minutes.

```{code-cell} ipython3
:tags: [answer, nbval-ignore-output]

resolve("of_two", total, unit="in all")
```

## How this was measured

By counting.

## Checked sentences

```{code-cell} ipython3
:tags: [hide-input]

checked_sentences()
```

## References

A book.
"""
)

DEEPER = (
    FRONT.format(title="Sums, deeper", anatomy="deeper")
    + """\
**Time.** 8 minutes: 2 to read, 6 for its exercises; the cells run in about 12 seconds on two idle
cores.

**Library.** `recsys_book`

## More of it

```{code-cell} ipython3
from recsys_book import check, exercise, hint, solution
```

"""
    + f"{SENTENCE.format('small.throw')}\n\n<<exercises>>\n"
)

IN_CORE = ("small.twice", "small.letter")
"""The exercises that the core lesson shows; the companion shows the others."""

AS_LAB = (
    "anatomy: survey\n  prerequisites: []",
    "anatomy: lab\n  data: kuairand_pure\n  minutes: 2",
)
"""What makes a lab of the text of a survey: old and new."""


def cells_of(exercises):
    """What a text needs to show exercises: for each the cell that does it, and its starter."""
    sources = [
        source for one in exercises for source in (f'exercise("{one.identifier}")', one.lesson_cell)
    ]
    return "\n\n".join(f"```{{code-cell}} ipython3\n{source}\n```" for source in sources)


def core_text(exercises=()):
    """The core lesson's text, with the given exercises."""
    return CORE.replace("<<exercises>>", cells_of(exercises))


def write_pair(chapters):
    """Write both texts, with the exercises parted between them; returns the two paths."""
    exercises = small(chapters.folder).exercises
    inner = [one for one in exercises if one.identifier in IN_CORE]
    others = [one for one in exercises if one.identifier not in IN_CORE]
    core = chapters.write(core_text(inner))
    deeper = DEEPER.replace("<<exercises>>", cells_of(others))
    return core, chapters.write(deeper, name="01_small.deeper")


def fake_pair(chapters):
    """Write both pairs of text and notebook, as if they had been executed; returns the texts."""
    paths = write_pair(chapters)
    for path in paths:
        chapters.fake(path, describe_figures)
    return paths
