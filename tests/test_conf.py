"""The settings table, the environment over the file, and secrets that stay out of sight."""

import pytest

from broadsheet import conf
from broadsheet.errors import BroadsheetError, InvalidFile
from broadsheet.workspace import Workspace


@pytest.fixture
def config(tmp_path):
    """The settings that a broadsheet.toml of this text gives."""

    def config_of(text=""):
        (tmp_path / "broadsheet.toml").write_text(text, encoding="utf-8")
        return Workspace(tmp_path).config

    return config_of


def problems(caught):
    return {problem.where: problem.reason for problem in caught.value.problems}


def test_an_empty_file_is_a_working_configuration(config):
    found = config()
    assert found.site.time_zone == "UTC"
    assert found.sources[0].path == "articles"
    assert found.adapters == {}


def test_every_setting_has_a_name_and_a_help_that_ends_like_a_sentence():
    assert len({setting.name for setting in conf.SETTINGS}) == len(conf.SETTINGS)
    for setting in (*conf.SETTINGS, *conf.ENVIRONMENT):
        assert setting.help.endswith("."), f"{setting.name} has no help"


def test_the_table_has_every_setting_of_every_section_and_adapter():
    names = {setting.name for setting in conf.SETTINGS}
    sections = {"site": conf.Site, "sender": conf.Sender, "public": conf.Public, "logging": conf.Logging}
    sections |= {"schedule": conf.Scheduling, "inbox": conf.Inbox}
    sections |= {"tag_rules": conf.TaggingRule, "tags": conf.Tags}
    for section, declared in sections.items():
        assert {f"{section}.{name}" for name in declared.__dataclass_fields__} <= names
    for kind, declared in conf.SOURCE_KINDS.items():
        assert {f"sources.{name} ({kind})" for name in declared.__dataclass_fields__} <= names
    assert {f"bounces.{name}" for name in conf.Bounces.__dataclass_fields__} - {"bounces.mailboxes"} <= names
    for kind, declared in conf.MAILBOX_KINDS.items():
        assert {f"bounces.mailboxes.NAME.{name} ({kind})" for name in declared.__dataclass_fields__} <= names
    for kind, declared in conf.ADAPTER_KINDS.items():
        assert {f"adapters.NAME.{name} ({kind})" for name in declared.__dataclass_fields__} <= names
    assert {"folder", "memory", "smtp", "http", "postmark", "amazon-ses"} <= set(conf.ADAPTER_KINDS)
    assert len(conf.ADAPTER_KINDS) == 15
    top = {name.partition(".")[0] for name in names}
    assert top == set(conf.Config.__dataclass_fields__)


def test_passwords_and_tokens_are_marked_as_secret():
    secret = {setting.name for setting in (*conf.SETTINGS, *conf.ENVIRONMENT) if setting.secret}
    assert {name for name in secret if not name.startswith("adapters.")} == {
        "webhooks.NAME.secret",
        "BROADSHEET_METRICS_TOKEN",
        "bounces.mailboxes.NAME.password (imap)",
        "bounces.mailboxes.NAME.password (pop3)",
        "BROADSHEET_SECRET_KEY",
        "console.oidc.client_secret",
    }
    ours = {"(smtp)", "(http)", "(postmark)", "(amazon-ses)", "(mailjet)"}
    assert {name.replace("adapters.NAME.", "") for name in secret if name.rpartition(" ")[2] in ours} == {
        "password (smtp)",
        "dkim_key (smtp)",
        "servers.password (smtp)",
        "secret (http)",
        "server_token (postmark)",
        "webhook_secret (postmark)",
        "access_key_id (amazon-ses)",
        "secret_access_key (amazon-ses)",
        "webhook_secret (amazon-ses)",
        "api_key (mailjet)",
        "secret_key (mailjet)",
        "webhook_secret (mailjet)",
    }
    assert "BROADSHEET_SECRET_KEY" in secret
    assert not [
        setting.name
        for setting in conf.SETTINGS
        if not setting.secret and setting.name.partition(" ")[0].endswith(("key", "token", "secret", "password"))
    ]


def test_a_relay_gives_what_the_settings_leave_out(config):
    found = config('[adapters.default]\nkind = "smtp"\nprovider = "resend"\nport = 2525\n').adapters["default"]
    assert (found.host, found.port, found.security, found.user) == ("smtp.resend.com", 2525, "starttls", "resend")
    assert conf.SmtpAdapter(kind="smtp", provider="sendgrid").user == "apikey"
    with pytest.raises(InvalidFile, match=r"adapters\.default\.provider"):
        config('[adapters.default]\nkind = "smtp"\nprovider = "pigeons"\n')


def test_a_secret_in_the_file_is_refused_and_the_variable_to_use_is_named(config):
    with pytest.raises(InvalidFile) as caught:
        config(
            '[adapters.my-mail]\nkind = "smtp"\npassword = "hunter2"\n[adapters.p]\nkind="postmark"\nserver_token="t"'
        )
    found = problems(caught)
    assert set(found) == {"adapters.my-mail.password", "adapters.p.server_token"}
    assert "BROADSHEET_ADAPTERS_MY_MAIL_PASSWORD" in found["adapters.my-mail.password"]
    assert "hunter2" not in str(caught.value)


