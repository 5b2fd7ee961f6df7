"""What lists.yaml says of a list, and the mail that goes to it."""

from email import message_from_bytes

import pytest
from tests.conftest import LISTS

from broadsheet.errors import InvalidFile
from broadsheet.workspace import Workspace

OWN = LISTS.replace(
    "{title: Stillwater Weekly}",
    "{title: Stillwater Weekly, sender: {name: The Weekly, email: weekly@news.stillwater.example}, "
    "reply_to: kim@stillwater.example}",
)


def test_a_list_has_a_sender_of_its_own_or_the_workspaces(workspace, write):
    write("subscribers/lists.yaml", OWN)
    own, other = workspace.sender_of("newsletter"), workspace.sender_of("letters")
    assert (own.name, own.email, own.reply_to) == (
        "The Weekly",
        "weekly@news.stillwater.example",
        "kim@stillwater.example",
    )
    assert other == workspace.sender_of("no such list") == workspace.config.sender


def test_mail_to_the_list_is_from_its_sender(workspace, write, cast, freeze, send, memory):
    write("subscribers/lists.yaml", OWN)
    send(freeze(), memory)
    mail = message_from_bytes(memory.mails[0].content)
    assert mail["From"] == "The Weekly <weekly@news.stillwater.example>"
    assert mail["Reply-To"] == "kim@stillwater.example"
    assert memory.mails[0].mail_from == "weekly@news.stillwater.example"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lists:\n  a: {title: A, welcome: nope}\n", "line 2: lists.a.welcome: there is no template “nope”"),
        ("lists:\n  a:\n    title: A\n    sender: {mail: x}\n", "line 4: lists.a.sender.mail: is not a key here"),
        ("lists: {}\nattributes:\n  a: {type: choice}\n", "`type: choice` and `choices` belong together"),
    ],
)
def test_a_mistake_names_its_line(workspace, write, text, sentence):
    write("subscribers/lists.yaml", text)
    with pytest.raises(InvalidFile) as caught:
        Workspace(workspace.root).lists  # noqa: B018
    assert sentence in str(caught.value)


def test_a_list_that_stands_twice_is_a_mistake_with_its_line(workspace, write):
    write(
        "subscribers/lists.yaml",
        "lists:\n  newsletter: {title: One}\n  letters: {title: Two}\n  newsletter: {title: Three}\n",
    )
    with pytest.raises(
        InvalidFile, match=r"subscribers/lists\.yaml.*line 4.*`newsletter` stands here again, after line 2"
    ):
        _ = workspace.lists
