"""From a bare machine to the environment: what is in the way is a sentence, and what can be mended is."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from config.places import ROOT

processes = pytest.mark.processes
COMMANDS = ["up", "test", "manage"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment to copy: to make one takes seconds."""
    venv = tmp_path_factory.mktemp("made") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    return venv


@pytest.fixture
def installed(bootstrap: ModuleType, made: Path, capsys: pytest.CaptureFixture[str]) -> ModuleType:
    """The same, with its environment there."""
    shutil.copytree(made, bootstrap.VENV, symlinks=True)
    bootstrap.ready()
    capsys.readouterr()
    return bootstrap


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """bin/_bootstrap.py for a project that needs nothing, in a folder of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bin" / "_bootstrap.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    places = {"ROOT": tmp_path, "VENV": venv, "PYTHON": venv / "bin" / "python", "MARKER": venv / "hark-installed"}
    for name, value in {**places, "REQUIREMENTS": tmp_path / "requirements.txt", "ENOUGH": "import pip"}.items():
        monkeypatch.setattr(module, name, value)
    return module


def run(path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "HARK_PYTHON"}
    return subprocess.run([path, *arguments], env={**kept, **environment}, capture_output=True, text=True)


def program(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_old_python_is_a_sentence(tmp_path: Path, command: str) -> None:
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    program(tmp_path / "python3", '[ "$1" = --version ] && echo "Python 3.9.2" && exit 0', "exit 1")
    done = run(ROOT / "bin" / command, PATH=str(tmp_path))
    assert done.returncode == 1
    assert "Hark needs Python 3.11 or newer, and this machine has Python 3.9.2." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_that_can_make_an_environment_comes_first(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    program(tmp_path / "python3.11", 'case "$2" in *ensurepip*) exit 1;; -c*) exit 0;; *) echo eleven;; esac')
    program(tmp_path / "python3.12", '[ "$1" = -c ] && exit 0', 'echo "twelve runs $2"')
    assert run(ROOT / "bin" / "up", PATH=str(tmp_path)).stdout == "twelve runs up\n"


@processes
def test_help_and_mistakes_install_nothing(tmp_path: Path) -> None:
    for folder in ("bin", "config"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shown = run(tmp_path / "bin" / "up", "--help")
    assert shown.returncode == 0
    assert "--fresh" in shown.stdout
    assert run(tmp_path / "bin" / "up", "--prot", "1").returncode == 2
    assert not (tmp_path / ".venv").exists()


@processes
def test_an_environment_is_made_once(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.ready()
    assert "Installing 0 packages" in capsys.readouterr().out
    bootstrap.ready()
    assert capsys.readouterr().out == ""


@processes
def test_changed_requirements_are_installed(installed: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    installed.ready()
    assert capsys.readouterr().out == ""
    installed.REQUIREMENTS.write_text("# still nothing, in other words\n")
    installed.ready()
    assert "Installing" in capsys.readouterr().out


@processes
@pytest.mark.parametrize("damage", ["no pip", "no interpreter"])
def test_a_half_made_environment_is_made_again(
    installed: ModuleType, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    if damage == "no pip":
        shutil.rmtree(next(installed.VENV.glob("lib/*")))
    else:
        installed.PYTHON.unlink()
    installed.ready()
    assert "is not whole: making it again" in capsys.readouterr().out
    assert installed._runs("import pip")


@processes
def test_an_install_that_was_cut_short_is_taken_up_again(installed: ModuleType) -> None:
    installed.MARKER.unlink()  # it is written last
    installed.ready()
    assert installed.MARKER.exists()


@processes
def test_a_package_that_cannot_be_fetched_is_a_sentence(installed: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    installed.REQUIREMENTS.write_text(f"no-such-thing-as-this==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(installed.NotPossible, match="is there a network"):
        installed.ready()
    assert not installed.MARKER.exists()


def test_without_venv_and_pip_the_sentence_names_the_package(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "find_spec", lambda name: None)
    with pytest.raises(bootstrap.NotPossible, match="apt install python3-venv"):
        bootstrap.ready()


@processes
def test_without_ensurepip_pip_installs_from_outside(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a Debian that has python3-pip and not python3-venv. (Here the one with pip is our own.)"""
    monkeypatch.setattr(bootstrap, "find_spec", lambda name: name if name == "pip" else None)
    monkeypatch.setattr(bootstrap, "BASE", sys.executable)
    bootstrap.ready()
    assert bootstrap.MARKER.exists()


def test_a_full_disk_is_a_sentence(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 5 * 10**6))
    with pytest.raises(bootstrap.NotPossible, match="Only 5 MB are free"):
        bootstrap.ready()


@processes
def test_a_second_command_waits_while_the_first_sets_up(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    second = subprocess.Popen(
        [tmp_path / "bin" / "manage", "help"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert second.stdout
    assert "waiting for it" in second.stdout.readline()
    second.kill()
    second.wait()
    os.close(folder)
