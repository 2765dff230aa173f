"""The checks of what stands around an edit: callers, imports, indentation, other code, names that nobody uses."""

from __future__ import annotations

import pytest

from vivek.checks.edit import Edit
from vivek.checks.static import review, score

THRESHOLD = 0.6
CALLERS = """def read(path, mode="r", *, strict=False):
    return path, mode, strict


class Store:
    def __init__(self, root, size=3):
        self.root = root

    def get(self, name, default=None):
        return name or default

    def all(self):
        return self.get("a", default=1)


print(read("a", mode="rb"), read("b", strict=True), Store("c", size=2))
"""
READ = CALLERS[: CALLERS.index("\n\nclass")]
STORE = CALLERS[CALLERS.index("class Store") : CALLERS.index("\n\nprint")]
GET = STORE[STORE.index("    def get") : STORE.index("\n    def all")]


def edited(old: str, new: str, instruction: str, whole: str, filetype: str = "python") -> Edit:
    first = whole.count("\n", 0, whole.index(old)) + 1
    last, after_last = first + old.count("\n") - 1, first + new.count("\n") - 1
    return Edit(whole, whole.replace(old, new, 1), filetype, first, last, first, after_last, instruction)


def failures(
    old: str, new: str, instruction: str = "", whole: str = CALLERS, filetype: str = "python"
) -> dict[str, str]:
    edit = edited(old, new, instruction, whole, filetype)
    checks = review(
        edit.before,
        edit.after,
        filetype=filetype,
        first=edit.first,
        last=edit.last,
        after_last=edit.after_last,
        instruction=instruction,
    )
    found = {check.name: check.detail for check in checks if not check.passed}
    assert "fits its callers" not in found or score(checks) < THRESHOLD
    return found


class TestCallers:
    @pytest.mark.parametrize(
        ("old", "new", "detail"),
        [
            (
                READ,
                READ.replace("mode", "flags"),
                "`read` is called as `read('a', mode='rb')` elsewhere, which no longer fits: keep `mode`.",
            ),
            (
                READ,
                READ.replace(", *, strict=False", "").replace(", strict", ""),
                "`read` is called as `read('b', strict=True)` elsewhere, which no longer fits: keep `strict`.",
            ),
            (
                READ,
                READ.replace("(path", "(path, base"),
                "`read` is called as `read('b', strict=True)` elsewhere, which no longer fits: give `base` a default.",
            ),
            (
                GET,
                GET.replace("default", "other"),
                "`get` is called as `self.get('a', default=1)` elsewhere, which no longer fits: keep `default`.",
            ),
        ],
    )
    def test_a_call_that_fits_no_more_is_told(self, old: str, new: str, detail: str) -> None:
        if "base" in new:
            new = new.replace("(path, base, mode", "(path, base, *, mode").replace(
                '*, mode="r", *,', '*, mode="r",'
            )
            assert "give `base` a default" in failures(old, new, "Speed it up.")["fits its callers"]
            return
        assert failures(old, new, "Speed it up.")["fits its callers"] == detail

    def test_a_constructor_is_called_by_its_class(self) -> None:
        init = STORE[STORE.index("    def __init__") : STORE.index("\n    def get")]
        assert "keep `size`" in failures(init, init.replace(", size=3", ""), "Tidy.")["fits its callers"]

    @pytest.mark.parametrize(
        ("new", "instruction"),
        [
            (READ.replace("strict=False", "strict=False, deep=True"), "Add an option."),
            (READ.replace("(path", "(file").replace("return path", "return file"), "Tidy."),
            (READ.replace("mode", "flags"), "Rename the parameter to flags."),
            (READ.replace("mode", "flags"), "Call `mode` by the name `flags`."),
            (
                READ.replace('path, mode="r", *, strict=False', "path, **options").replace(
                    "mode, strict", "options"
                ),
                "Take any option.",
            ),
            (READ.replace('"r"', '"rb"'), "Read bytes."),
        ],
    )
    def test_what_still_fits_or_was_asked_for_passes(self, new: str, instruction: str) -> None:
        assert "fits its callers" not in failures(READ, new, instruction)

    @pytest.mark.parametrize(
        "rest",
        [
            "def other(read):\n    return read(1, mode=2)\n",
            "read = print\nread(1, mode=2)\n",
            "x.read(1, mode=2)\n",
            "read(*args, mode=1)\n",
        ],
    )
    def test_a_call_that_may_mean_something_else_passes(self, rest: str) -> None:
        assert "fits its callers" not in failures(
            READ, READ.replace("mode", "flags"), "", READ + "\n\n" + rest
        )

    def test_a_call_that_never_fitted_passes(self) -> None:
        assert "fits its callers" not in failures(
            READ, READ.replace("mode", "flags"), "", READ + "\n\nread(1, 2, 3)\n"
        )

    @pytest.mark.parametrize(
        ("filetype", "old", "new", "call"),
        [
            (
                "c",
                "int add(int a, int b) {\n    return a + b;\n}\n",
                "int add(int a) {\n    return a;\n}\n",
                "int f(void) {\n    return add(1, 2);\n}\n",
            ),
            (
                "go",
                "func add(a, b int) int {\n\treturn a + b\n}\n",
                "func add(a int) int {\n\treturn a\n}\n",
                "func f() int {\n\treturn add(1, 2)\n}\n",
            ),
            (
                "rust",
                "fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n",
                "fn add(a: i32) -> i32 {\n    a\n}\n",
                "fn f() -> i32 {\n    add(1, 2)\n}\n",
            ),
        ],
    )
    def test_compiled_languages_count_arguments(self, filetype: str, old: str, new: str, call: str) -> None:
        found = failures(old, new, "", old + "\n" + call, filetype)
        assert (
            found["fits its callers"]
            == "`add` is called as `add(1, 2)` elsewhere, which no longer fits: give it 2 parameters as before."
        )
        assert "fits its callers" not in failures(
            old, new, "remove the parameter", old + "\n" + call, filetype
        )
        assert "fits its callers" not in failures(
            old, new, "", old + "\n" + call.replace("add(1, 2)", "x.add(1, 2)"), filetype
        )
        assert "fits its callers" not in failures(
            old, old.replace("a + b", "b + a"), "", old + "\n" + call, filetype
        )


