"""The order of the tests: several processes take files in it (`make test`), so the longest come first."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of the whole project before the others."""
    items.sort(key=lambda item: "whole" not in item.path.parts)
