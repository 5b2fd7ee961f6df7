"""Postfix and Exim, each an instance of the test's own: private folders, unprivileged ports, mail into a folder.

Postfix's own instance on this machine, if there is one, is neither read nor touched.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.ports import free_port
from tests.sending.certificates import Authority

ROOT = Path(__file__).resolve().parents[2]
#: where `.ci/exim` unpacks it
EXIM = ROOT / ".broadsheet" / "exim"


def wait_for(port):
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/log
maillog_file_prefixes = {folder}
myhostname = postfix.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtputf8_enable = yes
virtual_mailbox_domains = reader.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
default_transport = discard
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_auth_destination, reject
smtpd_hard_error_limit = 1000
smtpd_peername_lookup = no
smtpd_tls_cert_file = {folder}/etc/server.pem
message_size_limit = 200000
in_flow_delay = 0
"""

MASTER_CF = """\
{chunks} inet n - n - - smtpd
{groups} inet n - n - - smtpd -o smtpd_discard_ehlo_keywords=chunking
{steps} inet n - n - - smtpd -o smtpd_discard_ehlo_keywords=chunking,pipelining
{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
discard unix - - n - - discard
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Five doors: chunks, groups, steps, starttls, tls. ``r1`` to ``r100`` at ``reader.example`` exist, others don't."""

    adds = (b"Return-Path", b"X-Original-To", b"Delivered-To", b"Received")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        doors = ("chunks", "groups", "steps", "starttls", "tls")
        self.ports = {door: free_port() for door in doors}
        self.authority = Authority(folder / "ca.pem")

    def __enter__(self) -> "Postfix":
        for name in ("etc", "queue", "data", "mail", "log"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        shutil.chown(self.folder / "mail", 65534, 65534)
        (self.folder / "etc/main.cf").write_text(MAIN_CF.format(folder=self.folder))
        (self.folder / "etc/master.cf").write_text(
            MASTER_CF.format(**{door: f"127.0.0.1:{port}" for door, port in self.ports.items()})
        )
        readers = [*(f"r{number}" for number in range(1, 101)), "rü1"]
        (self.folder / "etc/mailboxes").write_text("".join(f"{each}@reader.example {each}/\n" for each in readers))
        shutil.copy("/etc/postfix/dynamicmaps.cf", self.folder / "etc")
        self.authority.write_server(self.folder / "etc/server.pem")
        self._command("start")
        wait_for(self.ports["chunks"])
        return self

    def __exit__(self, *_: object) -> None:
        self._command("stop")

    def _command(self, what: str) -> None:
        done = subprocess.run(
            ["postfix", "-c", str(self.folder / "etc"), what], capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr

    def delivered(self, count: int) -> dict[str, list[bytes]]:
        """Mailbox to the mails in it, as soon as there are ``count`` and the queue is empty."""
        for _ in range(300):
            found = list((self.folder / "mail").glob("*/new/*"))
            waiting = [
                file for name in ("incoming", "active", "maildrop") for file in (self.folder / "queue" / name).glob("*")
            ]
            if len(found) >= count and not waiting:
                break
            time.sleep(0.05)
        mails: dict[str, list[bytes]] = {}
        for file in found:
            mails.setdefault(file.parts[-3], []).append(file.read_bytes())
        return mails

    def clear(self) -> None:
        for box in (self.folder / "mail").iterdir():
            shutil.rmtree(box)


EXIM_CONFIGURATION = """\
exim_user = nobody
exim_group = nogroup
primary_hostname = exim.example
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
daemon_smtp_ports = {chunks} : {groups} : {steps}
local_interfaces = 127.0.0.1
disable_ipv6
keep_environment =
never_users =
deliver_drop_privilege
accept_8bitmime
smtputf8_advertise_hosts = *
pipelining_advertise_hosts = ${{if eq{{$received_port}}{{{steps}}}{{}}{{*}}}}
chunking_advertise_hosts = ${{if eq{{$received_port}}{{{chunks}}}{{*}}{{}}}}
dsn_advertise_hosts = *
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
smtp_accept_max = 100
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
queue_only = false

begin acl
rcpt:
  accept
    domains = reader.example
    local_parts = ^r[0-9]+\\$
  deny
    message = 550 5.1.1 no such reader

begin routers
box:
  driver = accept
  transport = folder

begin transports
folder:
  driver = appendfile
  directory = {folder}/mail/all
  maildir_format
  user = nobody
  group = nogroup
  return_path_add
  envelope_to_add
"""


class Exim:
    """Three doors: chunks, groups, steps."""

    adds = (b"Return-path", b"Envelope-to", b"Received", b"Delivery-date")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {door: free_port() for door in ("chunks", "groups", "steps")}

    def __enter__(self) -> "Exim":
        for name in ("spool", "log", "mail"):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, 65534, 65534)
        shutil.chown(self.folder, 65534, 65534)
        configuration = self.folder / "exim.conf"
        configuration.write_text(EXIM_CONFIGURATION.format(folder=self.folder, **self.ports))
        environment = {**os.environ, "LD_LIBRARY_PATH": str(next(EXIM.glob("usr/lib/*-linux-gnu*")))}
        self._daemon = subprocess.Popen(
            [EXIM / "usr/sbin/exim4", "-C", configuration, "-bdf", "-q1h"],
            env=environment,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        wait_for(self.ports["chunks"])
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.terminate()
        self._daemon.communicate(timeout=60)

    def delivered(self, count: int) -> dict[str, list[bytes]]:
        """Mailbox to the mails for it, as soon as there are ``count`` and the queue is empty."""
        for _ in range(300):
            found = list((self.folder / "mail").glob("*/new/*"))
            if len(found) >= count and not list((self.folder / "spool/input").glob("*-H")):
                break
            time.sleep(0.05)
        mails: dict[str, list[bytes]] = {}
        for file in found:
            content = file.read_bytes()
            mails.setdefault(re.search(rb"Envelope-to: ([^@]*)@", content)[1].decode(), []).append(content)
        return mails

    def clear(self) -> None:
        for box in (self.folder / "mail").iterdir():
            shutil.rmtree(box)
