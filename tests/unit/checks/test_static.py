"""The review of an edit: what each check catches, and what it must let pass."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.checks.static import Check, review, score

THRESHOLD = 0.6
FILE = '''"""A module."""

import json
import os


def load(path):
    """Load a file."""
    with open(path) as file:
        data = json.load(file)
    return data


def save(path, data):
    with open(path, "w") as file:
        json.dump(data, file)


class Store:
    def __init__(self, root):
        self.root = root

    def path(self, name):
        return os.path.join(self.root, name)

    def get(self, name):
        return load(self.path(name))
'''
LOAD = FILE[FILE.index("def load") : FILE.index("\n\ndef save")]
STORE = FILE[FILE.index("class Store") :]
SAVE = FILE[FILE.index("def save") : FILE.index("\n\nclass Store")]


def reviewed(
    old: str, new: str, instruction: str = "", *, whole: str = FILE, filetype: str = "python"
) -> list[Check]:
    """Review the edit of `whole` that puts `new` where `old` is."""
    at = whole.index(old)
    first = whole.count("\n", 0, at) + 1
    return review(
        whole,
        whole.replace(old, new, 1),
        filetype=filetype,
        first=first,
        last=first + old.count("\n") - 1,
        after_last=first + new.count("\n") - 1,
        instruction=instruction,
    )


def failures(
    old: str, new: str, instruction: str = "", *, whole: str = FILE, filetype: str = "python"
) -> dict[str, str]:
    checks = reviewed(old, new, instruction, whole=whole, filetype=filetype)
    return {check.name: check.detail for check in checks if not check.passed}


def alone(old: str, new: str, instruction: str = "", filetype: str = "python") -> dict[str, str]:
    """The failures where `old` is the whole file."""
    return failures(old, new, instruction, whole=old, filetype=filetype)


class TestParses:
    @pytest.mark.parametrize(
        ("broken", "part"),
        [
            ("def load(path:\n    return 1\n", "def load(path:"),
            ("return 1\n", "'return' outside function"),
            ("def load(path):\nreturn 1\n", "return 1"),
            ('def load(path):\n    """Load\n    return 1\n', "unterminated"),
            ("def load(path):\n    x = yield = 1\n", "x = yield = 1"),
        ],
    )
    def test_broken_python_is_told_by_the_lines_text(self, broken: str, part: str) -> None:
        found = failures(LOAD, broken)
        assert part in found["parses"]
        assert score(reviewed(LOAD, broken)) <= 0.2

    def test_a_file_that_was_broken_elsewhere_may_stay_so(self) -> None:
        whole = FILE + "\n\ndef other(:\n"
        assert "parses" not in failures(LOAD, LOAD.replace("data", "it"), whole=whole)

    def test_a_file_that_was_broken_may_not_get_worse(self) -> None:
        whole = FILE + "\n\ndef other(:\n"
        assert "parses" in failures(LOAD, "def load(path:\n    return )\n", whole=whole)

    def test_an_edit_that_mends_a_broken_file_passes(self) -> None:
        assert alone("def f(:\n    return 1\n", "def f():\n    return 1\n") == {}

    @pytest.mark.parametrize(
        ("filetype", "old", "broken"),
        [
            ("lua", "local function f()\n  return 1\nend\n", "local function f()\n  return 1\n"),
            ("javascript", "function f() {\n  return 1;\n}\n", "function f() {\n  return (1;\n}\n"),
            (
                "typescript",
                "function f(): number {\n  return 1;\n}\n",
                "function f(): number {\n  return 1;\n",
            ),
            ("go", "func f() int {\n\treturn 1\n}\n", "func f() int {\n\treturn 1\n"),
            ("rust", "fn f() -> i32 {\n    1\n}\n", "fn f() -> i32 {\n    1 +\n}\n"),
            ("c", "int f(void) {\n  return 1;\n}\n", "int f(void) {\n  return 1\n}\n"),
            ("java", "class A {\n  int f() { return 1; }\n}\n", "class A {\n  int f() { return 1;\n}\n"),
        ],
    )
    def test_other_languages_are_parsed_by_their_grammars(self, filetype: str, old: str, broken: str) -> None:
        assert "parses" in alone(old, broken, filetype=filetype)
        assert "parses" not in alone(old, old.replace("1", "2"), filetype=filetype)

    def test_a_language_without_a_grammar_always_passes(self) -> None:
        assert alone("a ((\n", "b ((((\n", filetype="text") == {}

    @pytest.mark.parametrize(
        "odd", ["s = '\udc80\0'\n", "s = 1\r\n", "a = 1 + \\\r\n    2\r\n", "s = '\\d'\n", "x = 1\x0c\n"]
    )
    def test_strange_bytes_in_the_file_are_no_error(self, odd: str) -> None:
        assert failures(LOAD, LOAD.replace("data", "it"), whole=odd + FILE) == {}

    def test_code_nested_beyond_all_reason_is_an_error_not_a_crash(self) -> None:
        assert "parses" in failures(LOAD, "x = " + "(" * 5000 + ")" * 5000 + "\n")


