"""The README's tour is run, and prints what it says."""

import doctest
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tour_prints_what_it_says():
    text = (ROOT / "README.md").read_text().replace("```", "")
    parser = doctest.DocTestParser()
    tour = parser.get_doctest(text, {}, "README", "README.md", 0)
    report = []
    result = doctest.DocTestRunner(verbose=False).run(tour, out=report.append)
    assert result.attempted >= 10
    assert result.failed == 0, "".join(report)


def test_the_files_it_names_exist():
    text = (ROOT / "README.md").read_text()
    names = [part for part in text.split("`")[1::2] if "/" in part and " " not in part]
    names = [name for name in names if not name.startswith(("<", "out"))]
    assert len(names) >= 5
    assert [name for name in names if not (ROOT / name).exists()] == []
