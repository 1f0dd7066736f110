"""Debian's packages for the rigs, from the mirror this machine uses already; no host stands in here."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.rigs.rig import CannotInstall

NOTHING_STARTS = Path("/usr/sbin/policy-rc.d")  # Debian asks it before a package starts its services


def missing(packages: Sequence[str]) -> list[str]:
    """Those of these that are not installed."""
    asked = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages]
    try:
        told = subprocess.run(asked, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise CannotInstall("This machine has no dpkg: the rigs are made of Debian's packages.") from error
    there = {line.split()[0] for line in told.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in there]


def install(*packages: str, answers: Sequence[str] = ()) -> None:
    """Put these into the system, starting nothing. `answers` to what packages ask, as debconf-set-selections reads."""
    wanted = missing(packages)
    if not wanted:
        return
    print(f"Adding {' '.join(wanted)} …", flush=True)
    with _nothing_starts():
        if answers:
            _as_root("debconf-set-selections", said="\n".join(answers))
        command = ["apt-get", "install", "-y", "--no-install-recommends", *wanted]
        if _as_root(*command, check=False).returncode:  # the lists may be old, or not there
            _as_root("apt-get", "update")
            _as_root(*command)


def fetch(package: str, into: Path) -> None:
    """Unpack a package below `into`: from Debian's release, or from its backports. Nothing is installed, nor as root.

    Asked are lists of its own: those of the machine stay as they are.
    """
    with TemporaryDirectory() as name:
        here = Path(name)
        for folder in ("lists/partial", "cache/archives/partial", "found"):
            (here / folder).mkdir(parents=True)
        (here / "sources.list").write_text("\n".join(_sources()))
        options = {
            "Dir::Etc::SourceList": here / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": here / "lists", "Dir::Cache": here / "cache", "APT::Sandbox::User": "root",
        }  # fmt: skip
        given = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
        _run("apt-get", *given, "update")
        _run("apt-get", *given, "download", package, folder=here / "found")
        [found] = (here / "found").glob("*.deb")
        _run("dpkg-deb", "-x", str(found), str(into))


def _sources() -> list[str]:
    """The release this machine is and its backports, on the mirror it has the release from."""
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    asked = ["indextargets", "--no-release-info", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"]
    told = _run("apt-get", *asked)  # without that option it knows nothing before the first update
    mirrors = [uri for name, _, uri in (line.partition(" ") for line in told.splitlines()) if name == release]
    if not release or not mirrors:
        raise CannotInstall(f"apt knows no mirror of this machine's release ({release or 'unknown'}).")
    return [f"deb {mirrors[0]} {suite} main" for suite in (release, f"{release}-backports")]


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """The rigs start servers of their own, and no other."""
    if NOTHING_STARTS.exists():
        yield
        return
    _as_root("tee", str(NOTHING_STARTS), said="#!/bin/sh\nexit 101\n")
    _as_root("chmod", "755", str(NOTHING_STARTS))
    try:
        yield
    finally:
        _as_root("rm", "-f", str(NOTHING_STARTS))


def _as_root(*command: str, said: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
    before = [] if os.geteuid() == 0 else ["sudo", "-n"]
    whole = [*before, "env", "DEBIAN_FRONTEND=noninteractive", *command]
    try:
        done = subprocess.run(whole, input=said, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotInstall(f"Only root may run {command[0]}, and there is no sudo.") from error
    if check and done.returncode:
        raise CannotInstall(f"{' '.join(command[:4])} … did not work:\n{_tail(done)}")
    return done


def _run(*command: str, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotInstall(f"This machine has no {command[0]}: the rigs are made of Debian's packages.") from error
    if done.returncode:
        raise CannotInstall(f"{command[0]} {command[-1]} did not work:\n{_tail(done)}")
    return done.stdout


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
