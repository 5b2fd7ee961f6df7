"""Counts that somebody waits for: given up after their time, on both databases."""

import os
import subprocess
import sys

GIVEN_UP = """
import django
django.setup()
from django.db import OperationalError, connection
from broadsheet.audience.sizes import _at_most
try:
    with _at_most(0.2), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
except OperationalError:
    print("given up")
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_sleep(0.5)")
    print("and goes on")
"""


def test_postgresql_gives_a_count_up_after_its_time(workspace, database):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BROADSHEET")}
    environment |= {"BROADSHEET_WORKSPACE": str(workspace.root), "BROADSHEET_DATABASE": database}
    environment |= {"DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    done = subprocess.run(
        [sys.executable, "-c", GIVEN_UP], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["given up", "and goes on"], done.stderr
