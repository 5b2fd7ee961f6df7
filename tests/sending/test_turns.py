"""The two threads of a sender on one processor, and the collector of cycles at rest."""

import gc
import os
from threading import Event, Thread, get_native_id

import pytest

from broadsheet.sending.turns import TURN, Companion, collect_rarely, in_turns


@pytest.fixture
def allowed():
    before = os.sched_getaffinity(0)
    yield before
    os.sched_setaffinity(0, before)


@pytest.fixture
def other():
    """A thread that was put on a processor and rests there until the test ends; its native id, and where it is."""
    ready, over, found, before = Event(), Event(), {}, os.sched_getaffinity(0)

    def stay():
        processor = max(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processor})
        found.update(thread=get_native_id(), processor=processor)
        os.sched_setaffinity(0, before)
        ready.set()
        over.wait(60)

    thread = Thread(target=stay)
    thread.start()
    ready.wait(60)
    yield found
    over.set()
    thread.join()


def test_it_goes_where_the_other_one_is_and_comes_back(allowed, other):
    assert len(allowed) > 1, "the machine of the tests has several processors"
    companion = Companion(other["thread"])
    companion.follow()
    assert os.sched_getaffinity(0) == os.sched_getaffinity(other["thread"]) == {other["processor"]}
    companion.let_go()
    assert os.sched_getaffinity(other["thread"]) == allowed
    assert os.sched_getaffinity(0) == {other["processor"]}
    companion.follow()
    companion.part()
    assert os.sched_getaffinity(0) == os.sched_getaffinity(other["thread"]) == allowed


def test_a_thread_that_is_gone_is_followed_no_more(allowed):
    companion = Companion(2**30)  # more than any system gives
    companion.follow()
    assert os.sched_getaffinity(0) == allowed


def test_a_process_that_has_one_processor_keeps_it(allowed, other):
    os.sched_setaffinity(0, {min(allowed)})
    companion = Companion(other["thread"])
    companion.follow()
    companion.part()
    assert os.sched_getaffinity(0) == {min(allowed)}


@pytest.mark.parametrize("many", [0, 1, TURN - 1, TURN, TURN + 1, 5 * TURN])
def test_turns_hold_everything_once_and_in_order(many):
    turns = list(in_turns(range(many)))
    assert [each for turn in turns for each in turn] == list(range(many))
    assert all(0 < len(turn) <= TURN for turn in turns)


def test_between_two_turns_another_thread_runs():
    counted, over = [0], Event()

    def count():
        while not over.is_set():
            counted[0] += 1
            over.wait(0.00001)

    thread = Thread(target=count)
    thread.start()
    seen = [counted[0] for _ in in_turns(range(200 * TURN))]
    over.set()
    thread.join()
    assert len(set(seen)) > 20, "it got its turn between most of the two hundred"


def test_the_collector_looks_seldom_but_stays_off_where_it_was_off():
    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.get_threshold() == (20_000, *before[1:])
        gc.set_threshold(0)
        collect_rarely()
        assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
