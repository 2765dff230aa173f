"""What `make` does before there is a Python environment: names what is missing, and does nothing twice.

The interpreters are shell scripts of a few lines, so that any machine can stand for a bare one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ("sh", "dirname", "cksum", "cat", "mkdir", "cp", "chmod", "sed")

PYTHON = """#!/bin/sh
echo "$*" >>{log}
case "$*" in
  *version_info\\[:3\\]*) echo {version} ;;
  *version_info\\[:2\\]*) echo {version} | sed 's/\\.[0-9]*$//' ;;
  *'version_info <'*) exit {too_old} ;;
  *ensurepip*) exit {no_venv} ;;
  '-m venv'*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  '-m pip'*) exit {no_network} ;;
esac
"""


class Machine:
    """A copy of the project's scripts on a machine that has nothing but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        shutil.copytree(ROOT / "scripts", self.project / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.project)
        for tool in TOOLS:
            self.bin.joinpath(tool).symlink_to(str(shutil.which(tool)))
        self.program("git", "#!/bin/sh\n")

    def program(self, name: str, text: str) -> None:
        """Put a program on the PATH."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def python(self, version: str = "3.12.1", *, no_venv: bool = False, no_network: bool = False) -> None:
        """Put a `python3` on the PATH."""
        too_old = int(tuple(map(int, version.split("."))) < (3, 10))
        flags = {"no_venv": int(no_venv), "no_network": int(no_network), "too_old": too_old}
        self.program("python3", PYTHON.format(log=self.project / "calls", version=version, **flags))

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts with this machine's PATH alone."""
        return subprocess.run(
            [str(self.project / "scripts" / script), *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": str(self.bin), **environment},
        )

    def installs(self) -> list[str]:
        """What pip was asked to install so far."""
        lines = (self.project / "calls").read_text().splitlines()
        return [line.split()[-1] for line in lines if line.startswith("-m pip")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_python_the_packages_to_install_are_named(machine: Machine) -> None:
    done = machine.run("setup")
    assert done.returncode == 1
    assert "python3 was not found" in done.stderr
    assert "python3-venv" in done.stderr


def test_without_git_its_package_is_named_before_anything_is_fetched(machine: Machine) -> None:
    machine.python()
    (machine.bin / "git").unlink()
    done = machine.run("setup")
    assert done.returncode == 1
    assert "sudo apt install git" in done.stderr
    assert not (machine.project / ".venv").exists()


def test_a_python_that_is_too_old_is_told_with_its_version(machine: Machine) -> None:
    machine.python("3.8.18")
    done = machine.run("setup")
    assert done.returncode == 1
    assert "Python 3.10 or newer; python3 is 3.8.18" in done.stderr


def test_a_newer_python_beside_an_old_one_is_taken(machine: Machine) -> None:
    machine.python("3.11.2")
    (machine.bin / "python3").rename(machine.bin / "python3.11")
    machine.program("python3", "#!/bin/sh\nexit 1\n")
    assert machine.run("setup").returncode == 0
    assert machine.installs() == ["."]


def test_a_python_without_venv_is_told_with_the_package(machine: Machine) -> None:
    machine.python("3.11.2", no_venv=True)
    done = machine.run("setup")
    assert done.returncode == 1
    assert "sudo apt install python3-venv" in done.stderr
    assert not (machine.project / ".venv").exists()


def test_a_failed_download_of_packages_says_how_to_go_on(machine: Machine) -> None:
    machine.python(no_network=True)
    done = machine.run("setup")
    assert done.returncode == 1
    assert "run the same command again" in done.stderr
    machine.python()
    shutil.copy(machine.bin / "python3", machine.project / ".venv" / "bin" / "python")
    assert machine.run("setup").returncode == 0
    assert machine.installs() == [".", "."]


def test_a_second_run_installs_nothing(machine: Machine) -> None:
    machine.python()
    assert machine.run("setup", "dev").returncode == 0
    assert machine.run("setup", "dev").stdout == ""
    assert machine.run("setup").stdout == ""
    assert machine.installs() == [".[dev]"]


def test_a_changed_pyproject_is_installed_again(machine: Machine) -> None:
    machine.python()
    machine.run("setup")
    with (machine.project / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    machine.run("setup")
    assert machine.installs() == [".", "."]


def test_an_environment_that_came_from_elsewhere_is_made_again(machine: Machine) -> None:
    machine.python()
    machine.run("setup")
    moved = machine.project.with_name("moved")
    machine.project.rename(moved)
    machine.project = moved
    machine.python()
    machine.run("setup")
    assert "-m venv --clear .venv" in (machine.project / "calls").read_text()
    assert machine.installs()[-1] == "."


@pytest.mark.parametrize("version", ["v0.10.0", "v0.11.4", "v1.0.0", "v0.12.0-dev-12+gabc"])
def test_a_neovim_that_is_new_enough_is_taken_from_the_path(machine: Machine, version: str) -> None:
    machine.program("nvim", f"#!/bin/sh\necho 'NVIM {version}'\n")
    assert machine.run("nvim").stdout == f"{machine.bin / 'nvim'}\n"


def test_an_old_neovim_is_passed_over_for_the_one_of_the_environment(machine: Machine) -> None:
    machine.program("nvim", "#!/bin/sh\necho 'NVIM v0.7.2'\n")
    machine.python()
    machine.run("setup")
    own = machine.project / ".venv" / "bin" / "nvim"
    own.write_text("#!/bin/sh\necho 'NVIM v0.11.4'\n")
    own.chmod(0o755)
    assert machine.run("nvim").stdout == f"{own}\n"


def test_a_neovim_that_cannot_be_installed_is_told_with_the_way_out(machine: Machine) -> None:
    machine.python(no_network=True)
    machine.run("setup")
    done = machine.run("nvim")
    assert done.returncode == 1
    assert "https://neovim.io/doc/install/" in done.stderr
