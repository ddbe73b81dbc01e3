"""The registry's entries and where data sets are looked for."""

import re

import pytest

from recsys_lib.data import registry
from recsys_lib.data.registry import DataUnavailable


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    return tmp_path


def make(folder, *files):
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


@pytest.mark.parametrize("entry", registry.ENTRIES.values(), ids=lambda entry: entry.name)
def test_entries_are_complete(entry):
    assert re.fullmatch(r"https://\S+\.(zip|tar\.gz)", entry.url)
    assert re.fullmatch(r"md5:[0-9a-f]{32}", entry.checksum)
    assert entry.size > 4_000_000
    assert entry.licence and "doi.org" in entry.citation
    assert entry.folders and entry.required_files


def test_given_folder_comes_before_the_cache(empty):
    files = registry.entry("ml-1m").required_files
    make(empty / "cache" / "ml-1m", *files)
    assert registry.locate("ml-1m") == empty / "cache" / "ml-1m"
    make(empty / "given" / "ml-1m", *files)
    assert registry.locate("ml-1m") == empty / "given" / "ml-1m"


@pytest.mark.parametrize("folder", ["KuaiRand-Pure", "kuairand_pure"])
def test_kuairand_needs_one_log_and_both_feature_tables(empty, folder):
    place = empty / "given" / folder
    make(place, "data/user_features_pure.csv", "data/log_standard_4_22_to_5_08_pure.csv")
    with pytest.raises(DataUnavailable, match=r"lacks data/video_features_basic_pure\.csv"):
        registry.locate("kuairand_pure")
    make(place, "data/video_features_basic_pure.csv")
    assert registry.locate("kuairand_pure") == place
    (place / "data/log_standard_4_22_to_5_08_pure.csv").unlink()
    with pytest.raises(DataUnavailable, match=r"lacks .*4_08.* or .*4_22"):
        registry.locate("kuairand_pure")


def test_an_absent_set_says_how_to_get_it_in_one_line(empty):
    with pytest.raises(DataUnavailable) as caught:
        registry.locate("ml-100k")
    message = str(caught.value)
    assert "`python -m recsys_lib.data.download ml-100k`" in message
    assert "RECSYS_DATA" in message and "\n" not in message


def test_a_given_folder_that_does_not_exist_is_an_error(empty, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(empty / "nowhere"))
    with pytest.raises(DataUnavailable, match=r"RECSYS_DATA: expected a folder, got .*nowhere"):
        registry.locate("ml-1m")


def test_an_unknown_name_is_a_value_error():
    with pytest.raises(ValueError, match=r"data set: expected one of .*got 'netflix'"):
        registry.locate("netflix")
