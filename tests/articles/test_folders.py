import os
from pathlib import Path

import pytest

from broadsheet.articles.folders import MAX_BYTES, article_files
from broadsheet.articles.parsing import Context, ParsedArticle, parse_article
from broadsheet.articles.tagging import Tagging
from broadsheet.conf import FolderSource as Source
from broadsheet.errors import BroadsheetError, RejectedArticle

ARTICLES = Source(path="articles")


def read_source(workspace, source):
    """The articles of the folder, each parsed or rejected, as the sync reads them."""
    context = Context.of(workspace.config, Tagging.of(workspace.config), source.keys)
    for file in article_files(workspace, source):
        try:
            yield file if isinstance(file, RejectedArticle) else parse_article(file.text(), file.path, context)
        except RejectedArticle as rejected:
            yield rejected


def titles(workspace, source=ARTICLES):
    return [each.title for each in read_source(workspace, source) if isinstance(each, ParsedArticle)]


def problems(workspace, source=ARTICLES):
    return [str(each.problem) for each in read_source(workspace, source) if isinstance(each, RejectedArticle)]


def test_files_come_in_the_order_of_their_paths(workspace, write):
    for path in ("b.md", "a.md", "deep/er/c.md"):
        write(f"articles/{path}", f"# {path}")
    assert titles(workspace) == ["a.md", "b.md", "deep/er/c.md"]


def test_paths_are_relative_to_the_workspace(workspace, write):
    write("articles/deep/a.md", "# A")
    assert [each.path for each in read_source(workspace, ARTICLES)] == ["articles/deep/a.md"]


def test_hidden_and_underscored_names_are_left_out(workspace, write):
    for path in (".a.md", "_a.md", ".git/a.md", "_drafts/a.md", "README.md"):
        write(f"articles/{path}", f"# {path}")
    assert titles(workspace) == ["README.md"]


def test_the_glob_says_which_files_are_articles(workspace, write):
    write("articles/a.md", "# A")
    write("articles/b.markdown", "# B")
    write("articles/deep/c.markdown", "# C")
    assert titles(workspace, Source(path="articles", glob=("*.markdown",))) == ["B"]


@pytest.mark.parametrize("glob", ["", "/etc/*"])
def test_a_glob_that_is_none_is_one_clear_sentence(workspace, glob):
    with pytest.raises(BroadsheetError, match=r"`glob` under `sources` in broadsheet\.toml is “"):
        titles(workspace, Source(path="articles", glob=(glob,)))


def test_a_folder_that_is_not_there_is_one_clear_sentence(workspace):
    with pytest.raises(BroadsheetError) as caught:
        titles(workspace, Source(path="nowhere"))
    assert str(caught.value) == (
        "The article folder “nowhere” isn't there. Make it, or correct `path` under `sources` in broadsheet.toml."
    )


TEXT = "---\ntitle: Über Schlaf\n---\nEin Satz über Schlaf.\n"


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.encode("latin-1"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode("utf-8-sig"),
    ],
    ids=["BOM", "CRLF", "Latin-1", "UTF-16", "BOM and CRLF"],
)
def test_a_file_is_read_whatever_wrote_it(workspace, write, raw):
    write("articles/a.md", raw)
    [article] = read_source(workspace, ARTICLES)
    assert (article.title, article.html) == ("Über Schlaf", "<p>Ein Satz über Schlaf.</p>\n")


def test_a_file_that_is_no_text_is_rejected_and_the_others_go_on(workspace, write):
    write("articles/a.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    write("articles/b.md", "# B")
    assert problems(workspace) == ["articles/a.md: is not a text file"]
    assert titles(workspace) == ["B"]


def test_half_a_utf_16_file_is_rejected(workspace, write):
    write("articles/a.md", TEXT.encode("utf-16")[:-1])
    assert problems(workspace) == ["articles/a.md: is not a text file"]


def test_a_header_that_can_not_be_read_is_rejected_and_the_others_go_on(workspace, write):
    write("articles/a.md", "---\ntitle: [\n---\n")
    write("articles/b.md", "# B")
    assert problems(workspace)[0].startswith("articles/a.md: line 3: not valid YAML")
    assert titles(workspace) == ["B"]


def test_a_file_that_is_far_too_large_is_rejected(workspace, write):
    write("articles/a.md", b"x" * (MAX_BYTES + 1))
    assert problems(workspace) == ["articles/a.md: is larger than 5 MB"]


def test_a_loop_of_links_ends(workspace, write):
    write("articles/a.md", "# A")
    (workspace.root / "articles" / "loop").symlink_to(workspace.root / "articles", target_is_directory=True)
    assert titles(workspace) == ["A"]


def test_a_link_out_of_the_folder_is_rejected(workspace, write, tmp_path):
    secret = write("secret.md", "# Secret")
    (workspace.root / "articles" / "a.md").symlink_to(secret)
    assert problems(workspace) == ["articles/a.md: leads out of the folder “articles”"]


def test_a_linked_folder_outside_is_not_read(workspace, write):
    secret = write("secret/a.md", "# Secret")
    (workspace.root / "articles" / "deep").symlink_to(secret.parent, target_is_directory=True)
    for glob in ("**/*.md", "*/*.md", "../secret/*.md"):
        assert titles(workspace, Source(path="articles", glob=(glob,))) == []


def test_a_link_within_the_folder_is_read(workspace, write):
    write("articles/deep/a.other", "# A")
    (workspace.root / "articles" / "b.md").symlink_to(Path("deep/a.other"))
    assert titles(workspace) == ["A"]


def test_a_link_to_nothing_is_rejected(workspace):
    (workspace.root / "articles" / "a.md").symlink_to(workspace.root / "articles" / "gone.md")
    assert problems(workspace) == ["articles/a.md: is not a file that can be read"]


def test_a_pipe_is_rejected_and_not_waited_for(workspace):
    os.mkfifo(workspace.root / "articles" / "a.md")
    assert problems(workspace) == ["articles/a.md: is not a file that can be read"]


def test_a_folder_with_the_name_of_an_article_is_no_article(workspace, write):
    write("articles/a.md/b.md", "# B")
    assert titles(workspace) == ["B"]


def test_a_name_that_is_not_utf_8_is_rejected(workspace):
    name = os.fsencode(workspace.root / "articles") + b"/caf\xe9.md"
    with open(name, "w") as file:  # noqa: PTH123  a Path can't be made of such a name
        file.write("# A")
    assert problems(workspace) == ["articles/caf?.md: has a name that is not UTF-8; rename it"]
