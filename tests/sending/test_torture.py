"""The short form of ``make torture``: nobody is mailed twice, nobody is lost, whatever is killed."""

import pytest
from tests.sending.torture import Torture, verify

pytestmark = pytest.mark.clock  # so many seconds of it, in which much is to happen


def test_senders_that_are_killed_and_a_locked_database_mail_nobody_twice_and_lose_nobody(tmp_path):
    happened = [0, 0, 0]
    for seed in range(1, 7):  # what happens is up to chance; each must have happened once
        folder = tmp_path / str(seed)
        folder.mkdir()
        told = Torture(folder, 500, seed=seed).run(senders=2, seconds=5)
        verify(told)
        each = (told.kills, told.cuts, told.database_troubles)
        happened = [before + now for before, now in zip(happened, each, strict=True)]
        if all(happened):
            break
    assert all(happened), "killed, cut and locked"


def test_the_same_with_postgresql_that_is_restarted(tmp_path, postgresql, database):
    torture = Torture(tmp_path, 500, database=database, on_unknown="assume-sent", seed=2)
    torture.restart = postgresql.restart
    told = torture.run(senders=2, seconds=6)
    verify(told)
    assert told.kills + told.database_troubles > 0


def test_senders_that_are_told_to_stop_leave_nothing_unknown(tmp_path):
    stopped = 0
    for seed in range(1, 7):  # a quick machine may be done before the first is told
        folder = tmp_path / str(seed)
        folder.mkdir()
        told = Torture(folder, 1_000, gentle=True, signed=True, seed=seed).run(senders=2, seconds=8)
        verify(told)
        assert told.unknown == 0
        stopped = told.terms - 2  # those of the end
        if stopped > 0:
            break
    assert stopped > 0, "somebody was told in mid-send"
