"""Imports: out of the reply, into the file, and which one a name needs."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.edits.imports import add_imports, import_for, split_imports

FUNCTION = "def f(x):\n    return re.sub('a', 'b', x)\n"


class TestSplitPython:
    def test_imports_in_front_of_a_function_are_taken_out(self) -> None:
        new = "import re\nfrom typing import Any\n\n\n" + FUNCTION
        assert split_imports(new, FUNCTION, "python") == (FUNCTION, ["import re", "from typing import Any"])

    def test_a_block_that_had_imports_keeps_them(self) -> None:
        new = "import re\n" + FUNCTION
        assert split_imports(new, "import os\n" + FUNCTION, "python") == (new, [])

    def test_imports_further_down_stay(self) -> None:
        new = "def f():\n    import re\n    return re\n"
        assert split_imports(new, FUNCTION, "python") == (new, [])

    def test_an_import_in_parentheses_is_one_statement(self) -> None:
        new = "from typing import (\n    Any,\n    Optional,\n)\n" + FUNCTION
        assert split_imports(new, FUNCTION, "python")[1] == [
            "from typing import (\n    Any,\n    Optional,\n)"
        ]

    def test_a_comment_above_the_function_stays_with_it(self) -> None:
        new = "import re\n\n# Replaces.\n" + FUNCTION
        assert split_imports(new, FUNCTION, "python") == ("# Replaces.\n" + FUNCTION, ["import re"])

    def test_a_comment_behind_an_import_goes_along(self) -> None:
        assert split_imports("import re  # noqa\n" + FUNCTION, FUNCTION, "python")[1] == ["import re  # noqa"]

    def test_imports_of_an_indented_block_come_flush(self) -> None:
        new = "    import re\n    def f(self):\n        return re\n"
        assert split_imports(new, "    def f(self):\n        pass\n", "python") == (
            "    def f(self):\n        return re\n",
            ["import re"],
        )

    def test_nothing_but_imports_is_left_alone(self) -> None:
        assert split_imports("import re\n", FUNCTION, "python") == ("import re\n", [])

    def test_an_import_that_shares_its_line_is_left_alone(self) -> None:
        new = "import re; x = 1\n" + FUNCTION
        assert split_imports(new, FUNCTION, "python") == (new, [])

    def test_code_that_does_not_parse_is_read_by_its_lines(self) -> None:
        new = "import re\nfrom a import (\n    b,\n)\n\ndef f(x:\n    return\n"
        assert split_imports(new, FUNCTION, "python") == (
            "def f(x:\n    return\n",
            ["import re", "from a import (\n    b,\n)"],
        )

    @given(st.text(), st.sampled_from(["python", "go", "javascript", "lua", "rust", "c", "java", "text"]))
    def test_no_text_is_too_strange(self, text: str, filetype: str) -> None:
        block, statements = split_imports(text, "", filetype)
        assert statements or block == text


class TestSplitOthers:
    @pytest.mark.parametrize(
        ("filetype", "imports", "rest"),
        [
            (
                "javascript",
                ["import fs from 'fs';", "import { a,\n  b } from './m.js';"],
                "function f() {}\n",
            ),
            (
                "typescript",
                ["import type { A } from './a';", "import './style.css';"],
                "const f = () => 1;\n",
            ),
            ("go", ['import "fmt"', 'import (\n\t"os"\n\tm "math"\n)'], "func f() {}\n"),
            ("lua", ["local fs = require('fs')", 'local util = require "util"'], "local function f() end\n"),
            ("rust", ["use std::fmt;", "use std::io::{self, Read};"], "fn f() {}\n"),
            ("c", ["#include <stdio.h>", '#include "own.h"'], "int f(void) { return 1; }\n"),
            ("java", ["import java.util.List;", "import static java.lang.Math.*;"], "class A {}\n"),
        ],
    )
    def test_plain_imports_in_front_are_taken_out(self, filetype: str, imports: list[str], rest: str) -> None:
        new = "\n".join(imports) + "\n\n" + rest
        assert split_imports(new, rest, filetype) == (rest, imports)
        assert split_imports(new, new, filetype) == (new, [])
        assert split_imports(rest, rest, filetype) == (rest, [])

    def test_a_language_it_does_not_know_is_left_alone(self) -> None:
        assert split_imports("import a\nb\n", "b\n", "haskell") == ("import a\nb\n", [])


class TestAddPython:
    def test_a_missing_import_goes_after_the_others(self) -> None:
        assert (
            add_imports("import os\n\nx = 1\n", ["import requests"], "python")
            == "import os\nimport requests\n\nx = 1\n"
        )

    def test_a_standard_module_goes_with_its_like(self) -> None:
        text = "import os\nimport sys\n\nimport requests\n\nx = 1\n"
        assert add_imports(text, ["import re"], "python") == text.replace(
            "import sys\n", "import sys\nimport re\n"
        )

    def test_the_first_import_goes_below_the_docstring(self) -> None:
        assert (
            add_imports('"""Doc."""\nx = 1\n', ["import re"], "python")
            == '"""Doc."""\n\nimport re\n\nx = 1\n'
        )

    def test_a_docstring_of_many_lines_is_passed(self) -> None:
        assert add_imports('"""Doc.\n\nMore.\n"""\n\nx = 1\n', ["import re"], "python") == (
            '"""Doc.\n\nMore.\n"""\n\nimport re\n\nx = 1\n'
        )

    def test_the_first_import_before_a_definition_leaves_two_lines(self) -> None:
        assert add_imports(FUNCTION, ["import re"], "python") == f"import re\n\n\n{FUNCTION}"

    def test_interpreter_encoding_and_licence_stay_on_top(self) -> None:
        top = "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# Copyright.\n\n"
        assert add_imports(f"{top}x = 1\n", ["import re"], "python") == f"{top[:-1]}\nimport re\n\nx = 1\n"

    def test_a_comment_on_the_first_statement_stays_with_it(self) -> None:
        assert add_imports("# One.\nx = 1\n", ["import re"], "python") == "import re\n\n# One.\nx = 1\n"

    def test_a_future_import_goes_first(self) -> None:
        text = '"""Doc."""\n\nimport os\n'
        after = add_imports(text, ["from __future__ import annotations"], "python")
        assert after == '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n'
        compile(after, "f", "exec")

    def test_the_first_import_after_a_future_import_is_set_apart(self) -> None:
        text = "from __future__ import annotations\n\nx: int = 1\n"
        assert add_imports(text, ["import re"], "python") == (
            "from __future__ import annotations\n\nimport re\n\nx: int = 1\n"
        )

    @pytest.mark.parametrize(
        ("text", "statement"),
        [
            ("import re\n", "import re"),
            ("from typing import Any, Optional\n", "from typing import Any"),
            ("from typing import (\n    Any,\n)\n", "from typing import Any"),
            (
                "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n",
                "import tomllib",
            ),
            ("if TYPE_CHECKING:\n    from a import B\n", "from a import B"),
            ("import os.path\n", "import os.path"),
        ],
    )
    def test_what_is_there_is_not_added_again(self, text: str, statement: str) -> None:
        assert add_imports(text, [statement], "python") == text

    def test_only_the_missing_part_of_a_statement_is_added(self) -> None:
        after = add_imports(
            "from typing import Any\n", ["from typing import Any, List as L, Optional"], "python"
        )
        assert after == "from typing import Any\nfrom typing import List as L, Optional\n"

    def test_only_the_missing_modules_of_a_statement_are_added(self) -> None:
        assert (
            add_imports("import os\n", ["import os, re, json as j"], "python")
            == "import os\nimport re, json as j\n"
        )

    @pytest.mark.parametrize(
        ("text", "statement"),
        [
            ("import datetime\n", "from datetime import datetime"),
            ("from datetime import datetime\n", "import datetime"),
            ("class Path:\n    pass\n", "from pathlib import Path"),
            ("np = None\n", "import numpy as np"),
        ],
    )
    def test_a_name_that_means_something_else_is_not_taken_over(self, text: str, statement: str) -> None:
        assert add_imports(text, [statement], "python") == text

    def test_a_submodule_can_join_its_package(self) -> None:
        assert add_imports("import os\n", ["import os.path"], "python") == "import os\nimport os.path\n"

    def test_several_statements_keep_their_order_and_come_once(self) -> None:
        after = add_imports("import os\n\nx = 1\n", ["import re", "import json", "import re"], "python")
        assert after == "import os\nimport re\nimport json\n\nx = 1\n"

    def test_carriage_returns_are_followed(self) -> None:
        assert add_imports("import os\r\n\r\nx = 1\r\n", ["import re"], "python") == (
            "import os\r\nimport re\r\n\r\nx = 1\r\n"
        )
        assert add_imports("x = 1\r\n", ["import re"], "python") == "import re\r\n\r\nx = 1\r\n"

    def test_the_rest_of_the_file_is_untouched_byte_for_byte(self) -> None:
        rest = "s = 'caf\udce9\0'\rt = 1\n\tbad indentation here("
        assert add_imports("import os\n" + rest, ["import re"], "python") == "import os\nimport re\n" + rest

    def test_a_file_that_does_not_parse_is_read_by_its_lines(self) -> None:
        text = "import os\nfrom a import (\n    b,\n)\n\ndef f(:\n    import late\n"
        assert add_imports(text, ["import re", "from a import b"], "python") == text.replace(
            ")\n\n", ")\nimport re\n\n", 1
        )

    def test_an_empty_file_gets_the_import_alone(self) -> None:
        assert add_imports("", ["import re"], "python") == "import re\n"

    def test_what_is_no_import_is_not_added(self) -> None:
        assert add_imports("x = 1\n", ["y = 2", "import (", ""], "python") == "x = 1\n"

    PARTS = st.lists(
        st.sampled_from(
            [
                '"""Doc."""',
                "import os",
                "import requests",
                "from typing import Any",
                "x = 1",
                "# One.",
                "",
                "def f():\n    pass",
                "from __future__ import annotations",
            ]
        ),
        max_size=7,
    ).map(lambda parts: "\n".join(parts) + "\n")
    STATEMENTS = st.lists(
        st.sampled_from(
            ["import re", "import os", "from typing import Any, List", "import yaml", "from . import a"]
        ),
        max_size=4,
    )

    @given(PARTS, STATEMENTS)
    def test_adding_twice_changes_nothing_more_and_loses_no_line(
        self, text: str, statements: list[str]
    ) -> None:
        after = add_imports(text, statements, "python")
        assert add_imports(after, statements, "python") == after
        remaining = iter(after.split("\n"))
        assert all(line in remaining for line in text.split("\n"))

    @given(PARTS, STATEMENTS)
    def test_a_file_that_compiled_still_does_and_has_the_imports(
        self, text: str, statements: list[str]
    ) -> None:
        try:
            compile(text, "f", "exec")
        except SyntaxError:
            return
        after = add_imports(text, statements, "python")
        compile(after, "f", "exec")
        there = {
            ast.dump(alias) for node in ast.walk(ast.parse(after)) for alias in getattr(node, "names", [])
        }
        wanted = {
            ast.dump(alias)
            for s in statements
            for node in ast.parse(s).body
            for alias in getattr(node, "names", [])
        }
        assert wanted <= there


class TestAddOthers:
    @pytest.mark.parametrize(
        ("filetype", "text", "statement", "after"),
        [
            (
                "javascript",
                "'use strict';\n\nf();\n",
                "import a from 'a';",
                "'use strict';\n\nimport a from 'a';\n\nf();\n",
            ),
            (
                "javascript",
                "import b from 'b';\n\nf();\n",
                "import a from 'a';",
                "import b from 'b';\nimport a from 'a';\n\nf();\n",
            ),
            ("javascript", 'import a from "a"\nf();\n', "import a from 'a';", 'import a from "a"\nf();\n'),
            (
                "typescript",
                "import {\n  a,\n} from 'x';\nf();\n",
                "import b from 'b';",
                "import {\n  a,\n} from 'x';\nimport b from 'b';\nf();\n",
            ),
            (
                "go",
                "package main\n\nfunc f() {}\n",
                'import "fmt"',
                'package main\n\nimport "fmt"\n\nfunc f() {}\n',
            ),
            (
                "go",
                'package main\n\nimport (\n\t"os"\n)\n',
                'import "fmt"',
                'package main\n\nimport (\n\t"os"\n\t"fmt"\n)\n',
            ),
            (
                "go",
                'package main\n\nimport (\n\t"os"\n)\n',
                'import (\n\t"os"\n\t"fmt"\n)',
                'package main\n\nimport (\n\t"os"\n\t"fmt"\n)\n',
            ),
            (
                "lua",
                "-- A module.\n\nlocal M = {}\n",
                "local a = require('a')",
                "-- A module.\n\nlocal a = require('a')\n\nlocal M = {}\n",
            ),
            (
                "lua",
                "--- One.\nlocal function f() end\n",
                "local a = require('a')",
                "local a = require('a')\n\n--- One.\nlocal function f() end\n",
            ),
            (
                "c",
                "#include <stdio.h>\n\nint x;\n",
                "#include <math.h>",
                "#include <stdio.h>\n#include <math.h>\n\nint x;\n",
            ),
            (
                "rust",
                "//! Doc.\n#![warn(all)]\n\nfn f() {}\n",
                "use std::fmt;",
                "//! Doc.\n#![warn(all)]\n\nuse std::fmt;\n\nfn f() {}\n",
            ),
            (
                "java",
                "package a.b;\n\nclass C {}\n",
                "import java.util.List;",
                "package a.b;\n\nimport java.util.List;\n\nclass C {}\n",
            ),
            ("haskell", "module A where\n", "import Data.List", "module A where\n"),
        ],
    )
    def test_imports_go_where_the_language_has_them(
        self, filetype: str, text: str, statement: str, after: str
    ) -> None:
        assert add_imports(text, [statement], filetype) == after
        assert add_imports(after, [statement], filetype) == after


class TestImportFor:
    @pytest.mark.parametrize(
        ("name", "statement"),
        [
            ("re", "import re"),
            ("Path", "from pathlib import Path"),
            ("Optional", "from typing import Optional"),
            ("defaultdict", "from collections import defaultdict"),
            ("Iterable", "from collections.abc import Iterable"),
            ("dataclass", "from dataclasses import dataclass"),
            ("lru_cache", "from functools import lru_cache"),
            ("chain", "from itertools import chain"),
            ("np", "import numpy as np"),
            ("pd", "import pandas as pd"),
            ("datetime", "from datetime import datetime"),
            ("sqlite3", "import sqlite3"),
        ],
    )
    def test_well_known_names_have_their_import(self, name: str, statement: str) -> None:
        assert import_for(name) == statement

    @pytest.mark.parametrize(
        "name",
        [
            "foo",
            "code",
            "test",
            "string",
            "queue",
            "self",
            "this",
            "antigravity",
            "_ast",
            "count",
            "data",
            "",
            "a b",
            "date",
            "x(",
        ],
    )
    def test_names_that_may_be_variables_have_none(self, name: str) -> None:
        assert import_for(name) is None

    @pytest.mark.parametrize(
        ("name", "code", "statement"),
        [
            ("datetime", "x = datetime.datetime.now()", "import datetime"),
            ("datetime", "x = datetime.now()", "from datetime import datetime"),
            ("string", "string.digits", "import string"),
            ("string", "string.lower()", None),
            ("queue", "queue.Queue()", "import queue"),
            ("queue", "queue.append(1)", None),
            ("secrets", "secrets.token_hex()", "import secrets"),
            ("date", "date.today()", "from datetime import date"),
            ("date", "date(2020, 1, 1)", "from datetime import date"),
            ("date", "print(date)", None),
        ],
    )
    def test_the_use_decides_what_a_name_means(self, name: str, code: str, statement: str | None) -> None:
        assert import_for(name, code) == statement

    def test_every_statement_of_the_standard_library_can_be_run(self) -> None:
        from vivek.edits import known_imports

        for module, names in known_imports._MEMBERS.items():
            for name in set(names.split()) - {"StrEnum", "Self"}:
                namespace: dict[str, object] = {}
                exec(f"from {module} import {name}", namespace)
                assert name in namespace
