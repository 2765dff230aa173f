"""Taking the target out of a reply that repeats more than was asked for."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.edits.fit import narrow

OLD = "def f(x):\n    return x\n"
NEW = "def f(x):\n    return x + 1\n"
METHOD = "    def area(self):\n        return 3 * self.r ** 2\n"
NEW_METHOD = "def area(self):\n    return math.pi * self.r ** 2\n"


def in_class(method: str, name: str = "Circle") -> str:
    return f"class {name}:\n{textwrap.indent(method, '    ')}"


class TestLeftAlone:
    @pytest.mark.parametrize(
        "new",
        [
            NEW,
            "def g(x):\n    return x\n",
            "# Adds one.\n" + NEW,
            "@cache\n" + NEW,
            "import os\nx = 1\n",
            "def f(x:\n    return",
            "",
            "\n",
        ],
    )
    def test_a_reply_with_nothing_too_much_or_in_doubt_is_the_same(self, new: str) -> None:
        assert narrow(new, OLD, "python") == new

    def test_a_target_that_is_no_definition_keeps_whatever_came(self) -> None:
        new = "for n in names:\n    print(n)\nprint(len(names))\n"
        assert narrow(new, "for n in names:\n    print(n)\n", "python") == new

    def test_a_target_that_does_not_parse_is_left_alone(self) -> None:
        assert narrow(NEW + "print(f(1))\n", "def f(x:\n", "python") == NEW + "print(f(1))\n"

    def test_statements_stay_where_the_target_has_statements(self) -> None:
        new = NEW + "\n\nprint(f(2))\n"
        assert narrow(new, OLD + "\n\nprint(f(1))\n", "python") == new

    @given(st.text(), st.text(), st.sampled_from(["python", "lua", "go", "text"]))
    def test_no_text_is_too_strange(self, new: str, old: str, filetype: str) -> None:
        narrow(new, old, filetype)

    @given(st.sampled_from([OLD, METHOD, in_class(METHOD)]), st.sampled_from(["python", "text"]))
    def test_the_target_itself_is_never_narrowed(self, old: str, filetype: str) -> None:
        assert narrow(old, old, filetype) == old


class TestExamplesOfUse:
    @pytest.mark.parametrize(
        "usage",
        [
            "print(f(3))",
            "# Example usage:\nprint(f(3))",
            "# Example usage:\nresult = f(3)\nprint(result)  # 4",
            'if __name__ == "__main__":\n    print(f(3))',
            "assert f(3) == 4\nassert f(0) == 1",
            "def main():\n    print(f(3))\n\n\nmain()",
            "import unittest\n\n\nclass TestF(unittest.TestCase):\n    def test_f(self):\n"
            "        self.assertEqual(f(1), 2)",
            "# Test the function\nfor n in range(3):\n    print(f(n))",
        ],
    )
    def test_an_example_that_nobody_asked_for_goes(self, usage: str) -> None:
        assert narrow(f"{NEW}\n\n{usage}\n", OLD, "python") == NEW

    @pytest.mark.parametrize(
        "instruction",
        [
            "add an example of its use",
            "print the result for 3",
            "add a main guard",
            "add asserts",
            "write a test for f",
        ],
    )
    def test_an_example_that_was_asked_for_stays(self, instruction: str) -> None:
        new = f"{NEW}\n\nprint(f(3))\n"
        assert narrow(new, OLD, "python", instruction=instruction) == new

    def test_an_attribute_set_on_the_function_is_part_of_it(self) -> None:
        new = f"{NEW}\n\nf.cache = {{}}\n"
        assert narrow(new, OLD, "python") == new


class TestRepeatedSurroundings:
    def test_a_class_repeated_around_a_method_goes(self) -> None:
        assert narrow(in_class(NEW_METHOD), METHOD, "python") == NEW_METHOD

    def test_the_classes_other_methods_go(self) -> None:
        whole = in_class(
            "def __init__(self, r):\n    self.r = r\n\n" + NEW_METHOD + "\ndef name(self):\n    return 'c'\n"
        )
        assert narrow(whole, METHOD, "python") == NEW_METHOD

    def test_imports_that_the_method_uses_stay_in_front(self) -> None:
        whole = "import math\nimport os\n\n\n" + in_class(NEW_METHOD)
        assert narrow(whole, METHOD, "python") == "import math\n\n" + NEW_METHOD

    def test_a_class_within_a_class_is_looked_into(self) -> None:
        whole = "class Outer:\n" + textwrap.indent(in_class(NEW_METHOD), "    ")
        assert narrow(whole, METHOD, "python") == NEW_METHOD

    def test_a_function_repeated_around_an_inner_one_goes(self) -> None:
        old = "    def inner(x):\n        return x\n"
        whole = "def outer():\n    y = 1\n    def inner(x):\n        return x + y\n    return inner\n"
        assert narrow(whole, old, "python") == "def inner(x):\n    return x + y\n"

    def test_a_whole_file_around_a_function_goes(self) -> None:
        whole = (
            '"""A module."""\n\nimport os\n\nX = 1\n\n\ndef g():\n    return f(1)\n\n\n'
            f"{NEW}\n\ndef h():\n    return X\n"
        )
        assert narrow(whole, OLD, "python") == NEW

    def test_a_method_that_is_in_two_classes_is_in_doubt(self) -> None:
        whole = in_class(NEW_METHOD) + "\n\n" + in_class(NEW_METHOD, "Ball")
        assert narrow(whole, METHOD, "python") == whole

    def test_of_two_classes_with_the_method_the_one_around_the_target_is_meant(self) -> None:
        whole = in_class(NEW_METHOD) + "\n\n" + in_class(NEW_METHOD.replace("math.pi", "4"), "Ball")
        assert narrow(whole, METHOD, "python", before="class Circle:\n") == NEW_METHOD

    def test_a_function_with_the_methods_name_is_not_taken_for_it(self) -> None:
        whole = "def area(r):\n    return 1\n\n\n" + in_class(NEW_METHOD)
        assert narrow(whole, METHOD, "python", before="class Circle:\n") == NEW_METHOD

    def test_comments_that_the_file_has_above_the_target_are_not_said_again(self) -> None:
        before = "import os\n\n# === Adding ===\n\n# Adds nothing.\n"
        assert narrow(before + NEW, OLD, "python", before=before) == NEW

    def test_a_renamed_method_comes_out_of_its_class_where_the_file_has_that_class(self) -> None:
        renamed = NEW_METHOD.replace("area", "surface")
        before = "class Circle:\n    def __init__(self, r):\n        self.r = r\n\n"
        assert narrow(in_class(renamed), METHOD, "python", before=before) == renamed

    def test_a_method_that_became_a_class_of_its_own_stays(self) -> None:
        whole = in_class(NEW_METHOD.replace("area", "surface"), "Area")
        assert narrow(whole, METHOD, "python", before="class Circle:\n") == whole

    def test_a_comment_above_the_method_comes_along(self) -> None:
        method = "# The area of the circle.\n@property\n" + NEW_METHOD
        assert narrow(in_class(method), METHOD, "python") == method

    def test_a_string_that_is_flush_left_survives_being_taken_out(self) -> None:
        method = 'def area(self):\n    return """\nflush\n"""\n'
        whole = 'class C:\n    def area(self):\n        return """\nflush\n"""\n'
        assert narrow(whole, METHOD, "python") == method


class TestMixedIndentation:
    INDENTED = textwrap.indent(NEW_METHOD, "    ")

    def test_flush_imports_before_an_indented_method_become_part_of_its_block(self) -> None:
        assert (
            narrow(f"import math\n\n{self.INDENTED}", METHOD, "python")
            == f"    import math\n\n{self.INDENTED}"
        )

    def test_flush_lines_after_an_indented_method_go(self) -> None:
        assert (
            narrow(f"{self.INDENTED}\n# Usage:\nc = Circle(1)\nprint(c.area())\n", METHOD, "python")
            == self.INDENTED
        )

    def test_a_flush_string_within_it_is_no_end(self) -> None:
        method = '    def area(self):\n        return """\nflush\n"""\n'
        assert narrow(f"{method}\nprint(1)\n", METHOD, "python") == method

    def test_where_that_makes_no_code_either_the_reply_is_left_alone(self) -> None:
        new = "import math\n\n    def area(self:\n"
        assert narrow(new, METHOD, "python") == new


class TestHelpers:
    def test_a_new_helper_that_the_target_uses_stays(self) -> None:
        new = "def _one():\n    return 1\n\n\ndef f(x):\n    return x + _one()\n"
        assert narrow(new, OLD, "python") == new

    def test_a_helper_of_a_helper_stays_and_an_unused_one_goes(self) -> None:
        used = (
            "def _one():\n    return _two() - 1\n\n\ndef _two():\n    return 2\n\n\n"
            "def f(x):\n    return x + _one()\n"
        )
        assert narrow(used + "\n\ndef _three():\n    return 3\n", OLD, "python") == used

    def test_a_new_constant_that_the_target_uses_stays(self) -> None:
        new = "ONE = 1\n\n\ndef f(x):\n    return x + ONE\n"
        assert narrow(new, OLD, "python") == new

    def test_a_local_variable_does_not_make_a_result_below_a_helper(self) -> None:
        new = "def f(x):\n    result = x + 1\n    return result\n"
        assert narrow(f"{new}\nresult = f(1)\n", OLD, "python") == new

    def test_a_function_that_the_old_code_used_is_no_new_helper(self) -> None:
        old = "def f(x):\n    return g(x)\n"
        new = "def f(x):\n    return g(x) + 1\n"
        assert narrow(f"def g(x):\n    return x\n\n\n{new}", old, "python") == new

    def test_a_function_that_the_file_defines_is_no_new_helper(self) -> None:
        new = "def f(x):\n    return g(x)\n"
        before = "def g(x):\n    return x\n\n\n"
        assert narrow(before + new, OLD, "python", before=before) == new

    def test_a_new_method_that_the_target_uses_stays(self) -> None:
        methods = (
            "def area(self):\n    return self._square() * 3\n\ndef _square(self):\n    return self.r ** 2\n"
        )
        assert narrow(in_class(methods), METHOD, "python") == methods

    @pytest.mark.parametrize(
        "instruction",
        ["add a function that doubles", "write a new helper", "split it up", "define `double` as well"],
    )
    def test_a_definition_that_was_asked_for_stays(self, instruction: str) -> None:
        new = f"{NEW}\n\ndef double(x):\n    return f(x) * 2\n"
        assert narrow(new, OLD, "python", instruction=instruction) == new

    @pytest.mark.parametrize("instruction", ["add type hints to this function", "make it faster", ""])
    def test_a_definition_that_was_not_asked_for_goes(self, instruction: str) -> None:
        new = f"{NEW}\n\ndef double(x):\n    return f(x) * 2\n"
        assert narrow(new, OLD, "python", instruction=instruction) == NEW


class TestSameNameTwice:
    def test_the_mended_version_after_a_copy_of_the_old_one_is_taken(self) -> None:
        assert narrow(f"{OLD}\n\n{NEW}", OLD, "python") == NEW

    def test_the_getter_alone_is_taken_where_it_was_the_target(self) -> None:
        old = "    @property\n    def r(self):\n        return self._r\n"
        getter = "@property\ndef r(self):\n    return self._r + 0\n"
        setter = "\n@r.setter\ndef r(self, r):\n    self._r = r\n"
        assert narrow(in_class(getter + setter), old, "python") == getter

    def test_overloads_stay_together(self) -> None:
        overloads = (
            "@overload\ndef f(x: int) -> int: ...\n@overload\ndef f(x: str) -> str: ...\n"
            "def f(x):\n    return x\n"
        )
        assert narrow(overloads, overloads, "python") == overloads


class TestLinesOfAFunction:
    BEFORE = "import os\n\n\ndef total(items):\n    result = 0\n"
    OLD = "    for item in items:\n        result += item\n"
    AFTER = "    return result\n\n\ndef other():\n    pass\n"
    LINES = "    result += sum(items)\n"

    def narrowed(self, new: str) -> str:
        return narrow(new, self.OLD, "python", before=self.BEFORE, after=self.AFTER)

    def test_the_function_repeated_around_the_lines_goes(self) -> None:
        assert (
            self.narrowed(f"def total(items):\n    result = 0\n{self.LINES}    return result\n") == self.LINES
        )

    def test_the_whole_file_repeated_around_the_lines_goes(self) -> None:
        assert self.narrowed(self.BEFORE + self.LINES + self.AFTER) == self.LINES

    def test_the_lines_alone_are_left_alone(self) -> None:
        assert self.narrowed(self.LINES) == self.LINES

    def test_a_function_whose_lines_around_the_target_changed_is_in_doubt(self) -> None:
        new = "def total(items):\n    return sum(items)\n"
        assert self.narrowed(new) == new

    def test_the_last_lines_of_a_function_end_where_it_ends(self) -> None:
        new = "def total(items):\n    result = 0\n    return sum(items)\n\n\nprint(total([1]))\n"
        old = "    return result\n"
        narrowed = narrow(
            new, old, "python", before="def total(items):\n    result = 0\n", after="\n\nx = 1\n"
        )
        assert narrowed.strip() == "return sum(items)"

    def test_it_works_in_braces_too(self) -> None:
        before = "function total(items) {\n  let result = 0;\n"
        after = "  return result;\n}\n"
        lines = "  for (const item of items) result += item;\n"
        old = "  for (let i = 0; i < items.length; i++) {\n    result += items[i];\n  }\n"
        assert narrow(before + lines + after, old, "javascript", before=before, after=after) == lines


class TestOtherLanguages:
    @pytest.mark.parametrize(
        ("filetype", "old", "new", "extra"),
        [
            (
                "javascript",
                "function f(x) {\n  return x;\n}\n",
                "function f(x) {\n  return x + 1;\n}\n",
                "console.log(f(3));\n",
            ),
            (
                "javascript",
                "const f = (x) => {\n  return x;\n};\n",
                "const f = (x) => {\n  return x + 1;\n};\n",
                "// Example:\nconsole.log(f(3));\nmodule.exports = { f };\n",
            ),
            (
                "typescript",
                "export function f(x: number): number {\n  return x;\n}\n",
                "export function f(x: number): number {\n  return x + 1;\n}\n",
                "const result = f(3);\nconsole.log(result);\n",
            ),
            (
                "go",
                "func f(x int) int {\n\treturn x\n}\n",
                "func f(x int) int {\n\treturn x + 1\n}\n",
                "func main() {\n\tfmt.Println(f(3))\n}\n",
            ),
            (
                "lua",
                "local function f(x)\n  return x\nend\n",
                "local function f(x)\n  return x + 1\nend\n",
                "print(f(3))\n",
            ),
            (
                "lua",
                "function M.f(x)\n  return x\nend\n",
                "function M.f(x)\n  return x + 1\nend\n",
                "return M\n",
            ),
            (
                "c",
                "int f(int x)\n{\n\treturn x;\n}\n",
                "int f(int x)\n{\n\treturn x + 1;\n}\n",
                "int main(void)\n{\n\treturn f(3);\n}\n",
            ),
            (
                "rust",
                "fn f(x: i32) -> i32 {\n    x\n}\n",
                "fn f(x: i32) -> i32 {\n    x + 1\n}\n",
                'fn main() {\n    println!("{}", f(3));\n}\n',
            ),
            ("sh", "f() {\n  echo 1\n}\n", "f() {\n  echo 2\n}\n", "f\n"),
        ],
    )
    def test_an_example_after_the_target_goes(self, filetype: str, old: str, new: str, extra: str) -> None:
        assert narrow(f"{new}\n{extra}", old, filetype) == new

    def test_a_class_repeated_around_a_method_goes(self) -> None:
        old = "  area() {\n    return 3 * this.r;\n  }\n"
        new = "area() {\n  return Math.PI * this.r;\n}\n"
        whole = (
            f"class Circle {{\n  constructor(r) {{\n    this.r = r;\n  }}\n\n{textwrap.indent(new, '  ')}}}\n"
        )
        assert narrow(whole, old, "javascript") == new

    def test_an_impl_repeated_around_a_function_goes(self) -> None:
        old = "    fn area(&self) -> f64 {\n        3.0\n    }\n"
        new = "fn area(&self) -> f64 {\n    4.0\n}\n"
        assert narrow(f"impl Circle {{\n{textwrap.indent(new, '    ')}}}\n", old, "rust") == new

    def test_a_new_helper_that_the_target_uses_stays(self) -> None:
        old = "function f(x) {\n  return x;\n}\n"
        new = "const one = () => 1;\n\nfunction f(x) {\n  return x + one();\n}\n"
        assert narrow(new, old, "javascript") == new

    def test_a_comment_right_above_the_target_stays_with_it(self) -> None:
        old = "func f() {\n}\n"
        new = "// f does it.\nfunc f() {\n\tgo()\n}\n"
        assert narrow(new + "\n// Usage:\nfunc main() {\n\tf()\n}\n", old, "go") == new

    def test_an_annotation_above_a_java_method_stays_with_it(self) -> None:
        old = "    public int f() {\n        return 1;\n    }\n"
        new = "@Override\npublic int f() {\n    return 2;\n}\n"
        whole = (
            f"public class A {{\n{textwrap.indent(new, '    ')}\n    public int g() {{\n"
            "        return 3;\n    }}\n}}\n"
        )
        assert narrow(whole, old, "java") == new


NAMES = st.lists(st.sampled_from(["f", "g", "h", "k"]), min_size=1, max_size=4, unique=True)


@given(NAMES, st.data())
def test_what_is_taken_out_of_a_file_of_functions_defines_the_target_and_parses(
    names: list[str], data: st.DataObject
) -> None:
    target = data.draw(st.sampled_from(names))
    bodies = {name: f"def {name}(x):\n    return x{'' if name == target else ' * 2'}\n" for name in names}
    whole = "\n\n".join(bodies.values())
    narrowed = narrow(whole, f"def {target}(x):\n    return 0\n", "python")
    defined = [node.name for node in ast.parse(narrowed).body if isinstance(node, ast.FunctionDef)]
    assert defined == [target]


def test_a_definition_that_is_asked_for_by_its_name_stays_though_its_name_was_used_before() -> None:
    old = "def report(n):\n    return plural(n, 'file')\n"
    reply = old + "\n\ndef plural(n, word):\n    return f'{n} {word}s'\n"
    assert narrow(reply, old, "python", instruction="write the function plural that report uses") == reply
    for above in ("from words import plural\n\n\n", "from words import (\n    one,\n    plural,\n)\n\n\n"):
        narrowed = narrow(reply, old, "python", before=above, instruction="report uses plural")
        assert "def plural" not in narrowed


def test_a_signature_that_is_repeated_without_a_colon_does_not_spoil_the_target() -> None:
    reply = "def other(x)  # What it does.\n    return x\n\n" + NEW
    assert narrow(reply, OLD, "python").strip() == NEW.strip()
    broken = "def other(x)\n    return x\n\ndef f(x:\n    return x\n"
    assert narrow(broken, OLD, "python") == broken