class TestChanged:
    def test_the_same_code_is_no_answer(self) -> None:
        assert "changes something" in failures(LOAD, LOAD)
        assert score(reviewed(LOAD, LOAD)) <= 0.3

    def test_nor_are_other_blanks_at_line_ends(self) -> None:
        assert "changes something" in failures(LOAD, LOAD.replace("data\n", "data  \n"))

    @pytest.mark.parametrize(
        "instruction", ["strip trailing whitespace", "format this", "remove blank lines"]
    )
    def test_unless_just_that_was_asked_for(self, instruction: str) -> None:
        old = LOAD.replace("data\n", "data  \n")
        whole = FILE.replace(LOAD, old)
        assert failures(old, LOAD, instruction, whole=whole) == {}

    @pytest.mark.parametrize(
        "new", [LOAD.replace("data", "x"), LOAD + "\n# Done.\n", LOAD.replace("    ", "\t")]
    )
    def test_any_other_change_counts(self, new: str) -> None:
        assert "changes something" not in failures(LOAD, new)


class TestDefinitions:
    def test_a_lost_method_is_named(self) -> None:
        without = STORE[: STORE.index("\n    def get")]
        found = failures(STORE, without, "add type hints")
        assert found["keeps definitions"] == "`Store.get` is missing: keep it."
        assert score(reviewed(STORE, without, "add type hints")) < THRESHOLD

    def test_a_lost_function_is_named(self) -> None:
        found = failures(LOAD + "\n\n" + SAVE, SAVE, "add docstrings")
        assert "`load` is missing" in found["keeps definitions"]

    def test_of_a_lost_class_only_the_class_is_named(self) -> None:
        assert (
            failures(STORE, "x = 1\n", "speed it up")["keeps definitions"] == "`Store` is missing: keep it."
        )

    def test_a_function_that_came_without_its_header_is_lost(self) -> None:
        old = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
        assert "keeps definitions" in alone(old, "total = sum([])\n", "replace the loop with sum")

    @pytest.mark.parametrize(
        ("old", "new", "instruction"),
        [
            (LOAD, LOAD.replace("load(", "read("), "rename this function to read"),
            (LOAD, LOAD.replace("load(", "read("), "change the function name to `read`"),
            (LOAD, LOAD.replace("def load(", "def read("), "call it read"),
            (LOAD, LOAD.replace("def load(", "def read_json("), "give it a better name"),
            (SAVE, "", "remove this function"),
            (SAVE, "", "delete `save`, nobody uses it"),
            (SAVE, "\n", "drop it"),
            (LOAD + "\n\n" + SAVE, LOAD, "remove save"),
            (LOAD + "\n\n" + SAVE, LOAD, "remove dead code"),
            (STORE, STORE[: STORE.index("\n    def get")], "remove the unused methods"),
            (
                STORE,
                STORE.replace("def path", "def where").replace("self.path", "self.where"),
                "rename path to where",
            ),
            (SAVE, "save = partial(write, mode='w')\n", "turn this function into a partial"),
            (
                SAVE,
                "class Saver:\n    def run(self, path, data):\n        print(path)\n",
                "convert `save` to a class",
            ),
        ],
    )
    def test_what_the_instruction_lets_go_may_go(self, old: str, new: str, instruction: str) -> None:
        assert "keeps definitions" not in failures(old, new, instruction)

    @pytest.mark.parametrize(
        "instruction",
        [
            "remove the print from this function",
            "delete the unused variable in load",
            "replace open with Path",
            "make it faster",
            "",
        ],
    )
    def test_what_it_does_not_let_go_may_not(self, instruction: str) -> None:
        assert "keeps definitions" in failures(
            LOAD, "def other(path):\n    return json.load(open(path))\n", instruction
        )

    def test_a_class_that_became_a_dataclass_has_no_init_of_its_own(self) -> None:
        old = (
            "class P:\n    def __init__(self, x):\n        self.x = x\n\n"
            "    def __eq__(self, o):\n        return self.x == o.x\n"
        )
        new = "from dataclasses import dataclass\n\n\n@dataclass\nclass P:\n    x: int\n"
        assert alone(old, new, "use a dataclass") == {}

    def test_a_method_that_moved_out_of_its_class_is_not_lost(self) -> None:
        old = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
        new = "def f():\n    return 1\n\n\nclass A:\n    def g(self):\n        return 2\n"
        assert alone(old, new, "f needs no self") == {}

    def test_a_function_within_a_function_may_go(self) -> None:
        old = "def f(x):\n    def g(y):\n        return y\n    return g(x)\n"
        assert alone(old, "def f(x):\n    return x\n", "tidy") == {}

    def test_a_lost_setter_is_seen(self) -> None:
        old = (
            "class A:\n    @property\n    def x(self):\n        return self._x\n\n"
            "    @x.setter\n    def x(self, x):\n        self._x = x\n"
        )
        new = old[: old.index("\n    @x.setter")]
        assert "`A.x setter`" in alone(old, new, "add a docstring")["keeps definitions"]

    def test_overloads_may_be_fewer(self) -> None:
        old = (
            "from typing import overload\n\n\n@overload\ndef f(x: int) -> int: ...\n"
            "@overload\ndef f(x: str) -> str: ...\ndef f(x):\n    return x\n"
        )
        new = "def f(x):\n    return x\n"
        assert "keeps definitions" not in alone(old, new, "make it generic")

    def test_definitions_outside_of_the_target_are_not_its_business(self) -> None:
        assert failures(LOAD, LOAD.replace("data", "it")) == {}

    @pytest.mark.parametrize(
        ("filetype", "old", "name"),
        [
            ("javascript", "class A {\n  f() {\n    return 1;\n  }\n  g() {\n    return 2;\n  }\n}\n", "A.g"),
            ("javascript", "const f = () => 1;\nconst g = function () {\n  return 2;\n};\n", "g"),
            ("typescript", "interface A {\n  x: number;\n}\nexport type g = string;\n", "g"),
            (
                "lua",
                "local M = {}\nfunction M.f()\n  return 1\nend\nfunction M:g()\n  return 2\nend\nreturn M\n",
                "M:g",
            ),
            (
                "lua",
                "local M = {}\nM.f = function()\n  return 1\nend\nM.g = function()\n  return 2\nend\nreturn M\n",
                "M.g",
            ),
            (
                "go",
                "package a\n\nfunc f() int {\n\treturn 1\n}\n\nfunc (a *A) g() int {\n\treturn 2\n}\n",
                "g",
            ),
            ("rust", "struct A;\nimpl A {\n    fn f() {}\n    fn g() {}\n}\n", "A.g"),
            ("c", "int f(void) {\n  return 1;\n}\nstatic char *g(int x) {\n  return 0;\n}\n", "g"),
            ("cpp", "class A {\n  int f() { return 1; }\n  int g() { return 2; }\n};\n", "A.g"),
            ("java", "class A {\n  int f() { return 1; }\n  int g() { return 2; }\n}\n", "A.g"),
            ("sh", "f() {\n  echo 1\n}\ng() {\n  echo 2\n}\n", "g"),
        ],
    )
    def test_every_grammar_tells_a_lost_definition(self, filetype: str, old: str, name: str) -> None:
        plain = name.replace(":", ".").split(".")[-1]
        found = alone(old, old.replace(f"{plain}(", "other(").replace(f"{plain} =", "other ="), "", filetype)
        assert f"`{name}`" in found["keeps definitions"]
        assert "keeps definitions" not in alone(old, old + "\n", "", filetype)


