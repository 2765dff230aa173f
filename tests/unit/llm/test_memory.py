from __future__ import annotations

import psutil
import pytest

from llama import QWEN2
from vivek.errors import ModelAPIError
from vivek.llm import memory
from vivek.llm.memory import Need


def test_the_cache_of_a_qwen_is_counted_by_its_key_value_heads() -> None:
    # 24 layers, 2 heads of 64, keys and values of 2 bytes each
    assert memory.kv_bytes_per_token(QWEN2) == 24 * 2 * (64 + 64) * 2


def test_heads_that_differ_from_layer_to_layer_are_summed() -> None:
    shape = {**QWEN2, "qwen2.block_count": 3, "qwen2.attention.head_count_kv": [2, 0, 4]}
    assert memory.kv_bytes_per_token(shape) == (2 + 0 + 4) * (64 + 64) * 2


def test_sizes_of_keys_and_values_that_are_told_are_believed() -> None:
    shape = {**QWEN2, "qwen2.attention.key_length": 256, "qwen2.attention.value_length": 128}
    assert memory.kv_bytes_per_token(shape) == 24 * 2 * (256 + 128) * 2


def test_without_shared_heads_every_head_has_keys_and_values() -> None:
    shape = {key: value for key, value in QWEN2.items() if not key.endswith("head_count_kv")}
    assert memory.kv_bytes_per_token(shape) == 24 * 14 * (64 + 64) * 2


def test_metadata_that_tells_nothing_counts_nothing() -> None:
    assert memory.kv_bytes_per_token({}) == 0
    assert memory.kv_bytes_per_token({"general.architecture": "mamba", "mamba.block_count": 4}) == 0


def test_what_fits_is_let_through_and_what_does_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 1000)
    memory.refuse_if_short("a", Need(500, 300, 200))
    with pytest.raises(ModelAPIError, match="a does not fit in memory"):
        memory.refuse_if_short("a", Need(500, 301, 200))


@pytest.mark.parametrize(
    ("machine", "spare"), [(2 << 30, 7 << 30), (16 << 30, 4 << 30), (64 << 30, -(8 << 30))]
)
def test_a_quarter_of_the_machine_and_a_gibibyte_at_least_is_left_to_others(
    monkeypatch: pytest.MonkeyPatch, machine: int, spare: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda: 8 << 30)
    monkeypatch.setattr(memory, "_all", lambda: machine)
    assert memory.spare() == spare


def test_available_memory_is_part_of_what_the_machine_has() -> None:
    assert 0 < memory.available() <= psutil.virtual_memory().total


def test_at_least_one_core_is_used_and_no_more_than_there_are() -> None:
    assert 1 <= memory.physical_cores() <= (psutil.cpu_count() or 1)
