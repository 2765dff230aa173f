"""`:VivekInstall`: a real virtual environment and a real pip, on a plugin folder small enough to need no network."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from neovim_child import Editor

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "vivek-nvim"
version = "0.1"
"""

BACKEND = """
import zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "vivek_nvim-0.1-py3-none-any.whl"
    info = "vivek_nvim-0.1.dist-info/"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        wheel.writestr("vivek_installed.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: vivek-nvim\\nVersion: 0.1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""

MODELS = [
    {"name": "small", "title": "Small Coder 0.5B", "bytes": 491_400_064, "installed": True},
    {"name": "big", "title": "Big Coder 1.5B", "bytes": 1_117_320_768, "installed": False},
]

PROGRAM = """#!/bin/sh
case "$1 $2" in
  "models --json") cat "{here}/models.json" ;;
  "install model")
    echo "$@" >> "{here}/asked"
    if [ -e "{here}/fails" ]; then echo "Noise." >&2; echo "The network is down. Try again." >&2; exit 1; fi
    printf '{{"done": 10, "to'; sleep 0.05; printf 'tal": 1000, "text": "part 1"}}\\n'
    echo 'not json'
    echo '{{"done": 1000, "total": 1000, "text": "part 2"}}' ;;
esac
"""


@pytest.fixture
def plugin(nvim: Editor) -> Path:
    """A plugin folder that pip can install without a network."""
    root = nvim.home / "plugin"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    (root / "doc").mkdir()
    (root / "doc" / "vivek.txt").write_text("*vivek-tested*\n")
    nvim.lua("local root = ...; require('vivek.install').root = function() return root end", str(root))
    nvim.lua("vim.g.python3_host_prog = ...", sys.executable)
    nvim.lua("vim.env.PIP_NO_INDEX = '1'")
    return root


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def program(nvim: Editor) -> Path:
    """A folder with a Python and a `vivek` program that knows two models."""
    here = nvim.home / "own" / "bin"
    executable(here / "python", "#!/bin/sh\n")
    executable(here / "vivek", PROGRAM.format(here=here))
    (here / "models.json").write_text(json.dumps(MODELS))
    nvim.lua("require('vivek').setup({ python = ... })", str(here / "python"))
    return here


def state(editor: Editor) -> str:
    return str(editor.lua("return require('vivek.install').state()"))


def install(editor: Editor, *arguments: str) -> str:
    """Run the command to its end; the error that it raised, or ''."""
    return str(
        editor.lua("return select(2, pcall(vim.cmd.VivekInstall, { args = { ... } })) or ''", *arguments)
    )


def told(editor: Editor) -> str:
    return editor.messages().replace("\n", " ")


def test_an_environment_is_made_is_known_and_goes_stale_with_the_dependencies(
    nvim: Editor, plugin: Path
) -> None:
    assert state(nvim) == "missing"
    assert install(nvim) == ""
    assert state(nvim) == "ready"
    assert "Installed." in told(nvim)
    assert (plugin / "doc" / "tags").read_text().startswith("vivek-tested\t"), "nobody else makes them"
    python = nvim.lua("return require('vivek.install').python()")
    assert python == str(nvim.home / "data" / "nvim" / "vivek" / "venv" / "bin" / "python")
    assert (
        nvim.lua("return vim.system({ ..., '-I', '-c', 'import vivek_installed' }):wait().code", python) == 0
    )

    (plugin / "pyproject.toml").write_text(PYPROJECT + "# one more dependency\n")
    assert state(nvim) == "stale"
    assert nvim.lua("return require('vivek.install').python()") == python, "stale is no reason not to start"
    assert install(nvim) == ""
    assert state(nvim) == "ready"


def test_a_failing_pip_is_told_with_its_last_words_and_the_log(nvim: Editor, plugin: Path) -> None:
    (plugin / "backend.py").write_text("raise RuntimeError('no compiler here')")
    error = install(nvim)
    assert "pip could not install the packages" in error
    assert "vivek.log (:VivekLog)" in error
    assert state(nvim) == "missing"
    assert "no compiler here" in Path(nvim.lua("return require('vivek.message').log_path()")).read_text()


def test_an_interpreter_that_is_too_old_is_passed_over(nvim: Editor, plugin: Path) -> None:
    tools = nvim.home / "tools"
    executable(tools / "python3.13", "#!/bin/sh\necho 3.9\n")
    executable(tools / "python3", "#!/bin/sh\necho 2.7\n")
    nvim.lua("vim.g.python3_host_prog = nil; vim.env.PATH = ...", str(tools))
    error = install(nvim)
    assert "No Python 3.10 or newer was found." in error
    assert "apt install python3 python3-venv" in error


def test_a_python_without_venv_names_the_package_to_install(nvim: Editor, plugin: Path) -> None:
    fake = "#!/bin/sh\ncase \"$2\" in -c) echo 3.12;; *) echo 'ensurepip is not available'; exit 1;; esac\n"
    nvim.lua("vim.g.python3_host_prog = ...", str(executable(nvim.home / "python", fake)))
    assert "apt install python3.12-venv" in install(nvim)


def test_a_python_of_the_users_own_is_left_alone(nvim: Editor, plugin: Path) -> None:
    nvim.lua("require('vivek').setup({ python = ... })", sys.executable)
    error = install(nvim)
    assert f"{sys.executable} -m pip install --editable {plugin}" in error
    assert state(nvim) == "missing"


def test_windows_is_told_that_it_is_not_supported_yet(nvim: Editor, plugin: Path) -> None:
    nvim.lua(
        "local has = vim.fn.has; vim.fn.has = function(what) return what == 'win32' and 1 or has(what) end"
    )
    assert "Windows is not supported yet" in install(nvim)


def test_with_a_user_interface_the_editor_goes_on_while_pip_works(nvim: Editor, plugin: Path) -> None:
    nvim.nvim.ui_attach(100, 30, rgb=True)
    nvim.command("VivekInstall")
    assert state(nvim) == "missing"
    nvim.command("VivekInstall")
    assert "already at work" in told(nvim)
    nvim.edit("typed meanwhile\n")
    assert nvim.lines() == ["typed meanwhile"]
    nvim.wait_for("require('vivek.install').state() == 'ready'", timeout=60)
    nvim.nvim.ui_detach()


def test_a_running_host_gives_way_to_the_new_packages(nvim: Editor, plugin: Path) -> None:
    nvim.lua("require('vivek.host').stop = function() _G.stopped = true end")
    install(nvim)
    assert nvim.lua("return _G.stopped") is True


def test_a_model_is_fetched_by_name_with_its_size_told(nvim: Editor, program: Path) -> None:
    assert install(nvim, "model", "big") == ""
    assert (program / "asked").read_text() == "install model big --json-progress\n"
    assert "Downloading Big Coder 1.5B (1.1 GB)" in told(nvim)
    assert "Big Coder 1.5B is installed." in told(nvim)
    log = Path(nvim.lua("return require('vivek.message').log_path()")).read_text()
    assert [json.loads(line)["message"] for line in log.splitlines()] == ["not json\n"], (
        "a line that comes in two pieces is one line"
    )


def test_an_unknown_model_is_told_with_those_that_exist(nvim: Editor, program: Path) -> None:
    error = install(nvim, "model", "bigger")
    assert 'no model "bigger"' in error
    assert "small, big" in error
    assert not (program / "asked").exists()


def test_without_a_name_or_anyone_to_ask_nothing_is_fetched(nvim: Editor, program: Path) -> None:
    assert "small, big" in install(nvim, "model")
    assert not (program / "asked").exists()


SELECT = """
    local answer = ...
    _G.asked = {}
    vim.ui.select = function(items, options, on_choice)
      local labels = vim.tbl_map(options.format_item or tostring, items)
      table.insert(_G.asked, { options.prompt, labels })
      on_choice(answer and items[answer] or nil)
    end