class TestNames:
    def test_a_name_left_undefined_is_told(self) -> None:
        found = failures(LOAD, LOAD.replace("json.load(file)", "parse(file)"))
        assert found["names are defined"] == "`parse` is not defined: define it or import it."
        assert score(reviewed(LOAD, LOAD.replace("json.load(file)", "parse(file)"))) < THRESHOLD

    def test_several_are_listed(self) -> None:
        found = failures(LOAD, "def load(path):\n    return a(b(c))\n")
        assert found["names are defined"] == "`a`, `b` and `c` are not defined: define them or import them."

    def test_a_local_used_before_its_assignment_is_told(self) -> None:
        old = "x = 1\n\n\ndef f():\n    return x\n"
        assert "names are defined" in alone(
            old, "x = 1\n\n\ndef f():\n    print(x)\n    x = 2\n    return x\n"
        )

    def test_a_name_that_was_undefined_before_is_not_the_edits_fault(self) -> None:
        whole = FILE + "\n\nprint(_('hello'), c, get_ipython())\n"
        assert failures(LOAD, LOAD.replace("data", "c"), whole=whole) == {}

    def test_nor_is_one_in_a_file_that_did_not_parse(self) -> None:
        old = "def f(:\n    return 1\n\n\nprint(c)\n"
        assert alone(old, old.replace("(:", "():")) == {}

    @pytest.mark.parametrize(
        "new",
        [
            "from os.path import *\n\n\ndef load(path):\n    return join(path)\n",
            "def load(path):\n    try:\n        return unicode\n    except NameError:\n        return str\n",
            "def load(path):\n    return __file__ + __name__\n",
            'def load(path):\n    """Load.\n\n    >>> load(somewhere)\n    1\n    """\n'
            "    return json.load(open(path))\n",
            "def load(path):\n    return [each for each in path if (last := each)]\n",
            "def load(path: 'Store') -> 'Store':\n    return Store(path)\n",
            "def load(path):\n    global loaded\n    loaded = 1\n    return json.loads(path)\n",
            "def load(path):\n    return locals()['anything']\n",
            "def load(path):\n    match path:\n        case [first, *rest]:\n            return first, rest\n",
        ],
    )
    def test_names_that_are_all_right_pass(self, new: str) -> None:
        assert "names are defined" not in failures(LOAD, new)

    def test_an_exported_name_that_is_elsewhere_passes(self) -> None:
        whole = '__all__ = ["load", "later"]\n' + FILE
        assert failures(LOAD, LOAD.replace("data", "it"), whole=whole) == {}

    def test_a_name_in_annotations_alone_weighs_less(self) -> None:
        whole = "from __future__ import annotations\n" + FILE
        new = LOAD.replace("def load(path)", "def load(path: Path) -> Any")
        checks = reviewed(LOAD, new, whole=whole)
        assert "`Path`" in next(check.detail for check in checks if not check.passed)
        assert score(checks) >= THRESHOLD

    def test_an_annotation_that_python_evaluates_weighs_in_full(self) -> None:
        assert score(reviewed(LOAD, LOAD.replace("def load(path)", "def load(path: Path)"))) < THRESHOLD

    def test_a_caller_elsewhere_of_what_was_renamed_is_for_the_user(self) -> None:
        assert failures(LOAD, LOAD.replace("def load(", "def read("), "rename it to read") == {}

    def test_a_caller_elsewhere_of_what_was_lost_is_told(self) -> None:
        assert "`load`" in failures(LOAD, LOAD.replace("def load(", "def read("))["names are defined"]


