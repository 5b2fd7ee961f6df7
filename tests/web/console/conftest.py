"""A workspace with campaigns and people, and staff in every role."""

import pickle
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from tests.conftest import fill
from tests.web.conftest import complaints

from broadsheet import staff
from broadsheet.articles.apart import apart
from broadsheet.models import Edition, Role
from broadsheet.web.console import keeping
from broadsheet.web.console.templates import trial

PASSWORD = "correct horse battery 1"


@pytest.fixture
def workspace(tmp_path, settings):
    """The small workspace of the shared cast, its mail kept in the local inbox."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes 0.3 s a sign-in
    settings.WORKSPACE = fill(tmp_path / "workspace")
    return settings.WORKSPACE


@pytest.fixture
def hire(db, workspace):
    """Makes a member of staff who has chosen their password: ``hire("publisher")``."""

    def hired(role="admin", email=None):
        member = staff.add(email or f"{role}@stillwater.test", Role(role), by="test")
        member.user.set_password(PASSWORD)
        member.user.save()
        return member

    return hired


@pytest.fixture
def as_role(hire):
    """A browser without scripts in which somebody of that role is signed in; nobody for None."""

    def browser(role, email=None, **options):
        client = Client(**options)
        if role:
            client.force_login(hire(role, email).user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return browser


@pytest.fixture
def enter(as_role, public_site, open_page):
    """Opens a page in Chromium as somebody of that role: ``enter("publisher", "/console/team")``.

    What the browser complains about until the test is over fails it.
    """
    found = []

    def entered(role, way, email=None, **options):
        page = open_page("about:blank", **options)
        found.append(complaints(page))
        cookie = as_role(role, email).cookies[django_settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "domain": "127.0.0.1", "path": "/console/"}]
        )
        page.goto(public_site + way)
        assert page.url == public_site + way
        return page

    yield entered
    assert [said for each in found for said in each] == []


@pytest.fixture
def tried_here(monkeypatch):
    """Templates are tried in this process, by the same code: another takes two seconds each time, and few tests are of it."""

    def here(work, *given, **limits):
        work, given = pickle.loads(pickle.dumps((work, given)))
        return pickle.loads(pickle.dumps(work(*given)))

    monkeypatch.setattr(trial, "apart", here)


@pytest.fixture
def tried_apart(tried_here, monkeypatch):
    """They are tried in a process of its own, as for those who use the console."""
    monkeypatch.setattr(trial, "apart", apart)


@pytest.fixture
def draft(freeze, cast):
    """An edition that waits for a yes until tomorrow."""
    edition = freeze("weekly", (timezone.now() + timedelta(days=1)).replace(microsecond=0))
    Edition.objects.filter(pk=edition.pk).update(state="draft", approved_hash="")
    edition.refresh_from_db()
    return edition


@pytest.fixture
def sign_in():
    """Signs in by the form: the answer."""

    def signed_in(client, email, password=PASSWORD, **meta):
        return client.post("/console/account/login/", {"login": email, "password": password}, **meta)

    return signed_in


@pytest.fixture
def later(db, monkeypatch):
    """There are many people, and what a page begins in the background is done when the test says so: ``later()``."""
    waiting = []

    class Later:
        def __init__(self, target, args, **_):
            self.start = partial(waiting.append, partial(target, *args))

    def done():
        found = len(waiting)
        while waiting:
            waiting.pop()()
        return found

    cache.clear()
    monkeypatch.setattr(keeping, "FEW", 0)
    monkeypatch.setattr(keeping, "Thread", Later)
    monkeypatch.setattr(keeping, "connections", SimpleNamespace(close_all=lambda: None))  # the test's own is needed
    return done
