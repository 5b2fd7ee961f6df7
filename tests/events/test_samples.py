"""Every sample is what the table says it is, and says of whom, why, and with which status."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from broadsheet.events.bounces import parse

SAMPLES = Path(__file__).with_name("samples")


def answers():
    """For each sample: what it is, and its recipients."""
    found = defaultdict(lambda: ("", []))
    with (SAMPLES / "answers.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            recipients = found[row["sample"]][1]
            if row["class"]:
                recipients.append((row["address"], row["class"], row["status"]))
            found[row["sample"]] = (row["kind"], recipients)
    return dict(found)


ANSWERS = answers()


def test_there_are_samples_of_every_kind_and_class_and_an_answer_for_each():
    assert len(ANSWERS) >= 60
    assert {path.stem for path in SAMPLES.glob("*.eml")} == set(ANSWERS)
    assert {kind for kind, _ in ANSWERS.values()} == {"bounce", "complaint", "auto-reply", "delivered", "other"}
    classes = {said for kind, recipients in ANSWERS.values() for _, said, _ in recipients if kind == "bounce"}
    assert classes == {"dead", "temporary", "policy", "full", "unknown"}


@pytest.mark.parametrize("sample", ANSWERS)
def test_a_sample_is_what_the_table_says(sample):
    report = parse((SAMPLES / f"{sample}.eml").read_bytes())
    recipients = [(each.address, each.cause, each.status) for each in report.recipients]
    assert (report.kind, recipients) == ANSWERS[sample]


@pytest.mark.parametrize("sample", [name for name, (kind, _) in ANSWERS.items() if kind == "bounce"])
def test_the_reply_is_given_in_one_line(sample):
    for each in parse((SAMPLES / f"{sample}.eml").read_bytes()).recipients:
        assert "\n" not in each.reply
        assert len(each.reply) <= 500
