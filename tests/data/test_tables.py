import os

import pytest

from gtzan_lib.data.tables import read_table
from gtzan_lib.errors import DataError


def test_values_are_the_text_that_they_are(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\ufefftrack,other,subset\nNA,1,007\n,2,1e3\n", encoding="utf-8")
    table = read_table(path, ("subset", "track"))
    assert table.to_dict("list") == {"subset": ["007", "1e3"], "track": ["NA", ""]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "No columns"),
        (b"track\nblues.00000\n", "lacks the column subset"),
        (b"track,subset\nblues.00000,train,\n", "Length of header"),
        (b"track,subset\na,b\nblues.00000,train,\n", "Expected 2 fields in line 3"),
        (b"track,subset\n\xff,b\n", "can't decode"),
        (b"\x00\x00", "lacks the column track"),
    ],
)
def test_a_damaged_table_is_refused_with_the_reason(tmp_path, text, reason):
    path = tmp_path / "table.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=reason):
        read_table(path, ("track", "subset"))


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match="there is no such file"):
            read_table(path, ("track",))
