"""The examples in docs/numpy.md are run, and print what they say."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "numpy.md"


def test_the_differences_from_numpy_are_so():
    text = PAGE.read_text().replace("```pycon", "").replace("```", "")
    page = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    report = []
    result = doctest.DocTestRunner(verbose=False).run(page, out=report.append)
    assert result.attempted >= 40
    assert result.failed == 0, "".join(report)


def test_each_difference_has_a_reason():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len(cells) >= 40
    assert [row for row in cells if len(row) != 2 or not all(row)] == []