class TestImports:
    @pytest.mark.parametrize(
        ("filetype", "line", "use"),
        [
            ("c", "#include <stdio.h>", 'void f(void) {\n  puts("x");\n}\n'),
            ("go", 'import "fmt"', 'func f() {\n\tfmt.Println("x")\n}\n'),
            ("javascript", 'import { join } from "path";', 'function f() {\n  return join("a");\n}\n'),
            ("javascript", 'const fs = require("fs");', 'function f() {\n  return fs.read("a");\n}\n'),
            ("lua", 'local util = require("util")', "local function f()\n  return util.a()\nend\n"),
            ("rust", "use std::fs;", 'fn f() {\n    fs::read("a");\n}\n'),
            ("java", "import java.util.List;", "class A {\n  Object f() { return List.of(); }\n}\n"),
        ],
    )
    def test_a_lost_import_is_quoted(self, filetype: str, line: str, use: str) -> None:
        old, changed = f"{line}\n\n{use}", use.replace("f(", "g(").replace("function f", "function g")
        told = failures(old, changed, "Rename f.", old, filetype)
        assert "keeps imports" not in told  # A rename may take anything with it.
        told = failures(old, use, "Speed it up.", old, filetype)
        assert told["keeps imports"] == f"`{line}` is gone but still needed: keep it."
        assert "keeps imports" not in failures(old, old + "\n", "Speed it up.", old, filetype)

    @pytest.mark.parametrize(
        ("filetype", "line", "use"),
        [
            ("go", 'import "fmt"', "func f() int {\n\treturn 1\n}\n"),
            (
                "javascript",
                'import { join } from "path";',
                'import path, { join } from "node:path";\n\njoin("x");\n',
            ),
            ("lua", 'local util = require("util")', "local function f()\n  return 1\nend\n"),
        ],
    )
    def test_an_import_that_nothing_needs_may_go(self, filetype: str, line: str, use: str) -> None:
        assert "keeps imports" not in failures(f"{line}\n\n{use}", use, "Tidy.", f"{line}\n\n{use}", filetype)

    def test_a_missing_module_of_pythons_own_is_told_as_its_import(self) -> None:
        told = failures(READ, READ.replace("return path", "return json.loads(path)"))
        assert told["names are defined"] == "`json` is not imported: add `import json`."

    def test_a_name_of_all_that_is_gone_is_told(self) -> None:
        whole = '__all__ = ["LIMIT"]\n\nLIMIT = 3\n'
        assert (
            "`LIMIT` is not defined"
            in failures("LIMIT = 3\n", "SIZE = 3\n", "Use 3.", whole)["names are defined"]
        )