class TestImports:
    IMPORTS = "import json\nimport os\n"

    def test_an_import_that_was_lost_while_it_is_used_is_told(self) -> None:
        found = failures(self.IMPORTS, "import os\n", "sort the imports")
        assert found["keeps imports"] == "`json` is still used but no longer imported: keep `import json`."

    def test_the_statement_is_given_as_it_was(self) -> None:
        old = "from typing import Any, List as L\n\n\ndef f(x: Any) -> L[Any]:\n    return [x]\n"
        found = alone(old, "from typing import Any\n\n\ndef f(x: Any) -> L[Any]:\n    return [x]\n")
        assert "`from typing import List as L`" in found["keeps imports"]

    def test_an_unused_import_may_go(self) -> None:
        whole = "import re\n" + FILE
        assert failures("import re\n", "", "remove the unused import", whole=whole) == {}

    def test_an_import_that_moved_into_its_function_is_kept(self) -> None:
        whole = "import re\n\n\ndef f():\n    return re\n"
        assert alone(whole, "def f():\n    import re\n    return re\n", "import lazily") == {}


class TestSize:
    LONG = "def f(x):\n" + "".join(f"    x += {n}\n" for n in range(30)) + "    return x\n"

    def test_most_of_a_long_block_gone_is_told(self) -> None:
        assert (
            "32 lines became 2"
            in alone(self.LONG, "def f(x):\n    return x\n", "add type hints")["reasonable size"]
        )

    @pytest.mark.parametrize(
        "instruction", ["simplify", "use sum()", "replace it with a loop", "remove the additions"]
    )
    def test_a_block_that_was_to_shrink_may(self, instruction: str) -> None:
        assert alone(self.LONG, "def f(x):\n    return x\n", instruction) == {}

    def test_a_short_block_may_shrink_to_a_line(self) -> None:
        assert alone("def f(x):\n    a = x\n    b = a\n    return b\n", "def f(x): return x\n", "") == {}

    def test_far_too_much_is_told(self) -> None:
        old = "def f(x):\n    return x\n"
        assert "reasonable size" in alone(old, old + self.LONG.replace("f(", "g(") * 2, "mend the bug")

    def test_far_more_may_be_asked_for(self) -> None:
        old = "def f(x):\n    return x\n"
        assert alone(old, old + self.LONG.replace("f(", "g(") * 2, "write more of these") == {}

    def test_a_model_that_runs_in_a_loop_is_told(self) -> None:
        new = "def f(x):\n" + "    x = x + 1\n    x = x - 1\n" * 40
        checks = reviewed(
            "def f(x):\n    return x\n", new, "add all cases", whole="def f(x):\n    return x\n"
        )
        assert "repeats" in next(check.detail for check in checks if check.name == "reasonable size")
        assert score(checks) < THRESHOLD

    def test_a_table_of_different_rows_is_no_loop(self) -> None:
        old = "TABLE = {}\n"
        new = "TABLE = {\n" + "".join(f"    {n}: 0,\n" for n in range(40)) + "}\n"
        assert alone(old, new, "fill the table") == {}


