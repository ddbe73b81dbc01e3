"""Import statements of readers' copies, by the names that modules have now."""

import re

from recsys_lib.moved import MOVED

_NAMES = MOVED | {"recsys_lib.layers.BilinearAttention": "recsys_lib.sequence.BilinearAttention"}
_MODULE = re.compile(
    r"^([ \t]*(?:from|import)[ \t]+)("
    + "|".join(re.escape(name) for name in sorted(MOVED, key=len, reverse=True))
    + r")(?!\w)",
    re.MULTILINE,
)
_FROM = re.compile(
    r"^([ \t]*)from[ \t]+(recsys_lib[\w.]*)[ \t]+import[ \t]+([\w, \t]+)$", re.MULTILINE
)


def with_new_names(source: str) -> str:
    """Python code whose import statements name what has moved as it is called now.

    Args:
        source: code of a cell.

    Example:
        >>> with_new_names("from recsys_lib.book import check")
        'from recsys_book import check'
        >>> print(with_new_names("from recsys_lib.data import Dataset, past"))
        from recsys_lib.data import Dataset
        from recsys_lib.data import history as past
    """
    return _MODULE.sub(lambda found: found[1] + MOVED[found[2]], _FROM.sub(_apart, source))


def _apart(found):
    """One statement for the names that stay, and one for each that has moved."""
    indent, module, text = found.groups()
    names = [name.strip() for name in text.split(",")]
    moved = [name for name in names if f"{module}.{name}" in _NAMES]
    if not moved:
        return found[0]
    stay = [name for name in names if name not in moved]
    lines = [f"{indent}from {module} import {', '.join(stay)}"] if stay else []
    for name in moved:
        package, _, new = _NAMES[f"{module}.{name}"].rpartition(".")
        statement = f"from {package} import {new}" if package else f"import {new}"
        lines.append(indent + statement + ("" if new == name else f" as {name}"))
    return "\n".join(lines)
