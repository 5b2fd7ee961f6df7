"""Exports of the tools that people come from: their columns, their words, and nobody mailable who must not be."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadsheet.audience import ImportChoices, Target, import_people, mailable
from broadsheet.errors import BroadsheetError
from broadsheet.models import Subscriber, Subscription, Suppression

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).resolve().parents[2] / "docs" / "coming-from.md"

#: An export of each tool, its columns as the tool writes them, and who of it may be mailed.
EXPORTS = {
    "Mailchimp": (
        '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,'
        "LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
        'ada@reader.example,Ada,Lovelace,2,"2024-01-17 09:00:00",192.0.2.17,"2024-01-17 09:05:00",192.0.2.17,,,,,'
        'Europe/Berlin,DE,,"2024-01-17 09:05:00",1,a1,,"""sleep"",""chronic pain"""\n',
        ["ada"],
    ),
    "Mailchimp, unsubscribed": (
        "Email Address,First Name,OPTIN_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,TAGS\n"
        'ada@reader.example,Ada,2024-01-17 09:00:00,2024-02-01 10:00:00,News,1,NORMAL,"""sleep"""\n',
        [],
    ),
    "Mailchimp, cleaned": (
        "Email Address,First Name,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,TAGS\n"
        "ada@reader.example,Ada,2024-01-17 09:00:00,2024-02-01 10:00:00,News,1,\n",
        [],
    ),
    "Substack": (
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "ada@reader.example,false,,other,false,2024-01-17T09:00:00.000Z,\n"
        "ben@reader.example,true,2026-01-01T00:00:00.000Z,yearly,true,2024-01-17T09:00:00.000Z,2024-01-17T09:00:00.000Z\n",
        ["ada"],
    ),
    "Substack, page of subscribers": (
        "Email,Name,Type,Stripe plan,Cancel date,Start date,Paid upgrade date,Emails opened (6mo),Activity,Expiration date,"
        "Email drops (6mo),Receiving emails for\n"
        "ada@reader.example,Ada,Free,,,2024-01-17T09:00:00.000Z,,12,5,,0,News\n"
        "ben@reader.example,Ben,Paid,Monthly,,2024-01-17T09:00:00.000Z,,12,5,2026-02-01,0,News\n"
        "cleo@reader.example,Cleo,Comp,,2025-02-01,2024-01-17T09:00:00.000Z,,0,0,,0,\n"
        "dan@reader.example,Dan,Unsubscribed,,,2024-01-17T09:00:00.000Z,,0,0,,0,\n",
        ["ada", "ben", "cleo"],
    ),
    "Substack, page of subscribers in 2024": (
        "Email,Name,Subscription type,Activity,Subscription date,Revenue,Subscriber country,Email last opened at,Expires at,"
        "First payment at,Paid upgrade date,Cancel date,Receiving emails for,Is Bestseller\n"
        "ada@reader.example,Ada,Free,3,2024-01-17,$0.00,DE,,,,,,News,false\n",
        ["ada"],
    ),
    "Ghost": (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"
        '1,ada@reader.example,Ada Lovelace,,true,false,,2024-01-17T09:00:00.000Z,,"sleep,mind",\n'
        "2,ben@reader.example,Ben,,false,false,,2024-01-17T09:00:00.000Z,,,\n"
        "3,cleo@reader.example,Cleo,,true,false,,2024-01-17T09:00:00.000Z,2024-03-01T09:00:00.000Z,,\n"
        "4,dan@reader.example,Dan,,,false,,2024-01-17T09:00:00.000Z,,,\n",
        ["ada"],
    ),
    "Buttondown": (
        "id,email_address,notes,metadata,tags,creation_date,source,type,undeliverability_reason,unsubscription_date\n"
        'x,ada@reader.example,,"{""town"": ""Kiel"", ""n"": 3}",sleep,2024-01-17T09:00:00Z,embed,regular,,\n'
        "x,ben@reader.example,,{},,2024-01-17T09:00:00Z,embed,unactivated,,\n"
        "x,cleo@reader.example,,{},,2024-01-17T09:00:00Z,embed,unsubscribed,,2024-02-01\n"
        "x,dan@reader.example,,{},,2024-01-17T09:00:00Z,embed,undeliverable,does_not_exist,\n"
        "x,eve@reader.example,,{},,2024-01-17T09:00:00Z,embed,premium,,\n"
        "x,fay@reader.example,,{},,2024-01-17T09:00:00Z,embed,complained,,\n"
        "x,gus@reader.example,,{},,2024-01-17T09:00:00Z,embed,past_due,,\n",
        ["ada", "eve"],
    ),
    "Kit": (
        "email,first_name,status,created_at,tags\n"
        "ada@reader.example,Ada,confirmed,2024-01-17 09:00:00 UTC,sleep\n"
        "ben@reader.example,Ben,unconfirmed,2024-01-17 09:00:00 UTC,\n"
        "cleo@reader.example,Cleo,cancelled,2024-01-17 09:00:00 UTC,\n"
        "dan@reader.example,Dan,bounced,2024-01-17 09:00:00 UTC,\n"
        "eve@reader.example,Eve,complained,2024-01-17 09:00:00 UTC,\n"
        "fay@reader.example,Fay,cold,2024-01-17 09:00:00 UTC,\n"
        "gus@reader.example,Gus,inactive,2024-01-17 09:00:00 UTC,\n",
        ["ada"],
    ),
    "Beehiiv": (
        "Email,Status,Subscription tier,Created At,Unsubscribed At,utm_source\n"
        "ada@reader.example,active,free,2024-01-17 09:00:00 UTC,,\n"
        "ben@reader.example,inactive,free,2024-01-17 09:00:00 UTC,2024-02-01 09:00:00 UTC,\n"
        "cleo@reader.example,pending,free,2024-01-17 09:00:00 UTC,,\n"
        "dan@reader.example,validating,free,2024-01-17 09:00:00 UTC,,\n"
        "eve@reader.example,invalid,free,2024-01-17 09:00:00 UTC,,\n",
        ["ada"],
    ),
    "MailerLite": (
        "Subscriber,Status,Subscribed,Opens,Clicks,Name,Last name,Country\n"
        "ada@reader.example,Active,2024-01-17 09:00:00,3,1,Ada,Lovelace,DE\n"
        "ben@reader.example,Unsubscribed,2024-01-17 09:00:00,3,1,Ben,,\n"
        "cleo@reader.example,Unconfirmed,,0,0,Cleo,,\n"
        "dan@reader.example,Bounced,2024-01-17 09:00:00,0,0,Dan,,\n"
        "eve@reader.example,Junk,2024-01-17 09:00:00,0,0,Eve,,\n",
        ["ada"],
    ),
    "Klaviyo": (
        "Email,Klaviyo ID,First Name,Last Name,Email Marketing Consent,Email Marketing Consent Timestamp,"
        "Email Suppressions,Email Suppressions Timestamp\n"
        "ada@reader.example,01,Ada,Lovelace,SUBSCRIBED,2024-01-17 09:05:00+00:00,[],\n"
        "ben@reader.example,02,Ben,,UNSUBSCRIBED,,[],\n"
        "cleo@reader.example,03,Cleo,,NEVER_SUBSCRIBED,,[],\n"
        "dan@reader.example,04,Dan,,SUBSCRIBED,2024-01-17 09:05:00+00:00,['HARD_BOUNCE'],2024-03-01\n"
        "eve@reader.example,05,Eve,,,,[],\n",
        ["ada"],
    ),
    "HubSpot": (
        "Record ID,First Name,Last Name,Email,Create Date,Marketing contact status,Unsubscribed from all email,"
        "Opted out of email: Newsletter,Email hard bounce reason,Invalid email address\n"
        "1,Ada,Lovelace,ada@reader.example,2024-01-17 09:00,Marketing contact,,,,\n"
        "2,Ben,,ben@reader.example,2024-01-17 09:00,Marketing contact,Yes,,,\n"
        "3,Cleo,,cleo@reader.example,2024-01-17 09:00,Marketing contact,,true,,\n"
        "4,Dan,,dan@reader.example,2024-01-17 09:00,Marketing contact,,,UNKNOWN_USER,\n"
        "5,Eve,,eve@reader.example,2024-01-17 09:00,Marketing contact,,,,Yes\n"
        "6,Fay,,fay@reader.example,2024-01-17 09:00,Non-marketing contact,,,,\n",
        ["ada"],
    ),
    "Brevo": (
        "CONTACT ID;EMAIL;FIRSTNAME;LASTNAME;DOUBLE_OPT-IN;BLOCKLISTED;ADDED_TIME;MODIFIED_TIME\n"
        "1;ada@reader.example;Ada;Lovelace;Yes;false;17-01-2024;17-01-2024\n".replace(
            "17-01-2024", "2024-01-17 09:00:00"
        )
        + "2;ben@reader.example;Ben;;Yes;true;2024-01-17 09:00:00;\n"
        "3;cleo@reader.example;Cleo;;No;false;2024-01-17 09:00:00;\n"
        "4;dan@reader.example;Dan;;;false;2024-01-17 09:00:00;\n",
        ["ada"],
    ),
    "ActiveCampaign": (
        "Email,First Name,Last Name,Phone,Status,Tags,Date Created,IP Address,Date Unsubscribed\n"
        'ada@reader.example,Ada,Lovelace,,Active,"sleep, mind",01/17/2024 09:00,192.0.2.17,\n'
        "ben@reader.example,Ben,,,Unconfirmed,,01/17/2024 09:00,,\n"
        "cleo@reader.example,Cleo,,,Unsubscribed,,01/17/2024 09:00,,02/01/2024 09:00\n"
        "dan@reader.example,Dan,,,Bounced,,01/17/2024 09:00,,\n"
        "eve@reader.example,Eve,,,Active,,01/17/2024 09:00,,02/01/2024 09:00\n",
        ["ada"],
    ),
    "SendGrid": (
        "EMAIL,FIRST_NAME,LAST_NAME,CITY,COUNTRY,ALTERNATE_EMAILS,CREATED_AT,UPDATED_AT,CONTACT_ID\n"
        "ada@reader.example,Ada,Lovelace,Kiel,DE,,2024-01-17T09:00:00Z,2024-02-01T09:00:00Z,c1\n",
        ["ada"],
    ),
    "SendGrid, bounces": (
        "status,reason,email,created\n5.1.1,550 no such user,ada@reader.example,1705482000\n",
        [],
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        'x,ada@reader.example,Ada Lovelace,"{""town"": ""Kiel""}",enabled,2024-01-17 09:00:00.123456 +0000 UTC,x\n'
        "x,ben@reader.example,Ben,{},disabled,2024-01-17 09:00:00 +0000 +0000,x\n"
        "x,cleo@reader.example,Cleo,{},blocklisted,2024-01-17 09:00:00 +0000 UTC,x\n",
        [],
    ),
}


@pytest.fixture
def take(workspace, write):
    def taken(content, **choices):
        file = write("subscribers/export.csv", content)
        return import_people(workspace, file, choices=ImportChoices("newsletter", **choices))

    return taken


def mailed():
    return sorted(row.email.partition("@")[0] for row in mailable(Target("newsletter")))


@pytest.mark.parametrize("tool", EXPORTS)
def test_an_export_is_taken_whole_and_only_who_is_subscribed_is_mailed(take, tool):
    content, who = EXPORTS[tool]
    report = take(content)
    assert (report.rejected, report.read) == ([], content.count("\n") - 1)
    assert mailed() == who
    ada = Subscriber.objects.get(email="ada@reader.example")
    assert ada.created_at.replace(hour=9, minute=0, second=0, microsecond=0) == datetime(2024, 1, 17, 9, tzinfo=UTC)
    if "," not in tool and tool != "Substack" and "Last" in content.title():
        assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
    before = report.read
    again = take(content)
    assert (again.added, again.updated, again.unchanged) == (0, 0, before)
    assert mailed() == who


def test_what_mailchimp_knows_of_consent_and_tags_is_kept(take):
    take(EXPORTS["Mailchimp"][0])
    ada = Subscriber.objects.select_related("interests").get()
    assert ada.interests.tags == ["chronic pain", "sleep"]
    assert ada.time_zone == "Europe/Berlin"
    assert ada.attributes == {"cc": "DE"}
    consent = Subscription.objects.get()
    assert consent.consent_at == datetime(2024, 1, 17, 9, 5, tzinfo=UTC)
    assert (consent.consent_how, consent.consent_detail, consent.consent_network) == (
        "import",
        "export.csv",
        "192.0.2.0",
    )


def test_attributes_in_json_become_attributes(take):
    take(EXPORTS["Buttondown"][0])
    assert Subscriber.objects.get(email="ada@reader.example").attributes["town"] == "Kiel"
    assert Subscriber.objects.get(email="ada@reader.example").attributes["n"] == "3"


def test_bounces_and_complaints_suppress_the_address(take):
    take(EXPORTS["Kit"][0])
    assert dict(Suppression.objects.values_list("email_key", "reason")) == {
        "dan@reader.example": "dead",
        "eve@reader.example": "complained",
    }


def test_where_the_safer_state_was_taken_the_report_says_so(take):
    assert take(EXPORTS["Buttondown"][0]).doubts["type “past_due”, a word not known, was taken as not subscribed"] == 1
    assert take(EXPORTS["SendGrid"][0]).doubts == {"no column says who is subscribed; all were taken as subscribed": 1}


def test_what_people_pay_at_substack_is_an_attribute_and_no_status(take):
    report = take(EXPORTS["Substack, page of subscribers"][0])
    assert report.columns["Type"] == "status and attribute type"
    assert report.doubts == {
        "no column says for sure who is subscribed; who isn't said to have left was taken so": 3,
    }
    assert Subscriber.objects.get(email="ben@reader.example").attributes["type"] == "Paid"
    take("email,type\neve@reader.example,Free\n")
    assert mailed() == ["ada", "ben", "cleo"], "of another tool's types nothing is known"


def test_a_word_that_may_mean_anything_can_be_given_its_meaning(take):
    take(EXPORTS["listmonk"][0], means={"Enabled": "subscribed"})
    assert mailed() == ["ada"]


def test_a_file_of_people_who_left_is_said_to_be_one(take):
    take("email,created\nada@reader.example,1705482000\n", status="unsubscribed")
    take("email,created\nben@reader.example,1705482000\n", status="bounced")
    take("EMAIL\nada@reader.example\nben@reader.example\ncleo@reader.example\n")
    assert mailed() == ["cleo"]
    with pytest.raises(BroadsheetError, match="--status “gone” is no status"):
        take("email\n", status="gone")


@pytest.mark.parametrize(
    "column",
    ["Unsubscribe", "Global unsubscribe?", "hs_email_optout", "hs_email_bad_address", "Bounce", "Last bounce type",
     "Spam Complaint", "Cleaned", "Blocked by us", "Do not email", "Email Address Quarantined", "Abgemeldet"],
)  # fmt: skip
def test_a_column_that_speaks_of_people_not_to_be_mailed_is_heeded_whatever_its_exact_name(take, column):
    take(f"email,{column}\nada@reader.example,yes\nben@reader.example,\ncleo@reader.example,no\n")
    assert mailed() == ["ben", "cleo"]


@pytest.mark.parametrize("no", ["no", "0", "FALSE", "denied", "unconfirmed", "Unsubscribed"])
@pytest.mark.parametrize("column", ["opted_in", "Newsletter consent", "Mail permission", "Email Confirmation"])
def test_a_no_in_a_column_that_asks_for_a_yes_is_heeded(take, column, no):
    take(f"email,{column}\nada@reader.example,{no}\nben@reader.example,yes\ncleo@reader.example,\n")
    assert mailed() == ["ben", "cleo"]


def test_a_column_about_another_way_than_mail_is_an_attribute(take):
    take("email,SMS unsubscribed,Marketing emails bounced,SMS consent\nada@reader.example,yes,3,no\n")
    assert mailed() == ["ada"]


def test_an_attribute_in_our_own_export_is_one_whatever_its_name(take):
    own = "email,first_name,last_name,language,time_zone,interests,lists,status,created,consent_at,consent_how,"
    take(f"{own}consent_network,consent_wording,bounce_note\nada@reader.example{',' * 7}subscribed{',' * 6}once\n")
    assert mailed() == ["ada"]
    assert Subscriber.objects.get().attributes == {"bounce_note": "once"}


@pytest.mark.parametrize("name", ["nonsubscribed_export_1.csv", "Unsubscribed.csv", "suppression_bounces.csv"])
def test_a_file_whose_name_says_that_they_are_not_subscribed_makes_nobody_mailable(workspace, write, name):
    file = write(f"subscribers/{name}", "email\nada@reader.example\n")
    report = import_people(workspace, file, choices=ImportChoices("newsletter"))
    assert mailed() == []
    assert [doubt for doubt in report.doubts if "say what they are with --status" in doubt]
    write("subscribers/other.csv", "email\nben@reader.example\n").rename(file)
    import_people(workspace, file, choices=ImportChoices("newsletter", status="subscribed"))
    assert mailed() == ["ben"]


def test_who_left_no_list_in_particular_has_left_them_all(workspace, write, cast):
    file = write("subscribers/left.csv", "email\nada@reader.example\nzoe@reader.example\n")
    report = import_people(workspace, file, choices=ImportChoices(status="unsubscribed"))
    assert report.doubts == {"the file names no list; who left was taken off all of them": 2}
    later = write("subscribers/contacts.csv", "email\nada@reader.example\nzoe@reader.example\n")
    for name in workspace.lists.lists:
        import_people(workspace, later, choices=ImportChoices(name))
        assert not {"ada", "zoe"} & {row.email.partition("@")[0] for row in mailable(Target(name))}
    again = import_people(workspace, file, choices=ImportChoices(status="unsubscribed"))
    assert (again.added, again.updated, again.unchanged) == (0, 0, 2)


@pytest.mark.parametrize("word", ["unsubscribed", "Bounced", "complained", "blocklisted"])
def test_a_word_that_says_no_can_not_be_made_a_yes(take, word):
    with pytest.raises(BroadsheetError, match="must not be mailed; --means can't change that"):
        take("email,status\n", means={word: "subscribed"})


def test_columns_are_mapped_by_hand(take):
    report = take(
        "Kontakt,Wohin damit,Art,Status quo,Alter\nada@reader.example,Ada,unsubscribed,x,41\n",
        mapped={"Kontakt": "email", "wohin damit": "first_name", "Art": "status", "Status quo": "", "Alter": "age"},
    )
    ada = Subscriber.objects.get()
    assert (ada.first_name, ada.attributes) == ("Ada", {"age": "41"})
    assert mailed() == []
    assert report.columns["Status quo"] == "left out"


@pytest.mark.parametrize(
    ("mapped", "sentence"),
    [
        ({"Nope": "email"}, "there is no column “Nope” to map; there is: email, mail"),
        ({"email": "email", "mail": "email"}, "two columns are mapped to `email`"),
        ({"email": "", "mail": ""}, "has no column of addresses"),
    ],
)
def test_a_mapping_that_can_not_be_is_said(take, mapped, sentence):
    with pytest.raises(BroadsheetError, match=sentence):
        take("email,mail\nada@reader.example,b@reader.example\n", mapped=mapped)


def test_the_docs_tell_of_every_tool():
    headings = re.findall(r"^## (.+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {tool.partition(",")[0] for tool in EXPORTS} <= set(headings)