class TestScore:
    def test_no_failure_is_one(self) -> None:
        assert score(reviewed(LOAD, LOAD.replace("data", "it"))) == 1.0
        assert score([]) == 1.0

    def test_all_failures_are_nought(self) -> None:
        assert score([Check("a", False, "x", 0.8), Check("b", False, "y", 0.7)]) == 0.0

    def test_passed_checks_cost_nothing_whatever_their_weight(self) -> None:
        assert score([Check("a", True, "", 1.0)]) == 1.0

    def test_the_gravest_check_comes_first(self) -> None:
        weights = [check.weight for check in reviewed(LOAD, LOAD.replace("data", "it"))]
        assert weights == sorted(weights, reverse=True)

    def test_a_failed_check_says_what_to_do_and_a_passed_one_nothing(self) -> None:
        for check in reviewed(STORE, "x = undefined_thing\n"):
            assert bool(check.detail) != check.passed
            assert check.passed or check.detail.endswith(".")


class TestWhere:
    def test_imports_above_move_the_target_down(self) -> None:
        after = "import re\n" + FILE.replace(LOAD, LOAD.replace("data", "re"))
        first = FILE[: FILE.index("def load")].count("\n") + 1
        last = first + LOAD.count("\n") - 1
        checks = review(
            FILE,
            after,
            filetype="python",
            first=first,
            last=last,
            after_first=first + 1,
            after_last=last + 1,
            instruction="",
        )
        assert all(check.passed for check in checks)

    def test_an_insertion_has_an_empty_target(self) -> None:
        after = FILE + "\n\ndef more():\n    return load('x')\n"
        lines = FILE.count("\n")
        checks = review(
            FILE,
            after,
            filetype="python",
            first=lines + 1,
            last=lines,
            after_last=lines + 4,
            instruction="write more()",
        )
        assert all(check.passed for check in checks)

    def test_an_empty_file_can_be_filled(self) -> None:
        checks = review(
            "",
            FILE,
            filetype="python",
            first=1,
            last=0,
            after_last=FILE.count("\n"),
            instruction="write a store",
        )
        assert all(check.passed for check in checks)


@given(
    st.text(), st.text(), st.sampled_from(["python", "lua", "javascript", "text", ""]), st.text(max_size=20)
)
def test_no_edit_is_too_strange(before: str, after: str, filetype: str, instruction: str) -> None:
    checks = review(
        before,
        after,
        filetype=filetype,
        first=1,
        last=before.count("\n") + 1,
        after_last=after.count("\n") + 1,
        instruction=instruction,
    )
    assert 0.0 <= score(checks) <= 1.0


def test_a_long_file_is_reviewed_in_a_few_seconds() -> None:
    body = "".join(f"def f{n}(x):\n    y = x + {n}\n    return y\n\n\n" for n in range(4_000))
    start = time.process_time()
    assert failures("    y = x + 7\n", "    y = x + 8\n", whole=body) == {}
    assert time.process_time() - start < 10
