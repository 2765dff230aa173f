from __future__ import annotations

from pathlib import PurePath

import pytest

from vivek.context.testfiles import is_test_file


@pytest.mark.parametrize(
    "name",
    [
        "test_cart.py",
        "cart_test.py",
        "tests.py",
        "cart_test.go",
        "cart.test.js",
        "cart.spec.tsx",
        "cart_spec.lua",
        "CartTest.java",
        "TestCart.cs",
        "test-cart.c",
        "CartSpec.hs",
    ],
)
def test_a_file_of_tests_is_known_by_its_name(name: str) -> None:
    assert is_test_file(PurePath("pkg") / name)


@pytest.mark.parametrize(
    "name",
    [
        "cart.py",
        "latest.py",
        "contest.go",
        "attestation.js",
        "testing.py",
        "conftest.py",
        "inspect.ts",
        "Greatest.java",
    ],
)
def test_other_files_are_not(name: str) -> None:
    assert not is_test_file(PurePath("tests") / name)


def test_a_buffer_without_a_file_is_not() -> None:
    assert not is_test_file(None)