def test_a_mailbox_takes_its_password_from_the_environment_and_never_from_the_file(config, monkeypatch):
    text = '[bounces.mailboxes.back-room]\nkind = "imap"\nhost = "mail.example"\nuser = "b"\n'
    with pytest.raises(InvalidFile, match="BROADSHEET_BOUNCES_MAILBOXES_BACK_ROOM_PASSWORD") as caught:
        config(text + 'password = "hunter2"\n')
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("BROADSHEET_BOUNCES_MAILBOXES_BACK_ROOM_PASSWORD", "hunter2")
    found = config(text)
    assert found.bounces.mailboxes["back-room"].password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(found)


def test_a_mailbox_of_an_unknown_kind_or_with_a_wrong_key_is_named(config):
    with pytest.raises(InvalidFile) as caught:
        config('[bounces.mailboxes.a]\nkind = "imap"\nhots = "x"\nuser = "b"\n[bounces.mailboxes.c]\nkind = "pigeon"\n')
    found = problems(caught)
    assert "did you mean `host`?" in found["bounces.mailboxes.a.hots"]
    assert "imap" in found["bounces.mailboxes.c"]


def test_a_secret_from_the_environment_is_used_and_never_printed(config, monkeypatch):
    monkeypatch.setenv("BROADSHEET_ADAPTERS_MY_MAIL_PASSWORD", "hunter2")
    found = config('[adapters.my-mail]\nkind = "smtp"\nhost = "mail.example"\n')
    assert found.adapters["my-mail"].password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(found)
    assert "hunter2" not in str(found.adapters)


SERVERS = """
[adapters.big]
kind = "smtp"
[[adapters.big.servers]]
host = "one.example"
weight = 3
[[adapters.big.servers]]
host = "two.example"
"""


def test_each_of_several_servers_may_have_a_password_of_its_own(config, monkeypatch):
    monkeypatch.setenv("BROADSHEET_ADAPTERS_BIG_SERVERS_2_PASSWORD", "hunter2")
    one, two = config(SERVERS).adapters["big"].servers
    assert (one.host, one.weight, one.password) == ("one.example", 3, None)
    assert (two.host, two.weight, two.password.get_secret_value()) == ("two.example", 1, "hunter2")


def test_the_password_of_a_server_does_not_belong_into_the_file(config):
    with pytest.raises(InvalidFile) as caught:
        config(SERVERS + 'password = "hunter2"\n')
    assert set(problems(caught)) == {"adapters.big.servers.2.password"}
    assert "BROADSHEET_ADAPTERS_BIG_SERVERS_2_PASSWORD" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("domain", ["a b.example", "x@y.example", "-x.example", "x..example", "x>.example"])
def test_a_bounce_domain_is_a_domain(config, domain):
    with pytest.raises(InvalidFile) as caught:
        config(f'[sender]\nbounce_domain = "{domain}"\n')
    assert "is not a domain" in problems(caught)["sender.bounce_domain"]


def test_a_wrong_setting_beside_a_secret_does_not_print_the_secret(config, monkeypatch):
    monkeypatch.setenv("BROADSHEET_ADAPTERS_DEFAULT_PASSWORD", "hunter2")
    with pytest.raises(InvalidFile) as caught:
        config('[adapters.default]\nkind = "smtp"\nport = 70000\n')
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


