"""How a file of a project is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivek.verify.modules import module_of


@pytest.mark.parametrize(
    ("file", "inits", "text", "name", "roots"),
    [
        ("a.py", [], "", "a", ["."]),
        ("tools/a.py", [], "", "a", ["tools", "."]),
        ("pkg/a.py", ["pkg"], "", "pkg.a", ["."]),
        ("src/pkg/sub/a.py", ["src/pkg", "src/pkg/sub"], "", "pkg.sub.a", ["src", "."]),
        ("src/pkg/__init__.py", ["src/pkg"], "", "pkg", ["src", "."]),
        ("src/pkg/a.py", [], "from . import b\n", "pkg.a", ["src", "."]),
        ("pkg/a.py", [], "from ..c import d\n", "pkg.a", ["."]),
        ("pkg/a.py", [], "from c import d\n", "a", ["pkg", "."]),
        ("my-script.py", [], "", "my-script", ["."]),
    ],
)
def test_a_file_is_imported_by_the_packages_that_it_lies_in(
    *, tmp_path: Path, file: str, inits: list[str], text: str, name: str, roots: list[str]
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    for package in inits:
        (tmp_path / package / "__init__.py").write_text("")
    module = module_of(tmp_path, Path(file), text)
    assert (module.name, [str(root) for root in module.roots]) == (name, roots)
