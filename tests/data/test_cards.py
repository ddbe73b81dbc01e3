"""The cards state what the registry and the loaders hold."""

import re
from pathlib import Path

import pytest

from recsys_lib.data import movielens, registry

CARDS = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("entry", registry.ENTRIES.values(), ids=lambda entry: entry.name)
def test_a_card_states_address_size_and_checksum(entry):
    texts = [card.read_text("utf-8") for card in CARDS.glob("*.md")]
    wanted = (entry.url, f"{entry.size:,}", entry.checksum.removeprefix("md5:"))
    assert any(all(part in text for part in wanted) for text in texts), wanted
    assert f"recsys_lib.data.download {entry.name}" in (CARDS / "README.md").read_text("utf-8")


def test_the_movielens_card_has_the_numbers_of_every_split():
    text = (CARDS / "movielens.md").read_text("utf-8")
    lines = re.findall(r"^\| (?:`\w+` )?\| (\w+) \| ([\d,]+) \| (.+) \|$", text, re.MULTILINE)
    assert len(lines) == 9
    for position, (part, rows, shares) in enumerate(lines):
        table = movielens.describe(movielens.load(split=movielens.SPLITS[position // 3]))
        assert int(rows.replace(",", "")) == table.loc[part, "rows"]
        columns = ("like_rate", "unknown_user", "unknown_movie")
        for stated, column in zip(shares.split(" | "), columns, strict=True):
            assert float(stated) == pytest.approx(table.loc[part, column], abs=6e-4), column


def test_the_movielens_card_describes_every_column():
    text = (CARDS / "movielens.md").read_text("utf-8")
    for column in movielens.load().feature_columns:
        assert f"`{column.name}`" in text


def test_the_index_links_every_card_that_is_there():
    text = (CARDS / "README.md").read_text("utf-8")
    for card in CARDS.glob("*.md"):
        assert card.name == "README.md" or f"]({card.name})" in text