class TestIndentation:
    def test_a_tab_in_a_file_of_spaces_is_told_and_the_reverse(self) -> None:
        old = "function f() {\n  a();\n  b();\n  c();\n}\n"
        told = failures(old, old.replace("  b", "\tb"), "", old, "javascript")
        assert told["indentation"] == "`b();` is indented with a tab: the file uses spaces."
        tabs = old.replace("  ", "\t")
        told = failures(tabs, tabs.replace("\tb", "  b"), "", tabs, "javascript")
        assert told["indentation"] == "`b();` is indented with spaces: the file uses tabs."

    @pytest.mark.parametrize(
        ("old", "new", "instruction"),
        [
            (
                "function f() {\n  a();\n  b();\n  c();\n}\n",
                "function f() {\n\ta();\n\tb();\n\tc();\n}\n",
                "Indent with tabs.",
            ),
            (
                "function f() {\n  a();\n  b();\n\tc();\n}\n",
                "function f() {\n  a();\n\tb();\n\tc();\n}\n",
                "",
            ),
            (
                "function f() {\n  a();\n  b();\n  c();\n}\n",
                "function f() {\n  a();\n  b(`\n\tx`);\n  c();\n}\n",
                "",
            ),
        ],
    )
    def test_what_was_asked_mixed_before_or_is_text_passes(
        self, old: str, new: str, instruction: str
    ) -> None:
        assert "indentation" not in failures(old, new, instruction, old, "javascript")


class TestOutside:
    def review(self, after: str, after_last: int, after_first: int = 1) -> dict[str, str]:
        checks = review(
            CALLERS,
            after,
            filetype="python",
            first=1,
            last=2,
            after_first=after_first,
            after_last=after_last,
            instruction="Speed it up.",
        )
        return {check.name: check.detail for check in checks if not check.passed}

    def test_a_changed_line_outside_is_told(self) -> None:
        new = READ.replace("return path", "return path or 1")
        after = CALLERS.replace(READ, new).replace("self.root = root", "self.root = 1")
        assert (
            self.review(after, 2)["keeps the rest of the file"]
            == "`self.root = root` stands outside of the code to change: leave it as it is."
        )

    def test_imports_above_may_come(self) -> None:
        new = "import os\n" + CALLERS.replace("return path", "return os.path.join(path)")
        assert self.review(new, 3, 2) == {}

    def test_another_definition_that_changed_is_told(self) -> None:
        new = STORE.replace("name or default", "name").replace("self.root = root", "self.root = str(root)")
        told = failures(STORE, new, "Make `get` return the name.")
        assert told["changes what was asked"] == "`Store.__init__` was not to be changed: leave it as it was."

    @pytest.mark.parametrize(
        "instruction",
        ["Make `get` and all others faster.", "Make it faster.", "Fix the get method and `__init__`."],
    )
    def test_an_instruction_that_is_wider_lets_all_change(self, instruction: str) -> None:
        new = STORE.replace("name or default", "name").replace("self.root = root", "self.root = str(root)")
        assert "changes what was asked" not in failures(STORE, new, instruction)

    def test_callers_of_what_was_named_may_change(self) -> None:
        new = STORE.replace("def get(self, name, default=None)", "def get(self, name)").replace(
            'self.get("a", default=1)', 'self.get("a")'
        )
        assert "changes what was asked" not in failures(STORE, new, "Drop the default of `get`.")


class TestUnused:
    def test_a_new_variable_or_import_that_nobody_uses_is_advice(self) -> None:
        new = READ.replace("    return", "    import os\n    x = 1\n    return")
        told = failures(READ, new)
        assert told == {"uses what it defines": "`os` and `x` are never used: leave them out."}

    def test_advice_alone_sends_nothing_back(self) -> None:
        new = READ.replace("    return", "    x = 1\n    return")
        edit = edited(READ, new, "", CALLERS)
        checks = review(
            edit.before, edit.after, filetype="python", first=1, last=2, after_last=3, instruction=""
        )
        assert score(checks) > 0.9

    def test_what_was_unused_before_is_none_of_its_business(self) -> None:
        old = "def f(a):\n    x = 1\n    return a\n"
        assert failures(old, old.replace("return a", "return a + 1"), "", "import os\n\n\n" + old) == {}


class TestOnlyWords:
    OLD = "def f(a):\n    return a - 1\n"

    def test_a_comment_is_no_fix(self) -> None:
        told = failures(self.OLD, "def f(a):\n    # Fixed.\n    return (a - 1)\n", "Fix the bug.", self.OLD)
        assert told["changes something"].startswith("Only comments or layout changed")
        assert "changes something" in failures(
            self.OLD, 'def f(a):\n    """F."""\n    return a - 1\n', "Fix the bug.", self.OLD
        )

    @pytest.mark.parametrize(
        ("new", "instruction"),
        [
            ("def f(a):\n    return a + 1\n", "Fix the bug."),
            ('def f(a):\n    """F."""\n    return a - 1\n', "Fix the docstring."),
            ("def f(a):\n    # Less one.\n    return a - 1\n", "Say what it does."),
            ("def f(a: int):\n    return a - 1\n", "Fix the type."),
        ],
    )
    def test_code_that_changed_or_words_that_were_asked_for_pass(self, new: str, instruction: str) -> None:
        assert "changes something" not in failures(self.OLD, new, instruction, self.OLD)
