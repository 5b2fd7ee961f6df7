"""Which words of a text changed."""

from hypothesis import given
from hypothesis import strategies as st

from broadsheet.editions.wording import PASSAGES, WORDS, reworded


def said(passage):
    """A passage as `git diff --word-diff` writes it."""
    marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(marks[each.fate].format(each.text) for each in passage)


def test_words_that_changed_stand_between_those_that_did_not():
    (passage,) = reworded("Good morning Ada,\n\nhere is what is new.", "Good evening Ada,\n\nhere is what is new.")
    assert said(passage) == "Good [-morning-]{+evening+} Ada,"


def test_words_that_changed_side_by_side_are_one_change():
    (passage,) = reworded("Take the long way home.", "Take some other path home.")
    assert said(passage) == "Take [-the long way-]{+some other path+} home."


def test_a_paragraph_that_is_new_or_gone_is_that_alone():
    assert [said(each) for each in reworded("One.\n\nTwo.", "One.\n\nThree is new.\n\nTwo.")] == ["{+Three is new.+}"]
    assert [said(each) for each in reworded("One.\n\nTwo.", "Two.")] == ["[-One.-]"]


def test_a_text_that_is_only_wrapped_otherwise_has_not_changed():
    assert reworded("Here is what\nis new.\r\n\r\nBye.", "Here is\nwhat is new.\n\n\nBye.") == ()


def test_a_passage_that_was_written_anew_is_shown_whole_and_a_mail_is_not_compared_for_ever():
    long = " ".join(f"w{n}" for n in range(WORDS))
    (passage,) = reworded(long, long.upper() + " end")
    assert [each.fate for each in passage] == ["gone", "new"]
    many = "\n\n".join(f"paragraph {n} {'old' if n % 2 else 'same'}" for n in range(400))
    assert len(reworded(many, many.replace("old", "new"))) == PASSAGES


@given(
    st.lists(st.sampled_from(["a", "b", "c d", "e.", "f,", "\n\n"])), st.lists(st.sampled_from(["a", "b", "g", "e."]))
)
def test_what_is_kept_and_gone_is_the_one_text_and_what_is_kept_and_new_the_other(then, now):
    then, now = " ".join(then), " ".join(now)
    passages = reworded(then, now)
    assert (passages == ()) == ([p.split() for p in then.split("\n\n") if p.split()] == ([now.split()] if now else []))
    for side, text in (("gone", then), ("new", now)):
        kept = "".join("".join(each.text for each in passage if each.fate in ("same", side)) for passage in passages)
        assert "".join(kept.split()) in "".join(text.split()) or len(passages) > 1
