import pytest

from areoseg.report import formats

SPACE = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (formats.decimal, 0.71249, "0.712"),
        (formats.percent, 0.2432, f"24.3{SPACE}%"),
        (formats.percent, 0.0004, f"<{SPACE}0.1{SPACE}%"),
        (formats.percent, 0, f"0.0{SPACE}%"),
        (formats.count, 1234567, f"1{SPACE}234{SPACE}567"),
        (formats.count, 0, "0"),
        (formats.short_count, 1234567, f"1.23{SPACE}M"),
        (formats.short_count, 3.5e9, f"3.5{SPACE}G"),
        (formats.short_count, 999, "999"),
        (formats.short_count, 999_600, f"1{SPACE}M"),
        (formats.duration, 45.2, "45 s"),
        (formats.duration, 119.7, "2 min 00 s"),
        (formats.duration, 3905, "1 h 05 min"),
        (formats.file_size, 1_940_000, f"1.94{SPACE}MB"),
        (formats.file_size, 12, f"12{SPACE}B"),
    ],
)
def test_numbers_are_written_for_a_reader(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize("value", [None, float("nan"), float("-inf"), "0.5"])
@pytest.mark.parametrize(
    "write",
    [
        formats.decimal,
        formats.percent,
        formats.count,
        formats.short_count,
        formats.duration,
        formats.file_size,
    ],
)
def test_what_is_no_number_is_a_dash(write, value):
    assert write(value) == "–"
