"""What is shown, recomputed: no number of a page, README or the PDF goes unchecked.

Pages, README and PDF are read as a reader sees them; what they must show follows from
the record's tables by NumPy, SciPy and pandas alone. ``record`` has the questions to
the tables, ``statistics_again`` the statistics, ``ledger`` the claims, ``expected`` the
tables' cells and ``templates`` the sentences; ``shown`` finds numbers and lists what is
no measurement.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import judge
import shown
from record import Record

pytestmark = pytest.mark.slow  # a minute

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "report"
PAGES = sorted((REPORT / "pages").glob("*.html"))
COVERED = 0.9  # of all numbers shown


@pytest.fixture(scope="module")
def record():
    """The tables of the kept report."""
    return Record(REPORT / "record", ROOT / "gtzan_lib" / "data" / "artists.csv")


@pytest.fixture(scope="module")
def verdicts(record):
    """What is judged of each page, of README and of the PDF, by name."""
    places = {path.name: list(shown.page(path)) for path in PAGES}
    places["README.md"] = list(shown.readme(ROOT / "README.md"))
    places["paper.pdf"] = shown.pdf(REPORT / "paper.pdf")
    return {name: judge.judge(record, some) for name, some in places.items()}


def test_every_number_shown_is_what_follows(verdicts):
    """A wrong page tells its name, the place, what it shows and what follows."""
    faults = [fault for each in verdicts.values() for fault in each.faults]
    assert not faults, "\n".join(faults)


def test_nine_tenths_of_the_numbers_are_recomputed(verdicts, capsys):
    """The count is printed, page by page."""
    known = sum(each.known for each in verdicts.values())
    n = sum(each.shown for each in verdicts.values())
    with capsys.disabled():
        print(f"\n{known:,} of {n:,} numbers on the pages were recomputed")
        for name, each in verdicts.items():
            print(f"  {each.known:5} of {each.shown:5} {name}")
    assert known >= COVERED * n


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_any_number_changed_in_its_place_is_found(record, path):
    """Of some six places of a page, one digit is changed in each."""
    some = [p for p in shown.page(path) if judge.judge(record, [p]).known]
    for place in some[:: len(some) // 6 + 1]:
        before, noticed = judge.judge(record, [place]), 0
        for token in shown.numbers(place.text):
            digit = str((int(token[0][-1]) + 5) % 10)
            text = place.text[: token.end() - 1] + digit + place.text[token.end() :]
            after = judge.judge(record, [place._replace(text=text)])
            noticed += after.faults != before.faults
        assert noticed >= before.known, f"{place}: a change went unnoticed"


def test_a_swapped_verdict_is_found(record):
    """Words that follow from numbers are read, too."""
    places = list(shown.page(REPORT / "pages" / "index.html"))
    verdict = next(p for p in places if p.column == "verdict")
    wrong = verdict._replace(text="reproduced ")
    assert judge.judge(record, [wrong]).faults
    assert not judge.judge(record, [verdict]).faults
