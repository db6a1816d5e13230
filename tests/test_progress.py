"""What is said of the time that is left, where no bar tells it."""

import pytest

from taskaware.progress import tell_time_left


@pytest.mark.parametrize(
    ("seconds", "words"), [(61, "up to 1 minute more"), (1000, "up to 17 minutes more"), (59, "")]
)
def test_only_a_long_time_is_told(capsys, seconds, words):
    tell_time_left(seconds)
    found = capsys.readouterr()
    assert words in found.err and bool(found.err) == bool(words) and not found.out
