import io
import os
import time

import pytest
from PIL import Image

from broadsheet.articles import images
from broadsheet.articles.images import ImageProblem, Rendition, rendition

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 400"><rect width="800" height="400" fill="%s"/></svg>'


@pytest.fixture
def source(workspace):
    return workspace.config.sources[0]


def png(colour="red"):
    out = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(out, "PNG")
    return out.getvalue()


def test_an_image_of_the_site_is_found_in_the_sources_folder(workspace, write, source):
    write("pictures/images/a.svg", SVG % b"red")
    made = rendition(workspace, source, "https://clinic.example/images/a.svg?v=2")
    assert isinstance(made, Rendition)
    assert (made.width, made.height, made.content_type) == (1280, 640, "image/png")
    assert made.path == workspace.state / "images" / made.name
    assert made.size == len(made.path.read_bytes())
    with Image.open(made.path) as image:
        assert image.size == (1280, 640)


def test_an_address_may_have_spaces_and_accents_in_it(workspace, write, source):
    write("pictures/a b é.png", png())
    assert isinstance(rendition(workspace, source, "https://clinic.example/a%20b%20%C3%A9.png"), Rendition)


def test_the_name_is_made_of_the_content(workspace, write, source):
    write("pictures/a.png", png())
    write("pictures/b.png", png())
    write("pictures/c.png", png("blue"))
    a, b, c = (rendition(workspace, source, f"https://clinic.example/{name}.png") for name in "abc")
    assert a.name == b.name != c.name
    assert len(a.name) == len("0123456789abcdef0123.png")


def test_a_second_call_converts_nothing(workspace, write, source, monkeypatch):
    write("pictures/a.svg", SVG % b"red")
    first = rendition(workspace, source, "https://clinic.example/a.svg")

    def refuse(_):
        raise AssertionError("converted again")

    monkeypatch.setattr(images, "convert", refuse)
    assert rendition(workspace, source, "https://clinic.example/a.svg") == first


def test_a_changed_file_is_converted_again(workspace, write, source):
    write("pictures/a.svg", SVG % b"red")
    first = rendition(workspace, source, "https://clinic.example/a.svg")
    os.utime(write("pictures/a.svg", SVG % b"tan"), (1, 1))
    second = rendition(workspace, source, "https://clinic.example/a.svg")
    assert first.name != second.name
    assert first.path.is_file()  # a mail that is on its way may point at it


@pytest.mark.parametrize("loss", ["image", "note"])
def test_a_cache_that_lost_something_mends_itself(workspace, write, source, loss):
    write("pictures/a.png", png())
    first = rendition(workspace, source, "https://clinic.example/a.png")
    [note] = (workspace.state / "images" / "index").iterdir()
    if loss == "image":
        first.path.unlink()
    else:
        note.write_text("{", encoding="utf-8")
    assert rendition(workspace, source, "https://clinic.example/a.png") == first
    assert first.path.is_file()


def test_nothing_but_the_image_and_its_note_is_left(workspace, write, source):
    write("pictures/a.png", png())
    made = rendition(workspace, source, "https://clinic.example/a.png")
    assert {path.name for path in made.path.parent.iterdir()} == {made.name, "index"}


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.png",
        "/%2e%2e/secret.png",
        "/..%2fsecret.png",
        "//secret.png/../../secret.png",
        "/link.png",
    ],
)
def test_no_path_leads_out_of_the_folder(workspace, write, source, path):
    secret = write("secret.png", png())
    (workspace.root / "pictures" / "link.png").symlink_to(secret)
    problem = rendition(workspace, source, f"https://clinic.example{path}")
    assert problem == ImageProblem(
        f"https://clinic.example{path}", "leads out of the folder that `images` under `sources` names"
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (
            "https://clinic.example/gone.png",
            "is not in the folder “pictures” that `images` under `sources` names",
        ),
        ("https://clinic.example/", "is not in the folder “pictures” that `images` under `sources` names"),
        ("https://clinic.example/a%00.png", "is no valid address"),
        ("https://[clinic.example/a.png", "is no valid address"),
        ("https://clinic.example/text.png", "is not an image of a kind we know"),
        ("https://clinic.example/large.png", "is larger than 8 MB"),
        ("http://127.0.0.1:1/a.png", "is at a private address; only public ones are fetched"),
        ("file:///etc/passwd", "is neither an http nor an https address"),
    ],
)
def test_what_can_not_be_mailed_is_a_problem_with_its_reason(workspace, write, source, address, reason):
    write("pictures/text.png", "not an image")
    write("pictures/large.png", b"\0" * 8_000_001)
    problem = rendition(workspace, source, address)
    assert problem == ImageProblem(address, reason)
    assert str(problem) == f"the image {address} {reason}"


def test_an_image_of_the_web_is_fetched_once_a_day(workspace, source, site):
    address = f"{site}/a.png"
    first = rendition(workspace, source, address, allow_private=True)
    assert first.width == 30
    assert rendition(workspace, source, address, allow_private=True) == first
    assert site.asked == 1
    [note] = (workspace.state / "images" / "index").iterdir()
    yesterday = time.time() - images.FRESH - 1
    os.utime(note, (yesterday, yesterday))
    assert rendition(workspace, source, address, allow_private=True) == first
    assert site.asked == 2


def test_a_site_without_a_folder_of_images_is_fetched_from(workspace, site, tmp_path):
    from broadsheet.conf import FolderSource as Source
    from broadsheet.workspace import Workspace

    (tmp_path / "broadsheet.toml").write_text(f'[site]\nurl = "{site}"\n', encoding="utf-8")
    bare = Workspace(tmp_path)
    assert isinstance(rendition(bare, Source(path="articles"), f"{site}/a.png", allow_private=True), Rendition)
    assert site.asked == 1


class _Address(str):
    asked = 0


@pytest.fixture
def site():
    """A web server on loopback that answers everything with one image."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            address.asked += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(png())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    address = _Address(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()
