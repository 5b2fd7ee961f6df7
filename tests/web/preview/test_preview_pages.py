"""The preview's pages and what it asks for, without a browser."""

import re

import pytest

from broadsheet.models import Delivery, Edition, Subscriber, Suppression
from broadsheet.sending.inbox import MailFolder


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_list_says_when_to_whom_and_how_many(page_of):
    page = page_of("/")
    assert "Weekly digest campaigns/weekly-digest.md" in page
    assert re.search(r"Next Tuesday, \d+ \w+ \d{4}, 09:00 Europe/Berlin, in ", page)
    assert "To Stillwater Weekly" in page
    assert "3 readers, in 2 mails Left out: 1 unsubscribed, 1 too few articles for them" in page


def test_a_mistake_in_a_campaign_shows_on_the_list_beside_the_good_ones(page_of, drafts):
    good = (drafts / "campaigns/weekly-digest.md").read_text()
    (drafts / "campaigns/broken.md").write_text(good.replace("preheader:", "preheeder:"))
    page = page_of("/")
    assert "3 readers, in 2 mails" in page
    assert "A mistake to mend campaigns/broken.md , line 7, preheeder is not a key here; did you mean" in page


def test_every_mistake_of_a_file_is_shown_with_its_line(page_of, drafts):
    rewrite(drafts / "campaigns/weekly-digest.md", "list: newsletter", "list: nwsletter")
    rewrite(drafts / "campaigns/weekly-digest.md", "template: digest", "template: digits")
    page = page_of("/weekly-digest/")
    assert "2 mistakes to mend" in page
    assert "campaigns/weekly-digest.md , line 3, list there is no list “nwsletter”" in page
    assert "here: 3 list: nwsletter" in page
    assert "here: 5 template: digits" in page


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "meant"),
    [
        ("templates/digest/template.html", "{{ intro }}", "{{ introo }}", "line 10", "here: 10 {{ introo }}"),
        ("templates/digest/template.html", "{% endfor %}", "{% endfro %}", "line 14", "here: 14 {% endfro %}"),
        ("templates/digest/template.html", "{{ intro }}", "{{ intro }", "line", "here:"),
        ("campaigns/weekly-digest.md", "{{ articles[0].title }}", "{{ article.title }}", "line 6, subject", "here: 6"),
        ("campaigns/weekly-digest.md", "what is new.", "what\n{{ nothing }}", "line 11", "here: 11 {{ nothing }}"),
        ("campaigns/weekly-digest.md", "0 9 * * tue", "often", "line 8, schedule.cron", "here: 8"),
        ("broadsheet.toml", '"Europe/Berlin"', '"Europe/Kiel"', "line 4, site.time_zone", "here: 4"),
        ("broadsheet.toml", "[site]", "[site", "line 1", "here: 1 [site"),
        ("subscribers/lists.yaml", "newsletter: {title", "newsletter: {titel", "line 2", "here: 2"),
    ],
)
def test_a_mistake_is_shown_with_file_line_and_what_stands_there(page_of, drafts, file, old, new, place, meant):
    rewrite(drafts / file, old, new)
    page = page_of("/weekly-digest/")
    assert f"{file} , {place}" in page
    assert meant in page


def test_a_mended_mistake_is_gone(page_of, drafts):
    template = drafts / "templates/digest/template.html"
    rewrite(template, "{{ intro }}", "{{ introo }}")
    assert "A mistake to mend" in page_of("/weekly-digest/")
    rewrite(template, "{{ introo }}", "{{ intro }}")
    assert "A mistake to mend" not in page_of("/weekly-digest/")


def test_a_source_that_is_not_there_is_a_mistake_and_no_blank_page(page_of, drafts):
    rewrite(drafts / "broadsheet.toml", 'path = "articles"', 'path = "artikel"')
    assert "The article folder “artikel” isn't there." in page_of("/weekly-digest/")
    assert "The article folder “artikel” isn't there." in page_of("/")