def test_the_environment_wins_over_the_file(config, monkeypatch):
    monkeypatch.setenv("BROADSHEET_SITE_NAME", "Deepwater")
    monkeypatch.setenv("BROADSHEET_PUBLIC_ALLOWED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("BROADSHEET_ADAPTERS_DEFAULT_PORT", "2525")
    found = config('[site]\nname = "Stillwater"\nlanguage = "de"\n[adapters.default]\nkind = "smtp"\nport = 25\n')
    assert (found.site.name, found.site.language) == ("Deepwater", "de")
    assert found.public.allowed_hosts == ("a.example", "b.example")
    assert found.adapters["default"].port == 2525


def test_a_wrong_value_from_the_environment_is_refused_like_one_in_the_file(config, monkeypatch):
    monkeypatch.setenv("BROADSHEET_SITE_TIME_ZONE", "Atlantis/Harbour")
    with pytest.raises(InvalidFile) as caught:
        config()
    assert "is not a time zone" in problems(caught)["site.time_zone"]


def test_a_value_can_stand_in_a_file_of_its_own(config, monkeypatch, tmp_path):
    (tmp_path / "password").write_text("hunter2\n")
    monkeypatch.setenv("BROADSHEET_ADAPTERS_DEFAULT_PASSWORD_FILE", str(tmp_path / "password"))
    found = config('[adapters.default]\nkind = "smtp"\n')
    assert found.adapters["default"].password.get_secret_value() == "hunter2"


def test_the_value_itself_wins_over_the_file_of_its_own(tmp_path):
    (tmp_path / "name").write_text("from the file")
    environ = {"NAME": "itself", "NAME_FILE": str(tmp_path / "name")}
    assert conf.from_environment("NAME", environ) == "itself"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xfa"])
def test_a_file_of_a_value_that_can_not_be_read_is_one_clear_sentence(config, monkeypatch, tmp_path, content):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("BROADSHEET_SITE_NAME_FILE", str(tmp_path / "secret"))
    with pytest.raises(BroadsheetError, match=r"BROADSHEET_SITE_NAME_FILE names .*secret, which can't be read"):
        config()


def test_every_mistake_of_the_file_is_reported_at_once(config):
    with pytest.raises(InvalidFile) as caught:
        config(
            '[site]\nnmae = "x"\nurl = "stillwater"\ntime_zone = "Mars/Olympus"\n'
            '[sender]\nemail = "Stillwater <a@b.example>"\n'
            "[[sources]]\nglob = 3\n"
            '[adapters.smtp]\nkind = "smtp"\nprot = 25\nport = "many"\n'
            '[adapters.post]\nkind = "pigeon"\n'
            '[adapters.none]\npath = "x"\n'
        )
    found = problems(caught)
    assert {problem.path for problem in caught.value.problems} == {"broadsheet.toml"}
    assert found["site.nmae"].startswith("is not a key here; did you mean `name`?")
    assert "https://" in found["site.url"]
    assert "Europe/Berlin" in found["site.time_zone"]
    assert "is not an email address" in found["sender.email"]
    assert found["sources.0.path"] == "is missing"
    assert found["sources.0.glob"] == "must be text, or a list of texts"
    assert "did you mean `port`?" in found["adapters.smtp.prot"]
    assert "host" in found["adapters.smtp.prot"]
    assert "server_token" not in found["adapters.smtp.prot"], "another kind's keys are not allowed here"
    assert found["adapters.smtp.port"] == "must be a whole number"
    assert "folder" in found["adapters.post"]
    assert found["adapters.none"] == "needs a `kind`"
    assert len(found) == 10


@pytest.mark.parametrize("text", ["site = 3", "adapters = 3", "sources = 3", "[adapters]\ndefault = 3", "theme = 3"])
def test_a_section_that_is_no_table_is_a_mistake_with_its_name(config, text):
    with pytest.raises(InvalidFile) as caught:
        config(text)
    assert "must be a" in str(caught.value) or "should be" in str(caught.value)


def test_an_adapter_whose_kind_is_a_list_is_a_mistake(config):
    with pytest.raises(InvalidFile, match=r"broadsheet.toml: adapters.default"):
        config('[adapters.default]\nkind = ["smtp"]\n')


def test_a_file_that_is_no_toml_names_its_line(config):
    with pytest.raises(InvalidFile, match=r"broadsheet.toml: line 2: not valid TOML"):
        config('[site]\nname = "Still\n')


def test_message_ids_take_the_senders_domain_unless_another_is_given(config):
    assert config('[sender]\nemail = "a@news.example"\n').mail_domain == "news.example"
    assert config('[public]\nmail_domain = "m.example"\n').mail_domain == "m.example"


SSO = '[console.oidc]\nissuer = "https://login.example/"\nclient_id = "b"\n'


def test_single_sign_on_is_off_without_an_issuer_and_takes_its_secret_from_the_environment(config, monkeypatch):
    assert config().console.oidc.issuer is None
    with pytest.raises(InvalidFile, match="BROADSHEET_CONSOLE_OIDC_CLIENT_SECRET") as caught:
        config(SSO + 'client_secret = "hunter2"\n')
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("BROADSHEET_CONSOLE_OIDC_CLIENT_SECRET", "hunter2")
    found = config(SSO).console.oidc
    assert (found.issuer, found.client_secret.get_secret_value()) == ("https://login.example", "hunter2")
    assert "hunter2" not in repr(found)


def test_all_of_single_sign_on_may_come_from_the_environment(config, monkeypatch):
    monkeypatch.setenv("BROADSHEET_CONSOLE_OIDC_ISSUER", "https://login.example")
    monkeypatch.setenv("BROADSHEET_CONSOLE_OIDC_CLIENT_ID", "c")
    assert config().console.oidc.client_id == "c"
    assert config(SSO).console.oidc.client_id == "c"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('issuer = "http://login.example"\nclient_id = "b"\n', "must begin with https://"),
        ('issuer = "https://login.example"\n', "needs a `client_id`"),
        (SSO.partition("\n")[2] + 'role = "admin"\n', "role"),
        (SSO.partition("\n")[2] + 'domain = "not a domain"\n', "is not a domain"),
        ('issuer = "login"\n', "issuer"),
    ],
)
def test_single_sign_on_that_would_not_be_safe_or_whole_is_a_mistake(config, text, said):
    with pytest.raises(InvalidFile) as caught:
        config("[console.oidc]\n" + text)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["console = 3\n", "[console]\noidc = 3\n"])
def test_a_table_that_is_none_is_a_mistake_even_if_the_environment_would_fill_it(config, monkeypatch, text):
    monkeypatch.setenv("BROADSHEET_CONSOLE_OIDC_ISSUER", "https://login.example")
    with pytest.raises(InvalidFile, match="console"):
        config(text)
