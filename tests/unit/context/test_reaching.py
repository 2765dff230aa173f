"""How a test gets at what it tests, as the project's tests do it."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from vivek.context.reaching import reach

EXPORTS = "export function area(r) {\n  return 3 * r * r;\n}\n"


@pytest.mark.parametrize(
    ("filetype", "source", "paths", "known", "expected"),
    [
        ("python", "", ("src/shop/cart.py", "tests"), "", "from shop.cart import area"),
        (
            "python",
            "",
            ("src/shop/cart.py", "tests"),
            "from src.shop.cart import x\n",
            "from src.shop.cart import area",
        ),
        ("python", "", ("src/shop/cart.py", "tests"), "from ..cart import x\n", "from ..cart import area"),
        (
            "python",
            "",
            ("src/shop/cart.py", "tests"),
            "from shopping_cart import x\n",
            "from shop.cart import area",
        ),
        ("javascript", EXPORTS, ("src/a.js", "src"), "", "import { area } from './a.js';"),
        ("javascript", EXPORTS, ("src/a.js", "tests/unit"), "", "import { area } from '../../src/a.js';"),
        (
            "javascript",
            EXPORTS,
            ("src/a.js", "src"),
            'import { b } from "./b"\n',
            'import { area } from "./a"',
        ),
        ("javascript", "module.exports = { area };\n", ("a.js", ""), "", "const { area } = require('./a');"),
        ("javascript", "module.exports = area\n", ("a.js", ""), "", "const area = require('./a')"),
        ("javascript", "export default function area() {}\n", ("a.js", ""), "", "import area from './a.js'"),
        ("typescript", EXPORTS, ("src/a.ts", "src"), "", "import { area } from './a';"),
        (
            "typescript",
            EXPORTS,
            ("src/a.ts", "src"),
            "import { b } from './b.js';\n",
            "import { area } from './a.js';",
        ),
        (
            "lua",
            "local M = {}\nreturn M\n",
            ("lua/shop/cart.lua", "spec"),
            "",
            'local cart = require("shop.cart")',
        ),
        ("lua", "return M\n", ("lua/shop/init.lua", "spec"), "require('x')", "local shop = require('shop')"),
        ("lua", "function area() end\n", ("a.lua", "spec"), "", ""),
        ("go", "// Package a.\npackage a\n", ("a/a.go", "a"), "", "package a"),
        ("go", "package a\n", ("a/a.go", "a"), "package a_test\n", "package a_test"),
        ("rust", "fn area() {}\n", ("src/a.rs", "tests"), "", ""),
    ],
)
def test_the_line_that_a_test_begins_with(
    filetype: str, source: str, paths: tuple[str, str], known: str, expected: str
) -> None:
    file, folder = map(PurePath, paths)
    how = reach(source, filetype, ["area"], file=file, module="shop.cart", folder=folder, known=known)
    assert how == expected
