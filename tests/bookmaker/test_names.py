import pytest

from bookmaker.code import names

FACE = """\
\"\"\"Columns, and what reads them.\"\"\"

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.features.columns import Column
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = ["Column"]
"""
EAGER = """\
\"\"\"All that lessons use.\"\"\"

import os
from recsys_lib.features import Column

LIMIT = 3
\"\"\"How many.\"\"\"

__all__ = ["LIMIT", "Column"]
"""
COLUMNS = """\
class Column:
    \"\"\"A column | of ids. It has a name.

    Args:
        name: as in the file.
    \"\"\"
"""


@pytest.fixture
def library(tmp_path):
    for name, source in {
        "recsys_lib/__init__.py": "",
        "recsys_lib/features/__init__.py": FACE,
        "recsys_lib/features/columns.py": COLUMNS,
        "recsys_book/__init__.py": EAGER,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path


def test_names_are_followed_to_where_they_are_defined(library):
    column = ("recsys_lib.features.columns", "Column")
    assert names.offered_by_package(library) == {
        "recsys_book": [
            names.PublicName("recsys_book", "Column", *column),
            names.PublicName("recsys_book", "LIMIT", "recsys_book", "LIMIT"),
        ],
        "recsys_lib.features": [names.PublicName("recsys_lib.features", "Column", *column)],
    }


def test_a_name_that_nothing_defines_is_named(library):
    (library / "recsys_lib/features/columns.py").write_text("")
    missing = names.PublicName("f", "Column", "recsys_lib.features.columns", "Column")
    with pytest.raises(ValueError, match=r"f.Column: .*columns defines no 'Column'"):
        names.definition(missing, library)
