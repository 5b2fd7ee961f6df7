"""Four workers on one edition, on real brokers and a real PostgreSQL."""


def test_four_workers_without_a_workspace_share_an_edition_evenly_and_mail_each_reader_once(cluster, broker, sink):
    readers = 2000
    here = cluster(broker)
    here.readers(readers)
    sink.delay = 0.002
    workers = here.workers(4)
    here.scheduler()
    here.campaign("first")
    here.wait_for(lambda: len(sink.copies) >= readers)
    assert (len(sink.copies), set(sink.copies.values())) == (readers, {1})
    here.wait_for(lambda: sum(here.sent_by(workers)) == readers, 10)
    shares = here.sent_by(workers)
    print("shares:", shares)
    assert min(shares) > readers / 4 * 0.5
    here.wait_for(lambda: here.editions()["first"]["state"] == "sent", 15)
    for folder in here.root.glob("worker*/"):
        assert "broadsheet.toml" in {path.name for path in folder.iterdir()} <= {"broadsheet.toml", ".broadsheet"}
