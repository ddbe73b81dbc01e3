"""Readers name the file, the line, what was expected and what came."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lib.data.tables import read_table

KINDS = {"user": "integer", "name": "text"}


def write(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_header_orders_the_columns_and_the_wanted_ones_come_back(tmp_path):
    path = write(tmp_path, 'name,other,user\n"a,b",1,7\n,2,-8\r\nNA,3,9')
    table = read_table(path, KINDS)
    assert list(table.columns) == ["user", "name"]
    assert table["user"].dtype == np.int64
    assert table["user"].tolist() == [7, -8, 9]
    assert table["name"].tolist() == ["a,b", "", "NA"]


def test_separators_of_two_characters_and_latin_1(tmp_path):
    path = write(tmp_path, '1::Misérables, Les (1995)::Drama\n2::"Q"::War\n'.encode("latin-1"))
    header = ("user", "name", "genres")
    table = read_table(path, KINDS, separator="::", header=header, encoding="latin-1")
    assert table["name"].tolist() == ["Misérables, Les (1995)", '"Q"']


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(10**17), 10**17),
            st.text(st.characters(codec="utf-8", exclude_characters='\n\r"\x1f\t\x00'), max_size=8),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.tsv"
    path.write_text("".join(f"{user}\t{name}\n" for user, name in rows), "utf-8", newline="")
    table = read_table(path, KINDS, separator="\t", header=("user", "name"))
    assert table["user"].tolist() == [user for user, _ in rows]
    assert table["name"].tolist() == [name for _, name in rows]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,name\n1,a\n2\n", r"line 3: expected 2 fields separated by ',', got 1"),
        ("user,name\n1,a,b\n2\n", r"line 2: expected 2 fields separated by ',', got 3"),
        ("user,name\n1,a\n\n3,c\n", r"line 3: expected 2 fields"),
        ('user,name\n1,"a,b"\n2,"c",d\n', r"line 3: expected 2 fields .*got 3"),
        ("user,name\n1,a\ntwo,b\n", r"line 3, column 'user': expected an integer, got 'two'"),
        ("user,name\n1,a\n2.5,b\n", r"line 3, column 'user': expected an integer, got '2.5'"),
        ("user,name\n,a\n", r"line 2, column 'user': expected an integer, got ''"),
        ("user,name\n" + "9" * 25 + ",a\n", r"line 2, column 'user': expected an integer"),
        ("user,title\n1,a\n", r"line 1: expected the columns \['name'\], got \['user', 'title'\]"),
        ("", r"expected lines with the columns \['user', 'name'\], got nothing"),
        (b"user,name\n1,a\n2,\xff\n", r"line 3: expected utf-8 text, got byte 0xff"),
    ],
)
def test_malformed_files_name_the_line(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(str(path)) + ".*" + message):
        read_table(path, KINDS)
