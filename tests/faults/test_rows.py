"""The matrix names tests that exist, and its page holds every row."""

import ast
from pathlib import Path

import pytest

from tests.faults.rows import ROWS

pytestmark = pytest.mark.nodb
ROOT = Path(__file__).resolve().parent.parent.parent


def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_the_matrix_names_exists() -> None:
    named = {test for row in ROWS for test in row.tests}
    assert [test for test in named if test.split("::")[1] not in functions(test.split("::")[0])] == []


def test_the_page_of_results_has_every_row_of_the_matrix() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    assert [row.n for row in ROWS if f"| {row.n} | {row.fault} |" not in page] == []
    assert len({row.n for row in ROWS}) == len(ROWS)


def test_every_stop_point_of_the_code_is_on_the_page() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    points = set()
    for file in (ROOT / "workers").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "faults.point":
                points.add(ast.literal_eval(node.args[0]))
    assert len(points) > 10
    assert [point for point in points if f"`{point}`" not in page] == []