def test_an_article_that_cannot_be_taken_is_named_on_the_list(page_of, drafts):
    (drafts / "articles/broken.md").write_text("---\ntitle: [\n---\nWords.\n")
    page = page_of("/")
    assert "1 article can’t be taken" in page
    assert "articles/broken.md" in page


def test_an_unknown_campaign_is_not_found_and_says_which_there_are(client):
    response = client.get("/weekly/")
    assert response.status_code == 404
    assert "There is: weekly-digest." in response.text


def test_the_first_reader_of_the_largest_mail_is_shown(page_of):
    page = page_of("/weekly-digest/")
    assert "Ada Lovelace ada@reader.example Likes to read about sleep Gets 1 article A quiet night sleep" in page
    assert "2 readers get just these." in page
    assert "Mail 1 of 2" in page


def test_any_reader_is_shown_with_what_they_get(client):
    mail = client.get("/weekly-digest/mail?reader=moritz@walker.example").text
    assert "Hello Moritz, here is what is new." in mail
    assert "A slow walk" in mail
    assert "A quiet night" not in mail


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("gone@reader.example", "Gwendolyn Gone would get nothing The reason: they have left “Stillwater Weekly”."),
        ("picky@reader.example", "Pia Picky would get nothing The reason: there is no article about their interests."),
    ],
)
def test_a_reader_who_would_get_nothing_is_told_why(page_of, client, email, reason):
    assert reason in page_of(f"/weekly-digest/?reader={email}")
    assert client.get(f"/weekly-digest/mail?reader={email}").status_code == 404


def test_a_suppressed_reader_would_get_nothing(page_of):
    Suppression.objects.create(email_key="ada@reader.example", reason="dead")
    assert "their address must not be mailed" in page_of("/weekly-digest/?reader=ada@reader.example")


def test_without_readers_a_made_up_one_is_shown(page_of, client):
    Subscriber.objects.all().delete()
    page = page_of("/weekly-digest/")
    assert "Somebody made up , interested in everything." in page
    assert "Gets 2 articles" in page
    assert "There is no reader’s mail to send." in page
    assert "Hello Robin" in client.get("/weekly-digest/mail").text


def test_without_readers_and_articles_the_page_says_so(page_of, drafts):
    Subscriber.objects.all().delete()
    for path in (drafts / "articles").glob("*.md"):
        path.unlink()
    assert "Nothing to show Nobody would get this mail, and no article fits its rules yet." in page_of(
        "/weekly-digest/"
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ADA", ["ada@reader.example"]),
        ("love ada", ["ada@reader.example"]),
        ("walker.ex", ["moritz@walker.example"]),
        ("movement", ["moritz@walker.example"]),
        ("竹", ["zhuying@reader.example"]),
        ("sleep gwen", ["gone@reader.example"]),
        ("%", []),
        ("nobody", []),
        ("", []),
    ],
)
def test_readers_are_found_by_part_of_name_address_or_interest(client, words, found):
    hits = client.get("/weekly-digest/readers.json", {"q": words}).json()["hits"]
    assert [hit["email"] for hit in hits] == found


def test_a_search_says_what_each_would_get_and_ends_at_twenty(client):
    first = Subscriber.objects.get(email="ada@reader.example")
    Subscriber.objects.bulk_create(
        Subscriber(
            email=f"{n}@many.example",
            email_key=f"{n}@many.example",
            interests=first.interests,
            created_at=first.created_at,
        )
        for n in range(30)
    )
    assert len(client.get("/weekly-digest/readers.json", {"q": "many"}).json()["hits"]) == 20
    (ada,) = client.get("/weekly-digest/readers.json", {"q": "ada"}).json()["hits"]
    assert ada == {
        "email": "ada@reader.example",
        "name": "Ada Lovelace",
        "interests": ["sleep"],
        "gets": "1 article",
    }


