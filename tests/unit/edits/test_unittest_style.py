"""pytest's functions as methods of a test case: what can be told exactly is turned, all else stays."""

from __future__ import annotations

import ast
import unittest
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.edits.unittest_style import as_test_case

TESTS = dedent('''\
    import pytest
    from shop import area


    def test_usual():
        assert area(2) == 12
        assert area("é") == """
    as it is""", "a message"


    def test_errors():
        with pytest.raises(ValueError, match="neg"):
            area(-1)
        assert not area(0)
        assert area(1) is not None
    ''')


def test_functions_become_methods_and_pytest_goes() -> None:
    assert as_test_case(TESTS, "TestArea") == dedent("""\
        import unittest
        from shop import area


        class TestArea(unittest.TestCase):
            def test_usual(self):
                self.assertEqual(area(2), 12)
                self.assertEqual(area('é'), '\\nas it is', 'a message')

            def test_errors(self):
                with self.assertRaisesRegex(ValueError, 'neg'):
                    area(-1)
                self.assertFalse(area(0))
                self.assertIsNotNone(area(1))
        """)


@pytest.mark.parametrize(
    "text",
    [
        "def test_a(tmp_path):\n    assert tmp_path\n",
        "@pytest.mark.slow\ndef test_a():\n    assert 1\n",
        "def test_a():\n    pytest.skip('no')\n",
        "import unittest\n\n\nclass TestA(unittest.TestCase):\n    def test_a(self):\n        self.fail()\n",
        "def test_a(:\n",
        "",
    ],
)
def test_what_needs_pytest_or_is_a_test_case_stays(text: str) -> None:
    assert as_test_case(text, "TestArea") == text


_VALUES = st.integers(0, 3)
_CONDITION = st.one_of(
    st.builds(
        "{} {} {}".format,
        _VALUES,
        st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "is", "is not"]),
        _VALUES,
    ),
    st.builds("{} {} [1, 2]".format, _VALUES, st.sampled_from(["in", "not in"])),
    st.builds("not {}".format, _VALUES),
    st.builds("{} < {} < 3".format, _VALUES, _VALUES),
    st.sampled_from(
        ["None is None", "0 is None", "0.1 + 0.2 == pytest.approx(0.3)", "(1 and 2)", "'é' == 'e'"]
    ),
)


@given(_CONDITION)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_a_method_passes_where_the_function_does(condition: str) -> None:
    text = f"import pytest\n\n\ndef test_it():\n    assert {condition}\n"
    scope: dict[str, object] = {}
    exec(as_test_case(text, "TestIt"), scope)
    case = scope["TestIt"]
    assert isinstance(case, type)
    assert issubclass(case, unittest.TestCase)
    result = unittest.TestResult()
    case("test_it").run(result)
    holds = eval(condition, {"pytest": pytest})
    assert result.wasSuccessful() == bool(holds)
    assert not result.errors


@given(
    st.lists(
        st.builds(
            "def test_{}():\n    x = '''\n{}'''\n    assert x\n".format,
            st.integers(0, 99),
            st.text("ab \n", max_size=6),
        ),
        max_size=3,
        unique_by=lambda text: text.split("(")[0],
    )
)
def test_strings_keep_every_character(functions: list[str]) -> None:
    text = "\n\n".join(functions)

    def strings(code: str) -> list[object]:
        return [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]

    assert sorted(map(str, strings(as_test_case(text, "TestIt")))) == sorted(map(str, strings(text)))
