"""How a test gets at what it tests: the import in the way in which the project's tests do it.

It goes by texts and relative paths, and reads no file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import PurePath

_SCRIPTS = ("javascript", "javascriptreact", "typescript", "typescriptreact")
_SPECIFIER = re.compile(r"(?:\bfrom\s*|\brequire\(\s*)(?P<quote>['\"])(?P<path>\.{1,2}/[^'\"]+)")
_PACKAGE = re.compile(r"^package\s+\w+", re.MULTILINE)
_REQUIRE = re.compile(r"\brequire\s*\(?\s*['\"]")


def reach(
    source: str,
    filetype: str,
    names: Sequence[str],
    *,
    file: PurePath,
    module: str,
    folder: PurePath,
    known: str,
) -> str:
    """The line with which a test begins, to get at `names`; "" where there is none, or it is not known.

    source: the text of the file that is tested. file: its path, and folder: of the test, both relative to the project.
    module: what Python imports it as. known: text of the project's tests, whose ways are followed.
    """
    if filetype == "python":
        return f"from {_python_module(module, known)} import {', '.join(names)}" if module else ""
    if filetype in _SCRIPTS:
        path = os.path.relpath(file, folder).replace(os.sep, "/")
        return _script(source, filetype, names, path, known)
    if filetype == "lua":
        return _lua(source, file, known)
    if filetype == "go":
        found = _PACKAGE.search(known) or _PACKAGE.search(source)
        return found[0] if found else ""
    return ""


def _python_module(module: str, known: str) -> str:
    """The module as the project's tests name it: ``src.shop.cart`` and ``..cart`` may be ``shop.cart``."""
    last = module.rpartition(".")[2]
    found = re.search(rf"^from[ \t]+(\.*(?:\w+\.)*{re.escape(last)})[ \t]+import\b", known, re.MULTILINE)
    return found[1] if found else module


def _script(source: str, filetype: str, names: Sequence[str], path: str, known: str) -> str:
    path = path if path.startswith(".") else f"./{path}"
    by_require = (
        "require(" in known
        if re.search(r"\brequire\(|^import\b", known, re.MULTILINE)
        else (not re.search(r"^\s*(?:export|import)\b", source, re.MULTILINE))
    )
    seen = _SPECIFIER.search(known)
    typed = filetype.startswith("typescript")
    whole = bool(PurePath(seen["path"]).suffix) if seen else not (typed or by_require)
    if whole and typed:
        path = re.sub(r"\.([cm]?)tsx?$", r".\1js", path)
    elif not whole:
        path = path.removesuffix(PurePath(path).suffix)
    quote = seen["quote"] if seen else "'"
    end = ";" if re.search(r";\s*$", known or source, re.MULTILINE) else ""
    alone = _default(source, names)
    bound = alone or f"{{ {', '.join(names)} }}"
    if by_require:
        return f"const {bound} = require({quote}{path}{quote}){end}"
    return f"import {bound} from {quote}{path}{quote}{end}"


def _default(source: str, names: Sequence[str]) -> str:
    """The name that stands for the whole module, where that is what is tested; else ""."""
    found = re.search(
        r"^\s*(?:export\s+default\s+(?:async\s+)?(?:(?:function\*?|class)\s+)?|module\.exports\s*=\s*)(\w+)",
        source,
        re.MULTILINE,
    )
    return found[1] if found and list(names) == [found[1]] else ""


def _lua(source: str, file: PurePath, known: str) -> str:
    """A module that gives back a table; its functions are reached through it."""
    if not re.search(r"^return\s+\w+\s*$", source, re.MULTILINE):
        return ""
    parts = list(file.with_suffix("").parts)
    if parts[-1] == "init" and len(parts) > 1:
        parts.pop()
    if parts[0] in ("lua", "src") and len(parts) > 1 and not re.search(rf"require\W+{parts[0]}[./]", known):
        parts.pop(0)
    name = re.sub(r"\W", "_", parts[-1])
    seen = _REQUIRE.search(known)
    quote = seen[0][-1] if seen else '"'
    return f"local {name} = require({quote}{'.'.join(parts)}{quote})"