"""


def test_with_a_user_interface_a_list_with_sizes_asks_which_model(nvim: Editor, program: Path) -> None:
    nvim.nvim.ui_attach(100, 30, rgb=True)
    nvim.lua(SELECT, 2)
    nvim.command("VivekInstall model")
    nvim.wait_for(lambda: "is installed" in told(nvim))
    ((_, labels),) = nvim.lua("return _G.asked")
    assert labels == ["Small Coder 0.5B (491 MB), installed", "Big Coder 1.5B (1.1 GB)"]
    assert (program / "asked").read_text() == "install model big --json-progress\n"


@pytest.mark.parametrize(("answer", "fetched"), [(1, True), (2, False), (None, False)])
def test_with_a_user_interface_a_name_is_asked_about_with_its_size(
    nvim: Editor, program: Path, answer: int | None, fetched: bool
) -> None:
    nvim.nvim.ui_attach(100, 30, rgb=True)
    nvim.lua(SELECT, *([] if answer is None else [answer]))
    nvim.command("VivekInstall model big")
    nvim.wait_for("#_G.asked == 1")
    if fetched:
        nvim.wait_for(lambda: "is installed" in told(nvim))
    nvim.command("VivekInstall model big")
    nvim.wait_for("#_G.asked == 2")
    assert (program / "asked").exists() is fetched
    assert "1.1 GB" in nvim.lua("return _G.asked[1][1]")


def test_the_built_in_question_leaves_no_prompt_for_a_key(nvim: Editor, program: Path) -> None:
    nvim.nvim.ui_attach(60, 30, rgb=True)
    nvim.type(":VivekInstall model big<CR>")
    row = "return vim.fn.screenstring(vim.o.lines - 2, 1) .. vim.fn.screenstring(vim.o.lines - 2, 4)"
    nvim.wait_for(lambda: nvim.lua(row) == "2C")  # 2: Cancel
    nvim.type("1<CR>")
    nvim.wait_for((program / "asked").exists)
    assert not nvim.api.get_mode()["blocking"]
    nvim.wait_for(lambda: "is installed" in told(nvim))


def test_a_failed_download_says_why(nvim: Editor, program: Path) -> None:
    (program / "fails").touch()
    error = install(nvim, "model", "big")
    assert "The network is down. Try again." in error
    assert "is installed" not in told(nvim)
    (program / "fails").unlink()
    assert install(nvim, "model", "big") == ""


def test_a_list_that_cannot_be_read_is_told(nvim: Editor, program: Path) -> None:
    (program / "models.json").write_text("Traceback")
    assert "The models could not be listed" in install(nvim, "model", "big")


def test_a_model_before_the_environment_names_the_first_step(nvim: Editor) -> None:
    assert "Run :VivekInstall." in install(nvim, "model", "big")


def test_only_what_exists_can_be_installed(nvim: Editor) -> None:
    install(nvim, "modell")
    assert 'There is no "modell" to install.' in told(nvim)
