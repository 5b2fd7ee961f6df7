"""Everybody who leaves has left, once, at fifty a second by double clicks, while an edition goes out."""

from benchmarks.unsubscribing import RATE, measured


def test_unsubscribes_during_sending_are_all_answered_and_none_is_lost(tmp_path):
    found = measured(tmp_path, seconds=2, readers=200, clicks=2)  # `make bench` has a minute of it
    assert found.asked == 2 * RATE * 2
    assert found.answered == found.asked
    assert (found.left, found.events) == (2 * RATE, 2 * RATE)
    assert found.sent > 0
