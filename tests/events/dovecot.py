"""A Dovecot of the tests' own: IMAP and POP3 on loopback, plain and inside TLS, one user, mail as Maildir."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from imapclient import IMAPClient
from tests.ports import free_port

PROGRAM = "/usr/sbin/dovecot"
USER, PASSWORD = "reports", "open-sesame"

SETTINGS = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail
mail_fsync = never
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
login_trusted_networks = 127.0.0.0/8
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service auth {{
  user = {internal}
}}
service auth-worker {{
  user = {internal}
}}
"""


class Dovecot:
    """The running server; each test begins with an empty mailbox."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.folder = folder
        self.ports = ports
        self.certificate = folder / "cert.pem"

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        """Somebody else who uses the mailbox."""
        with IMAPClient("127.0.0.1", self.ports["imap"], ssl=False) as client:
            client.login(USER, PASSWORD)
            yield client

    def put(self, *messages: bytes, folder: str = "INBOX") -> None:
        """Delivers messages."""
        with self.client() as client:
            for message in messages:
                client.append(folder, message)

    def count(self, folder: str = "INBOX") -> int:
        """How many messages a folder has."""
        with self.client() as client:
            return int(client.select_folder(folder, readonly=True)[b"EXISTS"])

    def empty(self) -> None:
        """As after a first start; the folder gets new numbers."""
        with self.client() as client:
            client.select_folder("INBOX")
            client.delete_messages(client.search())
            client.expunge()
            for _, _, name in client.list_folders():
                if name != "INBOX":
                    client.delete_folder(name)


@contextmanager
def running(folder: Path) -> Iterator[Dovecot]:
    """A server, until the block ends. It lives in a folder that its own users can enter."""
    folder.chmod(0o755)
    root = os.geteuid() == 0
    owner, login = ("dovecot", "dovenull") if root else (getpass.getuser(), getpass.getuser())
    group = "dovecot" if root else str(os.getegid())
    (folder / "mail").mkdir()
    if root:
        shutil.chown(folder / "mail", owner, group)
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}
    settings = SETTINGS.format(
        folder=folder, internal=owner, login=login, owner=owner, group=group, password=PASSWORD, **ports
    )
    (folder / "dovecot.conf").write_text(settings)
    server = subprocess.Popen([PROGRAM, "-F", "-c", str(folder / "dovecot.conf")], cwd=folder)
    try:
        _wait_for(ports["imap"], folder / "log")
        yield Dovecot(folder, ports)
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with closing(socket.create_connection(("127.0.0.1", port), 1)) as connection:
                if connection.recv(4) == b"* OK":
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text() if log.exists() else "Dovecot did not start")
