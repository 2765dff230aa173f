"""From a file's name or Neovim filetype to the tree-sitter grammar that parses it.

The context and the checks share it, so that both see the same syntax tree. It does not interpret a tree: what
is a definition, an import or an error is for its callers to say.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from time import monotonic
from types import MappingProxyType

import tree_sitter

from vivek.errors import InstallError

FILETYPES: Mapping[str, str] = MappingProxyType(
    {
        "bash": "bash",
        "c": "c",
        "cpp": "cpp",
        "cuda": "cpp",
        "go": "go",
        "java": "java",
        "javascript": "javascript",
        "javascriptreact": "javascript",
        "lua": "lua",
        "python": "python",
        "rust": "rust",
        "sh": "bash",
        "typescript": "typescript",
        "typescriptreact": "tsx",
    }
)
"""Neovim filetype -> grammar, for every filetype that has one."""

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "bash": "bash",
        "c": "c",
        "cc": "cpp",
        "cjs": "javascript",
        "conf": "conf",
        "cpp": "cpp",
        "cs": "cs",
        "css": "css",
        "cts": "typescript",
        "cu": "cuda",
        "cuh": "cuda",
        "cxx": "cpp",
        "ex": "elixir",
        "exs": "elixir",
        "go": "go",
        "h": "cpp",
        "hh": "cpp",
        "hpp": "cpp",
        "hs": "haskell",
        "htm": "html",
        "html": "html",
        "hxx": "cpp",
        "ini": "dosini",
        "java": "java",
        "jl": "julia",
        "js": "javascript",
        "json": "json",
        "jsx": "javascriptreact",
        "kt": "kotlin",
        "lua": "lua",
        "md": "markdown",
        "mjs": "javascript",
        "ml": "ocaml",
        "mts": "typescript",
        "php": "php",
        "pl": "perl",
        "py": "python",
        "pyi": "python",
        "pyw": "python",
        "r": "r",
        "rb": "ruby",
        "rs": "rust",
        "scala": "scala",
        "sh": "sh",
        "sql": "sql",
        "swift": "swift",
        "tex": "tex",
        "toml": "toml",
        "ts": "typescript",
        "tsx": "typescriptreact",
        "txt": "text",
        "vim": "vim",
        "xml": "xml",
        "yaml": "yaml",
        "yml": "yaml",
        "zig": "zig",
        "zsh": "zsh",
    }
)
"""File extension (lower case, no dot) -> Neovim filetype, as Neovim itself detects it."""

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        ".bash_profile": "sh",
        ".bashrc": "sh",
        ".profile": "sh",
        "dockerfile": "dockerfile",
        "gnumakefile": "make",
        "makefile": "make",
        "sconscript": "python",
        "sconstruct": "python",
    }
)

_TYPESCRIPT = {"typescript": "language_typescript", "tsx": "language_tsx"}


def filetype_of(path: Path | str) -> str:
    """Neovim filetype of a file, by its name alone; "" where the name tells nothing."""
    name = Path(path).name.lower()
    return _NAMES.get(name) or EXTENSIONS.get(name.rpartition(".")[2] if "." in name else "", "")


def parser(filetype: str) -> tree_sitter.Parser | None:
    """A new parser for a Neovim filetype; None where Vivek has no grammar for it.

    A parser belongs to one thread. Raises InstallError where the grammar's package is missing or too old.
    """
    grammar = FILETYPES.get(filetype)
    return tree_sitter.Parser(_language(grammar)) if grammar else None


PARSE_SECONDS = 3.0
"""50,000 lines of code take half a second."""

_SLICE_BYTES = 1 << 10


@lru_cache(maxsize=2)  # the same document is asked about several times; 50,000 lines take half a second
def parse(text: str, filetype: str) -> tree_sitter.Tree | None:
    """The syntax tree of a text, whatever bytes it holds; None where there is no grammar.

    Rows of the tree are 0-based lines as "\\n" separates them; columns are bytes of UTF-8, where a character
    that is not valid Unicode or is NUL counts as one byte. None also where it takes longer than PARSE_SECONDS: a
    long text that is no code of its language can take tree-sitter minutes, in which no other thread would run.
    """
    made = parser(filetype)
    if made is None:
        return None
    source = text.replace("\0", " ").encode("utf-8", "replace")
    end = monotonic() + PARSE_SECONDS
    try:
        # Only a source that is read in slices can be given up.
        return made.parse(
            lambda offset, _point: source[offset : offset + _SLICE_BYTES],
            progress_callback=lambda _offset, _error: monotonic() > end,
        )
    except ValueError:  # it was given up
        return None


@cache
def _language(grammar: str) -> tree_sitter.Language:
    package = "tree_sitter_" + ("typescript" if grammar in _TYPESCRIPT else grammar)
    try:
        module = importlib.import_module(package)
        return tree_sitter.Language(getattr(module, _TYPESCRIPT.get(grammar, "language"))())
    except (ImportError, AttributeError, ValueError) as error:
        raise InstallError(
            f"The grammar for {grammar} cannot be loaded: {error}.",
            hint="Run :VivekInstall to mend Vivek's Python environment.",
        ) from error
