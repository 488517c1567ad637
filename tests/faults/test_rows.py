"""The matrix names tests that exist, and its page holds every row."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.report import Outcome, read
from tests.faults.rows import ROWS

pytestmark = pytest.mark.nodb
ROOT = Path(__file__).resolve().parent.parent.parent


def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_the_matrix_names_exists() -> None:
    named = {test for row in ROWS for test in row.tests + row.also}
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


ROW = replace(ROWS[0], n=6, tests=("tests/faults/test_x.py::test_freeze",), also=("tests/test_y.py::test_verb",))


def told(test: str, inside: str = "") -> Outcome:
    file, _, name = test.partition("::")
    classname = file.removesuffix(".py").replace("/", ".")
    return read(f'<t><testcase classname="{classname}" name="{name}">{inside}</testcase></t>', ROW)


def test_only_what_was_injected_is_counted() -> None:
    noted = '<properties><property name="injected" value="20"/><property name="recovery" value="1.5,2.5"/></properties>'
    assert told("tests/faults/test_x.py::test_freeze", noted).injected == 20
    assert told("tests/faults/test_x.py::test_freeze[1]").injected == 1
    assert told("tests/faults/test_x.py::test_freeze", "<skipped/>").injected == 0
    assert told("tests/test_y.py::test_verb[a]").injected == 0


def test_what_one_database_skips_and_the_other_runs_is_not_skipped() -> None:
    name = "tests/faults/test_x.py::test_freeze"
    both = told(name, "<skipped/>")
    both.add(told(name))
    assert (both.number("passed"), both.number("skipped")) == (1, 0)
    both.add(told(name, "<failure>E   assert False</failure>"))
    assert (both.number("passed"), both.number("failed")) == (0, 1)


def test_what_the_judge_found_is_in_the_columns_and_a_failure_without_it_is_a_question() -> None:
    words = "E     AssertionError: lost: a.pdf: pending\nE       lost: b.pdf: pending\nE       doubled: c"
    found = told("tests/faults/test_x.py::test_freeze", f"<failure>{words}</failure>")
    assert [found.found(kind) for kind in ("lost", "doubled", "left")] == ["2", "1", "0"]
    left = told("tests/faults/test_x.py::test_freeze", "<failure>E   assert not {7: 'sleep', 9: 'chrome'}</failure>")
    assert left.found("left") == "2"
    assert told("tests/faults/test_x.py::test_freeze", "<failure>E   assert 1 == 2</failure>").found("lost") == "?"
    assert told("tests/faults/test_x.py::test_freeze").found("lost") == "0"
