"""The short form of ``make torture``: nobody is mailed twice, nobody is lost, whatever is killed."""

from tests.sending.torture import Torture, verify


def test_senders_that_are_killed_and_a_locked_database_mail_nobody_twice_and_lose_nobody(tmp_path):
    told = Torture(tmp_path, 500).run(senders=2, seconds=5)
    verify(told)
    assert min(told.kills, told.cuts, told.database_troubles) > 0


def test_the_same_with_postgresql_that_is_restarted(tmp_path, postgresql, database):
    torture = Torture(tmp_path, 500, database=database, on_unknown="assume-sent", seed=2)
    torture.restart = postgresql.restart
    told = torture.run(senders=2, seconds=6)
    verify(told)
    assert min(told.kills, told.cuts, told.database_troubles) > 0


def test_senders_that_are_told_to_stop_leave_nothing_unknown(tmp_path):
    told = Torture(tmp_path, 500, gentle=True).run(senders=2, seconds=5)
    verify(told)
    assert told.terms > 2
    assert told.unknown == 0
