"""A workspace with campaigns and people, and staff in every role."""

from functools import partial
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import Client
from tests.conftest import fill

from broadsheet import staff
from broadsheet.models import Role
from broadsheet.web.console import keeping

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

    def browser(role, **options):
        client = Client(**options)
        if role:
            client.force_login(hire(role).user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return browser


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
