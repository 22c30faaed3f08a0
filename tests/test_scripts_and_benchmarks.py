"""Scripts and benchmarks, which no test runs in full, still find what they import."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*(ROOT / "scripts").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")])


def has(module, name):
    if hasattr(importlib.import_module(module), name):
        return True
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{module}.{name}":
            raise
        return False
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_that_is_imported_from_the_package_is_there(path):
    imports = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "myoseg"
    ]
    missing = [
        f"{node.module}.{alias.name}"
        for node in imports
        for alias in node.names
        if not has(node.module, alias.name)
    ]
    assert missing == []


def test_a_name_that_is_not_there_is_missed():
    assert has("myoseg.prediction.segment", "segment")
    assert has("myoseg.prediction", "shipped")
    assert not has("myoseg.prediction.segment", "no_such_name")
