from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vivek.context import interpreters, symbols
from vivek.context.ignore import Ignore
from vivek.context.symbols import LARGE_LINES, Symbol, Symbols

PATIENCE = 60.0
"""Seconds that a search may take on a busy machine before a test fails."""

TREE = textwrap.dedent(
    '''\
    """Trees."""

    LIMIT = 3


    class Tree(Base):
        """A tree of nodes. It grows."""

        def __init__(self, root: Node, *, deep: bool = False) -> None:
            self.root = root

        def walk(self, depth: int = 1) -> list[Node]:
            """Visit every node."""

        @property
        def size(self) -> int:
            return 1


    def parse(text: str, *, strict: bool = False) -> Tree:
        """Parse a text."""
        return Tree(text)
    '''
)


@pytest.fixture(autouse=True)
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No active environment, no Python on the PATH."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def restarted() -> Iterator[None]:
    """No interpreter is running from before, nor for the tests after."""
    interpreters._cached.cache_clear()
    yield
    interpreters._cached.cache_clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one package."""
    root = tmp_path / "project"
    write(root / "trees" / "__init__.py")
    write(root / "trees" / "tree.py", TREE)
    return root


def write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def used(
    source: Symbols, text: str, path: Path | None, first: int = 1, last: int | None = None
) -> list[Symbol]:
    return source.used_in(text, path, first, last or text.count("\n") + 1, seconds=PATIENCE)


def signatures(found: list[Symbol]) -> list[str]:
    return [symbol.signature for symbol in found]


def test_a_function_of_the_project_comes_with_its_signature_and_first_sentence(root: Path) -> None:
    found = used(Symbols(root), "from trees.tree import parse\n\nparse('x')\n", root / "a.py", 3, 3)
    line = TREE.split("\n").index("def parse(text: str, *, strict: bool = False) -> Tree:") + 1
    signature = "def parse(text: str, *, strict: bool = False) -> Tree"
    assert found == [Symbol("parse", signature, "Parse a text.", root / "trees" / "tree.py", line)]


def test_a_class_brings_its_initialiser_and_a_method_its_class(root: Path) -> None:
    text = "from trees import tree\n\n\ndef f():\n    t = tree.Tree(1)\n    return t.walk(t.size)\n"
    assert [(symbol.name, symbol.signature) for symbol in used(Symbols(root), text, root / "a.py", 4, 6)] == [
        ("Tree", "class Tree(Base): def __init__(self, root: Node, *, deep: bool = False) -> None"),
        ("Tree.walk", "class Tree: def walk(self, depth: int = 1) -> list[Node]"),
        ("Tree.size", "class Tree: @property def size(self) -> int"),
    ]


def test_the_result_of_a_call_is_followed(root: Path) -> None:
    text = "from trees.tree import parse\nparse('x').walk()\n"
    assert "Tree.walk" in [symbol.name for symbol in used(Symbols(root), text, root / "a.py", 2, 2)]


def test_constants_modules_builtins_and_the_standard_library_are_left_out(root: Path) -> None:
    text = "import json\nfrom trees import tree\nprint(len(json.dumps(tree.LIMIT)), tree)\n"
    assert used(Symbols(root), text, root / "a.py") == []


def test_only_names_in_the_lines_count(root: Path) -> None:
    text = "def a(): ...\ndef b(): ...\n\na()\nb()\n"
    assert [symbol.name for symbol in used(Symbols(root), text, root / "a.py", 5, 5)] == ["b"]


def test_what_the_lines_define_themselves_is_left_out(root: Path) -> None:
    text = "def outer():\n    def inner(x): ...\n    class Local: ...\n    inner(Local())\n    outer()\n"
    assert used(Symbols(root), text, root / "a.py") == []
    assert [symbol.name for symbol in used(Symbols(root), text, root / "a.py", 4, 5)] == [
        "inner",
        "Local",
        "outer",
    ]


def test_called_names_come_before_others_and_each_once(root: Path) -> None:
    text = "class A: ...\ndef b(): ...\n\ndef f(x: A, y: A):\n    b()\n    b()\n"
    assert [symbol.name for symbol in used(Symbols(root), text, root / "a.py", 4, 6)] == ["b", "A"]


def test_the_unsaved_text_counts_and_not_the_file(root: Path) -> None:
    path = write(root / "a.py", "def helper(old): ...\n\nhelper(1)\n")
    text = "\n\ndef helper(new, é='ü'): ...\n\nx = 'é'; helper(1)\n"
    assert [(s.signature, s.line, s.path) for s in used(Symbols(root), text, path, 5, 5)] == [
        ("def helper(new, é='ü')", 3, path)
    ]


def test_a_buffer_without_a_name_knows_its_own_definitions_and_the_projects(root: Path) -> None:
    text = "from trees.tree import parse\ndef helper(): ...\nhelper(parse(1))\n"
    assert [symbol.name for symbol in used(Symbols(root), text, None, 3, 3)] == ["helper", "parse"]
    assert [symbol.name for symbol in used(Symbols(None), text, None, 3, 3)] == ["helper"]


def test_a_file_without_a_project_knows_its_neighbours(root: Path) -> None:
    text = "from tree import parse\nparse(1)\n"
    assert [symbol.name for symbol in used(Symbols(None), text, root / "trees" / "a.py", 2, 2)] == ["parse"]


def test_a_path_with_a_link_in_it_is_the_same_file(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    text = "from trees.tree import parse\ndef helper(): ...\nhelper(parse(1))\n"
    assert [symbol.name for symbol in used(Symbols(link), text, link / "a.py", 3, 3)] == ["helper", "parse"]


def test_code_that_does_not_parse_still_has_symbols(root: Path) -> None:
    text = "from trees.tree import parse\n\ndef f(:\n    parse('x'\n    return\n"
    assert [symbol.name for symbol in used(Symbols(root), text, root / "a.py", 3, 5)] == ["parse"]


def test_bytes_that_are_no_unicode_and_lone_returns_do_not_shift_lines(root: Path) -> None:
    text = "# \udcff\udc80 \0 \ud800 \r \x0c \u2028\r\ndef helper(): ...\r\n\r\nx = '\udcff\r'; helper()\r\n"
    assert [(symbol.name, symbol.line) for symbol in used(Symbols(root), text, root / "a.py", 4, 4)] == [
        ("helper", 2)
    ]


def test_there_are_at_most_as_many_as_the_limit(root: Path) -> None:
    text = "".join(f"def f{n}(): ...\n" for n in range(20)) + "".join(f"f{n}()\n" for n in range(20))
    source = Symbols(root)
    assert len(source.used_in(text, root / "a.py", 21, 40, seconds=PATIENCE)) == 12
    assert len(source.used_in(text, root / "a.py", 21, 40, limit=3, seconds=PATIENCE)) == 3


@pytest.mark.parametrize(("first", "last"), [(1, 0), (50, 60), (2, 1)])
def test_no_lines_have_no_symbols(root: Path, first: int, last: int) -> None:
    assert Symbols(root).used_in("def f(): ...\nf()\n", root / "a.py", first, last, seconds=PATIENCE) == []


# What must not enter a prompt


@pytest.mark.parametrize("name", [".gitignore", ".vivekignore"])
def test_an_excluded_file_gives_no_symbols(root: Path, name: str) -> None:
    text = "from trees.tree import parse\nfrom trees.other import other\nparse(other())\n"
    write(root / "trees" / "other.py", "def other(): ...\n")
    write(root / name, "tree.py\n")
    source = Symbols(root, excluded=Ignore(root).excluded)
    assert [symbol.name for symbol in used(source, text, root / "a.py", 3, 3)] == ["other"]


def test_a_name_passed_on_by_another_file_is_still_the_excluded_files(root: Path) -> None:
    write(root / "api.py", "from trees.tree import parse\n")
    write(root / ".gitignore", "tree.py\n")
    source = Symbols(root, excluded=Ignore(root).excluded)
    assert used(source, "from api import parse\nparse(1)\n", root / "a.py", 2, 2) == []


def test_a_module_that_links_out_of_the_project_gives_no_symbols(root: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere" / "secret.py", "def secret(key='hidden'): ...\n")
    (root / "innocent.py").symlink_to(secret)
    assert used(Symbols(root), "from innocent import secret\nsecret()\n", root / "a.py", 2, 2) == []


def test_installed_packages_count_though_their_environment_is_ignored(root: Path) -> None:
    environment(root / ".venv")
    write(root / ".gitignore", ".venv/\n")
    source = Symbols(root, excluded=Ignore(root).excluded)
    text = "from installed import package\nfrom trees.tree import parse\npackage(parse(1))\n"
    assert signatures(used(source, text, root / "a.py", 3, 3)) == [
        "def parse(text: str, *, strict: bool = False) -> Tree",
        "def package(version: int = 2)",
    ]


# What must not be run


def environment(folder: Path) -> dict[str, Path]:
    """A virtual environment that tells when it is used: by its interpreter, and by its ``.pth`` file.

    Its interpreter is a script that goes on as the real one would.
    """
    markers = {name: folder.parent / f"{folder.name}-{name}-ran" for name in ("python", "pth")}
    site = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    write(site / "installed.py", "def package(version: int = 2): ...\n")
    write(site / "evil.pth", f"import pathlib; pathlib.Path({str(markers['pth'])!r}).touch()\n")
    write(folder / "pyvenv.cfg", f"home = {Path(sys.base_prefix) / 'bin'}\n")
    real = Path(sys._base_executable)  # type: ignore[attr-defined]
    (folder / "bin").mkdir()
    (folder / "bin" / "real").symlink_to(real)
    script = write(
        folder / "bin" / "python",
        f'#!/bin/sh\n: > "{markers["python"]}"\nexec "{folder}/bin/real" "$@"\n',
    )
    script.chmod(0o755)
    return markers


TEXT = "from installed import package\npackage()\n"


def test_an_environment_in_a_project_is_never_started_but_read(root: Path) -> None:
    markers = environment(root / ".venv")
    assert signatures(used(Symbols(root), TEXT, root / "a.py")) == ["def package(version: int = 2)"]
    assert [name for name, marker in markers.items() if marker.exists()] == []


def test_a_trusted_projects_environment_is_started(root: Path) -> None:
    markers = environment(root / ".venv")
    assert signatures(used(Symbols(root, trusted=True), TEXT, root / "a.py")) == [
        "def package(version: int = 2)"
    ]
    assert [name for name, marker in markers.items() if marker.exists()] == ["python", "pth"]


def test_an_environment_that_the_user_activated_is_started(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    markers = environment(root / ".venv")
    monkeypatch.setenv("VIRTUAL_ENV", str(root / ".venv"))
    assert signatures(used(Symbols(root), TEXT, root / "a.py")) == ["def package(version: int = 2)"]
    assert [name for name, marker in markers.items() if marker.exists()] == ["python", "pth"]


def test_an_active_environment_elsewhere_does_not_vouch_for_the_projects(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    markers = environment(root / ".venv")
    active = environment(tmp_path / "active")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    used(Symbols(root), TEXT, root / "a.py")
    assert active["python"].exists()
    assert [name for name, marker in markers.items() if marker.exists()] == []


@pytest.mark.parametrize("through", ["CONDA_PREFIX", "PATH", "a link on the PATH", "a relative PATH"])
def test_no_other_way_leads_to_starting_a_projects_interpreter(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    markers = environment(root / ".venv")
    (root / ".venv" / "bin" / "python3").symlink_to("python")
    (root / ".venv" / "pyvenv.cfg").unlink()
    if through == "CONDA_PREFIX":
        monkeypatch.setenv("CONDA_PREFIX", str(root / ".venv"))
    elif through == "PATH":
        monkeypatch.setenv("PATH", str(root / ".venv" / "bin"))
    elif through == "a link on the PATH":
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python3").symlink_to(root / ".venv" / "bin" / "python3")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    else:
        monkeypatch.chdir(root)
        monkeypatch.setenv("PATH", ".venv/bin")
    used(Symbols(root), TEXT, root / "a.py")
    assert [name for name, marker in markers.items() if marker.exists()] == []


def test_an_environment_that_is_a_link_is_the_projects_all_the_same(root: Path, tmp_path: Path) -> None:
    markers = environment(tmp_path / "shared")
    (root / ".venv").symlink_to(tmp_path / "shared")
    used(Symbols(root), TEXT, root / "a.py")
    assert [name for name, marker in markers.items() if marker.exists()] == []


@pytest.mark.usefixtures("restarted")
@pytest.mark.parametrize(
    "name",
    [
        "conftest.py",
        "setup.py",
        "sitecustomize.py",
        "usercustomize.py",
        "gi.py",
        "jedi.py",
        "json.py",
        "evil/__init__.py",
    ],
)
def test_no_file_of_a_project_is_run(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    marker = root / "ran"
    module = name.removesuffix(".py").removesuffix("/__init__")
    write(root / name, f"import pathlib\npathlib.Path({str(marker)!r}).touch()\ndef f(x: int): ...\n")
    write(root / ".jedi" / "project.json", '[1, {"load_unsafe_extensions": true, "added_sys_path": ["."]}]')
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.chdir(root)
    found = used(Symbols(root), f"from {module} import f\nimport {module}\n{module}.f(f(1))\n", root / "a.py")
    assert not marker.exists()
    assert signatures(found) == ["def f(x: int)"]


def test_an_interpreter_that_does_not_work_is_passed_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = write(root.parent / "broken" / "bin" / "python", "#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(root.parent / "broken"))
    text = "from trees.tree import parse\nparse(1)\n"
    assert [symbol.name for symbol in used(Symbols(root), text, root / "a.py")] == ["parse"]


def test_python_path_is_read_though_hidden_from_the_interpreter(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root / "lib" / "extra.py", "def extra(a): ...\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", str(root / "lib")]))
    assert signatures(used(Symbols(root), "from extra import extra\nextra(1)\n", root / "a.py")) == [
        "def extra(a)"
    ]


# How long it may take


def test_stopping_ends_the_wait_at_once(root: Path) -> None:
    with symbols._JEDI:
        began = time.monotonic()
        assert (
            Symbols(root).used_in("def f(): ...\nf()\n", None, 2, 2, cancelled=lambda: True, seconds=PATIENCE)
            == []
        )
    assert time.monotonic() - began < 1


def test_the_wait_ends_when_its_time_is_up(root: Path) -> None:
    with symbols._JEDI:
        began = time.monotonic()
        assert Symbols(root).used_in("def f(): ...\nf()\n", None, 2, 2, seconds=0.05) == []
    assert time.monotonic() - began < 1


def test_a_search_that_was_given_up_leaves_the_way_free(root: Path) -> None:
    text = "def f(): ...\nf()\n"
    with symbols._JEDI:
        Symbols(root).used_in(text, None, 2, 2, seconds=0.01)
    assert [symbol.name for symbol in used(Symbols(root), text, None, 2, 2)] == ["f"]


def test_searches_in_several_threads_do_not_disturb_each_other(root: Path) -> None:
    text = "from trees.tree import parse\nparse(1).walk()\n"
    results: list[list[str]] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(signatures(used(Symbols(root), text, root / "a.py", 2, 2))),
            daemon=True,
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(results) == 4
    assert all(result == results[0] and len(result) == 2 for result in results)


def test_a_file_of_20000_lines_is_no_burden(root: Path) -> None:
    body = "".join(
        f"def f{n}(a, b={n}):\n    x = [a, b]\n    y = x[0]\n    return y\n\n" for n in range(4000)
    )
    text = f"from trees.tree import Tree\n{body}"
    text += "class C:\n    def __init__(self):\n        self.tree = Tree(1)\n\n"
    text += "    def g(self):\n        t = self.tree\n        t.walk(f7(1, 2))\n        return self.g()\n"
    assert text.count("\n") > 20_000 > LARGE_LINES
    first = text.count("\n") - 3
    used(Symbols(root), "len([])\n", None)
    began = time.process_time()
    found = used(Symbols(root), text, root / "a.py", first, first + 3)
    assert time.process_time() - began < 4
    assert [(symbol.name, symbol.line) for symbol in found] == [("Tree.walk", 12), ("f7", 2 + 7 * 5)]


LINES = st.lists(
    st.sampled_from(
        [
            "from trees.tree import Tree, parse",
            "import trees.tree as tt",
            "def f(a: Tree, b=parse):",
            "    return f(a).walk(tt.parse(b))",
            "class A(Tree, tt.Tree[A]):",
            "    x: A = Tree(",
            "    @property",
            "\tdef g(self): return self.g.x",
            "lambda *a, k=f: a[k].walk()",
            "x = '''",
            "\udcff\r\0f()",
            "é = Ünï.côdé(f)",
            "match f: case Tree(x=1): A()",
            "",
            ")",
        ]
    ),
    max_size=12,
).map("\n".join)


@given(text=LINES, first=st.integers(1, 12), length=st.integers(0, 12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_code_gives_symbols_defined_elsewhere_or_none(
    root: Path, text: str, first: int, length: int
) -> None:
    path = root / "a.py"
    for symbol in used(Symbols(root), text, path, first, first + length):
        assert "\n" not in symbol.signature
        assert symbol.path in (path, root / "trees" / "tree.py")
        assert symbol.path != path or not first <= symbol.line <= first + length
        source = text if symbol.path == path else TREE
        assert symbol.name.rsplit(".", 1)[-1] in source.split("\n")[symbol.line - 1]


def test_a_module_that_cannot_be_read_does_not_hide_the_others(root: Path) -> None:
    (root / "latin.py").write_bytes(b"# coding: latin-1\ndef latin(x='\xe9'): ...\n")
    (root / "folder.py").mkdir()
    text = "from latin import latin\nfrom folder import x\nfrom trees.tree import parse\nlatin(x(parse(1)))\n"
    assert [symbol.name for symbol in used(Symbols(root), text, root / "a.py", 4, 4)] == ["latin", "parse"]
