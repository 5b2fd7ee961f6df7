"""`broadsheet inbox` and `broadsheet serve` as processes: they start, answer, and stop when told to."""

import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest


@contextmanager
def running(workspace, *arguments):
    """The command, once it has said its addresses."""
    environment = {**os.environ, "BROADSHEET_WORKSPACE": str(workspace.root)}
    environment.pop("BROADSHEET_STATE", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "broadsheet", *arguments], stderr=subprocess.PIPE, text=True, env=environment
    )
    said = ""
    try:
        while process.poll() is None and "Ctrl-C" not in said:
            said += process.stderr.readline()
        yield process, said + ("" if process.poll() is None else process.stderr.read())
    finally:
        process.kill()
        process.communicate()


def fetched(address):
    with urllib.request.urlopen(address, timeout=60) as response:
        return response.read().decode()


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT])
def test_the_inbox_takes_mail_shows_it_and_stops(workspace, wish):
    with running(workspace, "inbox", "--smtp-port", "0", "--http-port", "0") as (process, said):
        smtp_port = int(re.search(r"smtp://127\.0\.0\.1:(\d+)", said)[1])
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)[0]
        with smtplib.SMTP("127.0.0.1", smtp_port) as client:
            client.sendmail("a@b.example", ["c@d.example"], b"Subject: Over the wire\r\n\r\nHello\r\n")
        (mail,) = json.loads(fetched(f"{address}inbox.json"))["mails"]
        assert mail["subject"] == "Over the wire"
        assert "Over the wire" in fetched(address)
        process.send_signal(wish)
        assert process.wait(60) == 0


def test_a_mail_is_written_right_after_the_page_has_answered(workspace):
    with running(workspace, "serve", "--port", "0") as (process, said):
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)[0]
        form = b"email=zoe@reader.example"
        with urllib.request.urlopen(address + "subscribe/newsletter", data=form, timeout=60) as answer:
            assert "Please look into your mailbox" in answer.read().decode()
        until = time.monotonic() + 10  # it is woken; else it looks every 15 s
        while not (found := list((workspace.state / "inbox").glob("*.eml"))) and time.monotonic() < until:
            time.sleep(0.1)
        assert b"zoe@reader.example" in found[0].read_bytes()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_public_pages_are_served(workspace):
    with running(workspace, "serve", "--port", "0") as (process, said):
        assert "The newsletters of Stillwater" in fetched(re.search(r"http://127\.0\.0\.1:\d+/", said)[0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("serve", "--port"), "--port"),
        (("inbox", "--smtp-port", "0", "--http-port"), "--http-port"),
        (("inbox", "--http-port", "0", "--smtp-port"), "--smtp-port"),
    ],
)
def test_a_port_in_use_is_one_clear_sentence(workspace, arguments, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(workspace, *arguments, str(port)) as (process, said):
            assert process.wait(60) == 1
            assert "Traceback" not in said
            assert f"127.0.0.1:{port}" in said
            assert option in said
