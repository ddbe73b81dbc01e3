"""DIN of the small shop, exported, and its application."""

import pytest
import small_shop

from recsys_pipeline.export import export
from recsys_pipeline.serve import create_application


@pytest.fixture(scope="module")
def din():
    return small_shop.din()


@pytest.fixture(scope="module")
def folder(din, tmp_path_factory):
    return export(din, tmp_path_factory.mktemp("served") / "din", small_shop.dataset())


@pytest.fixture
def application(folder):
    return create_application(folder)
