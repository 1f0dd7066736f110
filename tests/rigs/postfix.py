"""postfix hands mail to dovecot, dovecot serves it over IMAP: with logins for both, IDLE, refusals and returned mail.

They run as root, as they do anywhere, on settings, queues and mailboxes of their own below the rig's folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from tests.rigs import apt
from tests.rigs.door import Door, answers, free_port
from tests.rigs.mailing import OURS, PASSWORD, THEIRS, MailRig
from tests.rigs.rig import CannotInstall, Server

PACKAGES = ("postfix", "dovecot-imapd", "dovecot-lmtpd")
UNSET = "postfix postfix/main_mailer_type select No configuration"  # the system's own postfix stays unset
GONE = "gone@customer.test"  # postfix takes mail for it, dovecot knows nobody of that name: it comes back

DOVECOT = """
    base_dir = {folder}/run
    state_dir = {folder}/run
    log_path = {folder}/dovecot.log
    protocols = imap lmtp
    listen = 127.0.0.1
    ssl = no
    disable_plaintext_auth = no
    auth_username_format = %Ln
    auth_mechanisms = plain login
    auth_failure_delay = 0
    recipient_delimiter = +
    first_valid_uid = 1
    mail_location = maildir:~/Maildir
    passdb {{
      driver = passwd-file
      args = scheme=PLAIN {folder}/users
    }}
    userdb {{
      driver = static
      args = uid=nobody gid=nogroup home={folder}/mail/%n
    }}
    service imap-login {{
      inet_listener imap {{
        port = {imap}
      }}
      inet_listener imaps {{
        port = 0
      }}
    }}
    service anvil {{
      unix_listener anvil-auth-penalty {{
        mode = 0
      }}
    }}
    service lmtp {{
      inet_listener lmtp {{
        port = {lmtp}
      }}
    }}
    service auth {{
      inet_listener {{
        port = {auth}
      }}
    }}
"""

MAIN = """
    compatibility_level = 3.6
    queue_directory = {folder}/queue
    data_directory = {folder}/data
    maillog_file = {folder}/postfix.log
    maillog_file_prefixes = {folder}
    myhostname = mail.care.test
    mydestination =
    alias_maps =
    inet_interfaces = 127.0.0.1
    inet_protocols = ipv4
    mynetworks =
    recipient_delimiter = +
    virtual_mailbox_domains = care.test, customer.test
    virtual_mailbox_maps = inline:{{ {boxes} }}
    virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
    default_transport = error:No mail leaves this machine
    lmtp_destination_concurrency_limit = 2
    smtpd_error_sleep_time = 0
    smtpd_sasl_type = dovecot
    smtpd_sasl_path = inet:127.0.0.1:{auth}
    smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
"""

MASTER = """
    {inwards} inet n - n - - smtpd
    {outwards} inet n - n - - smtpd
      -o smtpd_sasl_auth_enable=yes
      -o smtpd_client_restrictions=permit_sasl_authenticated,reject
    cleanup unix n - n - 0 cleanup
    qmgr unix n - n 300 1 qmgr
    rewrite unix - - n - - trivial-rewrite
    bounce unix - - n - 0 bounce
    defer unix - - n - 0 bounce
    trace unix - - n - 0 bounce
    verify unix - - n - 1 verify
    flush unix n - n 1000? 0 flush
    proxymap unix - - n - - proxymap
    error unix - - n - - error
    retry unix - - n - - error
    lmtp unix - - n - - lmtp
    anvil unix - - n - 1 anvil
    scache unix - - n - 1 scache
    postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(MailRig):
    name, server = "postfix", "postfix+dovecot"

    @classmethod
    def install(cls) -> None:
        if apt.missing(PACKAGES):
            apt.install(*PACKAGES, answers=[UNSET])
        if os.geteuid() != 0:
            raise CannotInstall("postfix and dovecot start as root only: run their tests as root.")

    def start(self) -> None:
        self.imap_port, self.lmtp, self.auth, self.to_us, self.outwards = (free_port() for _ in range(5))
        names = {
            "folder": self.folder, "imap": self.imap_port, "lmtp": self.lmtp, "auth": self.auth,
            "inwards": self.to_us, "outwards": self.outwards,
            "boxes": ", ".join(f"{{ {box} = there }}" for box in (OURS, THEIRS, GONE)),
        }  # fmt: skip
        self._folders()
        self._file("users", "".join(f"{self.login(box)}:{PASSWORD}\n" for box in (OURS, THEIRS)))
        self._file("dovecot.conf", dedent(DOVECOT).format(**names))
        self._file("postfix/main.cf", dedent(MAIN).format(**names))
        self._file("postfix/master.cf", dedent(MASTER).format(**names))
        dovecot = ["dovecot", "-F", "-c", self.folder / "dovecot.conf"]
        self.run(Server("dovecot", dovecot, self.folder / "dovecot.log", ready=self._dovecot_is_at_work))
        self._postfix("postfix", "-c", self.folder / "postfix", "check")  # makes what is missing of its queue
        # not `postfix start`: that leaves the group of processes it is started in
        master = Path(self._postfix("postconf", "-c", self.folder / "postfix", "-h", "daemon_directory")) / "master"
        postfix = [master, "-c", self.folder / "postfix", "-d"]
        self.run(Server("postfix", postfix, self.folder / "postfix.log", self.outwards))
        self.door = Door(self.outwards)

    def kill(self) -> None:
        """Not while it passes a mail on: killed between writing it to the mailbox and noting so, it passes it on again
        (RFC 5321, 4.5.4.1: rather twice than not at all), and dovecot keeps the mailbox locked. That is theirs to mend.
        """
        self.wait_until("postfix has passed on all its mail", lambda: not any(self._under_way()))
        super().kill()

    def _under_way(self) -> Iterator[Path]:
        """In the order in which a mail moves, so that none slips past."""
        for stage in ("maildrop", "incoming", "active"):
            yield from (path for path in (self.folder / "queue" / stage).rglob("*") if path.is_file())

    def _folders(self) -> None:
        owners = {"run": "root", "mail": "nobody", "postfix": "root", "queue": "root", "data": "postfix"}
        for name, owner in owners.items():
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, owner)

    @staticmethod
    def _postfix(*command: str | Path) -> str:
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{command[0]} {command[-1]}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def _file(self, name: str, text: str) -> None:
        path = Path(self.folder / name)
        path.write_text(text.lstrip("\n"))
        path.chmod(0o644)

    def _dovecot_is_at_work(self) -> bool:
        return all(answers(port) for port in (self.imap_port, self.lmtp, self.auth))

    def smtp_user(self) -> str:
        return self.login(OURS)

    def inwards(self) -> int:
        return self.to_us