def test_pictures_come_from_this_server_by_plain_name_only(client, workspace):
    address = re.search(r'src="(/i/[^"]+)"', client.get("/weekly-digest/mail").text)[1]
    response = client.get(address)
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    (workspace.state / "images" / "notes.html").write_text("<b>x</b>")
    for name in ("notes.html", "index", "..%2Fsecret_key", ".hidden.png", "missing.png", "%2e%2e"):
        assert client.get(f"/i/{name}").status_code == 404


def test_the_frame_can_run_nothing_and_shows_pictures_only_if_asked(client):
    policy = client.get("/weekly-digest/mail").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "img-src 'none';" in client.get("/weekly-digest/mail?images=off").headers["Content-Security-Policy"]


def test_the_version_changes_with_the_files_and_the_people_only(client, drafts):
    def version():
        return client.get("/changes.json").json()["version"]

    first = version()
    client.get("/weekly-digest/")
    assert version() == first
    (drafts / "articles/.night.md.swp").write_text("an editor's")
    assert version() == first
    seen = {first}
    for path in ("templates/digest/template.html", "campaigns/weekly-digest.md", "broadsheet.toml", "articles/walk.md"):
        with (drafts / path).open("a") as file:
            file.write("\n")
        seen.add(version())
    Subscriber.objects.create(
        email="new@reader.example",
        email_key="new@reader.example",
        interests=Subscriber.objects.first().interests,
        created_at=Subscriber.objects.first().created_at,
    )
    seen.add(version())
    assert len(seen) == 6


def test_a_changed_article_is_read_again(client, drafts):
    assert "A quiet night" in client.get("/weekly-digest/mail").text
    rewrite(drafts / "articles/night.md", "A quiet night", "A loud night")
    assert "A loud night" in client.get("/weekly-digest/mail").text


def test_looking_changes_nothing(client, workspace):
    for path in (
        "/",
        "/weekly-digest/",
        "/weekly-digest/mail",
        "/weekly-digest/?view=source",
        "/weekly-digest/mail.eml",
    ):
        assert client.get(path).status_code == 200
    assert not Edition.objects.exists()
    assert not Delivery.objects.exists()
    assert MailFolder(workspace.state / "inbox").list() == ()


def test_only_the_shown_mail_is_compiled_and_only_once(client, monkeypatch):
    from broadsheet.web.preview import desk

    compiled = []
    compile_message = desk.compile_message
    monkeypatch.setattr(desk, "compile_message", lambda sheet: compiled.append(sheet) or compile_message(sheet))
    for view in ("mail", "text", "source", "headers"):
        client.get(f"/weekly-digest/?view={view}")
    client.get("/weekly-digest/mail")
    assert len(compiled) == 1


def test_the_inbox_row_is_as_inboxes_show_it(page_of):
    assert "Stillwater 09:00 A quiet night 1 chosen for you Stillwater Hello Ada" in page_of("/weekly-digest/")


def test_findings_say_how_to_mend_them(page_of, drafts):
    rewrite(drafts / "templates/digest/template.html", '<a href="{{ unsubscribe_url }}">Unsubscribe</a>', "")
    page = page_of("/weekly-digest/")
    assert "Must be mended" in page
    assert "unsubscribe" in page.lower()


def test_another_time_can_be_asked_for(page_of, client):
    page = page_of("/weekly-digest/?at=2026-01-01T09:00")
    assert "Thursday, 1 January 2026, 09:00" in page
    assert "Nobody yet" in page
    assert client.get("/weekly-digest/?at=whenever").status_code == 200


def test_a_proof_needs_a_form_of_ours(client, drafts):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
    assert strict.post("/weekly-digest/proof", {"to": "me@staff.example"}).status_code == 403


def test_a_proof_that_is_not_taken_says_why(client, workspace):
    response = client.post("/weekly-digest/proof", {"to": "nobody"}, follow=True)
    assert "“nobody” is not an email address" in response.text
    assert MailFolder(workspace.state / "inbox").list() == ()
    assert "is not an email address" not in client.get("/weekly-digest/").text
