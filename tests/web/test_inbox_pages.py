"""The local inbox's pages and JSON, without a browser."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("broadsheet.web.inbox.urls")


def shown_subjects(response):
    return re.findall(r'class="subject" title="([^"]*)"', response.content.decode())


def test_the_root_leads_to_the_list(client, workspace):
    assert client.get("/").headers["Location"] == "/inbox/"


def test_an_empty_inbox_says_what_comes_here(client, workspace):
    assert "No mail yet" in client.get("/inbox/").content.decode()


def test_the_list_shows_the_newest_first(client, put):
    put("First")
    put("Second")
    assert shown_subjects(client.get("/inbox/")) == ["Second", "First"]


def test_the_list_is_searched(client, put):
    put("Pillows", text="sleep")
    put("Tides")
    assert shown_subjects(client.get("/inbox/", {"q": "pillows sleep"})) == ["Pillows"]
    assert "No mail holds “volcano”" in client.get("/inbox/", {"q": "volcano"}).content.decode()


def test_a_long_list_has_pages_and_keeps_the_search(client, folder):
    for number in range(230):
        folder.add("a@b.example", ["c@d.example"], b"Subject: needle %d\r\n\r\n" % number)
    second = client.get("/inbox/", {"q": "needle", "page": 2})
    assert shown_subjects(second)[0] == "needle 129"
    assert "101 to 200 of 230" in second.content.decode()
    assert 'href="?q=needle&amp;page=3"' in second.content.decode()
    assert len(shown_subjects(client.get("/inbox/", {"page": "nonsense"}))) == 100


def test_the_list_is_not_sent_again_until_it_changes(client, put):
    put()
    etag = client.get("/inbox/").headers["ETag"]
    assert client.get("/inbox/", headers={"If-None-Match": etag}).status_code == 304
    put()
    assert client.get("/inbox/", headers={"If-None-Match": etag}).status_code == 200


def test_a_mail_is_shown_part_by_part(client, put):
    name = put()
    page = {
        view: client.get(f"/inbox/{name}", {"view": view}).content.decode() for view in ("text", "headers", "source")
    }
    assert "Grüße from the harbour." in page["text"]
    assert "<dt>X-Envelope-From</dt><dd>bounce@news.stillwater.example</dd>" in page["headers"]
    assert "Content-Transfer-Encoding" in page["source"]
    assert "harbour.png" in client.get(f"/inbox/{name}?view=attachments").content.decode()


def test_a_mail_without_html_opens_as_text(client, put):
    name = put(html=None)
    assert "<iframe" not in client.get(f"/inbox/{name}").content.decode()
    assert "This mail has no HTML part" in client.get(f"/inbox/{name}?view=html").content.decode()


def test_unknown_choices_fall_back(client, put):
    page = client.get(f"/inbox/{put()}?view=x&width=x&dark=x").content.decode()
    assert '<iframe class="desktop dark-off"' in page


def test_the_frame_is_sandboxed_twice(client, put):
    name = put()
    page = client.get(f"/inbox/{name}").content.decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    response = client.get(f"/inbox/{name}/html")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script" not in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_frame_keeps_the_doctype_first_and_finds_the_pictures(client, put):
    name = put()
    html = client.get(f"/inbox/{name}/html").content.decode()
    assert html.startswith("<!doctype html>")
    assert f'src="/inbox/{name}/attachments/1"' in html


@pytest.mark.parametrize(
    ("dark", "condition"), [("off", "(max-width:0)"), ("own", "(min-width:0)"), ("forced", "(max-width:0)")]
)
def test_the_authors_dark_styles_apply_when_asked_for(client, put, dark, condition):
    html = client.get(f"/inbox/{put()}/html?dark={dark}").content.decode()
    assert f"@media {condition} {{ body {{ background: #101010" in html


@pytest.mark.parametrize(
    "html", ["<p>bare", "<HTML><p>x", "<!DOCTYPE html><p>x", "<html><HEAD lang=x><p>x", "", "<head"]
)
def test_html_of_any_shape_can_be_framed(client, put, html):
    framed = client.get(f"/inbox/{put(html=html or ' ')}/html").content.decode()
    assert '<base target="_blank">' in framed
    assert not framed.startswith("<base") or not html.lower().startswith("<!doc")


def test_the_list_as_json(client, put):
    name = put("Tide lines")
    (mail,) = client.get("/inbox.json?q=tide").json()["mails"]
    assert mail["name"] == name
    assert mail["from"] == "Stillwater <hello@news.stillwater.example>"
    assert mail["to"] == ["ada@reader.example"]
    assert (mail["subject"], mail["size"] > 500) == ("Tide lines", True)
    assert mail["date"].endswith("+00:00")
    assert client.get("/inbox.json?q=nothing").json() == {"mails": []}


def test_a_mail_as_json(client, put):
    mail = client.get(f"/inbox/{put('Tide lines')}.json").json()
    assert mail["subject"] == "Tide lines"
    assert mail["text"].strip() == "Grüße from the harbour."
    assert "<h1>Tide lines</h1>" in mail["html"]
    assert ["Subject", "Tide lines"] in mail["headers"]
    assert mail["attachments"][0] | {"size": 0} == {
        "number": 1,
        "filename": "harbour.png",
        "content_type": "image/png",
        "content_id": "pic@x",
        "size": 0,
    }


def test_the_source_is_the_file_as_it_stands(client, put, folder):
    name = put()
    response = client.get(f"/inbox/{name}/source")
    assert b"".join(response.streaming_content) == folder.source(name)
    assert response.headers["Content-Type"] == "message/rfc822"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_picture_may_be_shown_and_everything_else_is_downloaded(client, put):
    name = put()
    picture = client.get(f"/inbox/{name}/attachments/1")
    assert (picture.headers["Content-Type"], "Content-Disposition" in picture.headers) == ("image/png", False)
    page = client.get(f"/inbox/{name}/attachments/2")
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Content-Disposition"] == 'attachment; filename="no-te-.html"'
    assert client.get(f"/inbox/{name}/attachments/3").status_code == 404


def test_one_mail_is_deleted(client, put, folder):
    kept, gone = put("Kept"), put("Gone")
    assert client.post(f"/inbox/{gone}/delete").headers["Location"] == "/inbox/"
    assert client.post(f"/inbox/{gone}/delete").status_code == 302  # gone already: as wanted
    assert [mail.name for mail in folder.list()] == [kept]


def test_all_mails_are_deleted(client, put, folder):
    put()
    put()
    client.post("/inbox/clear")
    assert folder.list() == ()


@pytest.mark.parametrize("what", ["clear", "{name}/delete"])
def test_deleting_needs_a_post_from_our_own_page(put, folder, what):
    path = "/inbox/" + what.format(name=put())
    client = Client(enforce_csrf_checks=True)
    assert client.get(path).status_code == 405
    refused = client.post(path)
    assert refused.status_code == 403
    assert "This form is too old" in refused.content.decode()
    assert len(folder.list()) == 1


@pytest.mark.parametrize("end", ["", ".json", "/html", "/source", "/attachments/1"])
@pytest.mark.parametrize("name", ["123-none.eml", "..%2fbroadsheet.eml", "../x.eml", "x.txt"])
def test_what_is_not_there_is_a_404(client, workspace, name, end):
    assert client.get(f"/inbox/{name}{end}").status_code == 404


def test_what_a_mail_says_is_shown_as_text(client, put):
    name = put("<script>alert(1)</script>", text="</pre><script>alert(2)</script>")
    for path in ("/inbox/", f"/inbox/{name}", f"/inbox/{name}?view=text", f"/inbox/{name}?view=source"):
        assert "<script>alert" not in client.get(path).content.decode()


def test_answers_are_strict(client, put):
    name = put()
    for path in ("/inbox/", "/inbox.json", f"/inbox/{name}", f"/inbox/{name}/attachments/2"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_only_loopback_and_our_own_names_are_answered(client, workspace):
    """A page elsewhere whose name was made to lead here (DNS rebinding) reads nothing."""
    assert client.get("/inbox.json", headers={"Host": "evil.example"}).status_code == 400
