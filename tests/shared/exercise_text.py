"""A small exercises file with one exercise of each kind, for the tests."""

import textwrap

from recsys_book.exercises.source import read_source

HEAD = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

# Exercises: Small

```{code-cell} ipython3
import numpy as np
from recsys_book.exercises import case, check_cases, check_choice, check_prediction, check_text
```
"""

CODE = '''
## Twice

`small.twice`, code, 3 points, 2 minutes, varies: no

Write `twice(x)`.

```{code-cell} ipython3
def twice(x):
    """Twice x."""
    ### BEGIN SOLUTION
    result = 2 * x
    return result
    ### END SOLUTION
```

### Public tests

```{code-cell} ipython3
check_cases(twice, [case(1, expected=2), case(3, expected=6, why="three")])
```

### Hidden tests

```{code-cell} ipython3
check_cases(twice, [case(np.arange(3), expected=np.array([0, 2, 4]), why="an array")])
```

### Hints

1. Add it to
   itself.
2. Multiply.

### Mistakes

Public: Squares.

```{code-cell} ipython3
def twice(x):
    return x**2 if x else 7
```

Hidden: Knows
numbers only.

```{code-cell} ipython3
def twice(x):
    return 2 * int(x)
```
'''

RECALL = """
## A letter

`small.letter`, recall, 1 point, 1 minute

Which?

- **a** The first.
- **b** The second.
- **c** The
  third.

### Hints

1. Not the first.

### Explanation

**b** It is the second letter.

### Mistakes

- **a** That is the first letter.
"""

EXPERIMENT = """
## A throw

`small.throw`, experiment, 2 points, 1 minute, varies: no

How often?

```{code-cell} ipython3
guess = ...
### BEGIN SOLUTION
guess = 0.5
### END SOLUTION
```

### Public tests

```{code-cell} ipython3
check_prediction(guess, lambda: 0.52, atol=0.05)
```

### Hints

1. As often as not.

### Mistakes

Public: Always.

```{code-cell} ipython3
guess = 1
```
"""

OPEN = '''
## Words

`small.words`, open, 4 points, 5 minutes, varies: no

Why?

```{code-cell} ipython3
answer = ...
### BEGIN SOLUTION
answer = """Because it is so and not otherwise."""
### END SOLUTION
```

### Public tests

```{code-cell} ipython3
check_text(answer, min_words=5)
```

### Hints

1. Think.

### Rubric

- 4 points: says because.
'''

ALL = HEAD + CODE + RECALL + EXPERIMENT + OPEN


def write(folder, text=ALL, chapter="00_small", name="01_small"):
    """Write an exercises file below a folder of chapters and return its path."""
    path = folder / chapter / f"{name}.exercises.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def small(folder, text=ALL):
    """Return the `ExerciseFile` of the text."""
    return read_source(write(folder, text))
