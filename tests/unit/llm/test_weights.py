from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek import paths
from vivek.llm import weights
from vivek.llm.weights import GIVEN_PATH, MODELS, KnownModel, find, known, parameters_in

CONTENT = b"GGUF, as far as anybody here looks"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    monkeypatch.setattr(weights, "SYSTEM_STORES", ())


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """The table's first model, with a file that a test can make."""
    model = replace(MODELS[0], bytes=len(CONTENT), sha256=(DIGEST, *MODELS[0].sha256[1:]))
    monkeypatch.setattr(weights, "MODELS", (model, MODELS[1]))
    return model


def blob(store: Path, content: bytes = CONTENT) -> Path:
    file = store / "blobs" / f"sha256-{hashlib.sha256(content).hexdigest()}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def manifest(store: Path, name: str, digest: str) -> None:
    file = store / "manifests" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
    ]
    file.write_text(json.dumps({"layers": layers}))


@pytest.mark.parametrize(
    "name",
    [
        "qwen2.5-coder:1.5b",
        "Qwen2.5-Coder:1.5B",
        "Qwen2.5-Coder-1.5B-Instruct-Q4_K_M",
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        "qwen2.5-coder:1.5b-instruct",
        " qwen2.5-coder:1.5b ",
    ],
)
def test_a_model_is_known_by_all_its_names(name: str) -> None:
    assert known(name) is MODELS[0]


@pytest.mark.parametrize("name", ["", "qwen2.5-coder", "qwen2.5-coder:7b", "1.5b"])
def test_other_names_are_not_known(name: str) -> None:
    assert known(name) is None


def test_the_table_is_consistent() -> None:
    names = [name for model in MODELS for name in (model.name, *model.aliases, model.file)]
    assert len(set(names)) == len(names)
    for model in MODELS:
        assert all(len(bytes.fromhex(digest)) == 32 for digest in model.sha256)
        assert parameters_in(model.name) == model.parameters


def test_weights_that_are_nowhere_are_not_found() -> None:
    assert find("qwen2.5-coder:1.5b") is None
    assert find("no-such-model:7b") is None
    assert weights.installed() == []


def test_weights_in_the_cache_folder_are_found_by_any_name(tiny: KnownModel) -> None:
    file = weights.cached_file(tiny)
    file.write_bytes(CONTENT)
    found = find("Qwen2.5-Coder-1.5B-Instruct-Q4_K_M")
    assert found is not None
    assert (found.path, found.digest, found.name) == (file, DIGEST, "qwen2.5-coder:1.5b")
    assert weights.installed() == [found]


def test_a_file_with_the_wrong_digest_in_the_cache_folder_is_not_taken(tiny: KnownModel) -> None:
    weights.cached_file(tiny).write_bytes(CONTENT + b"!")
    assert find(tiny.name) is None


def test_weights_in_ollamas_store_are_found_by_their_digest(tiny: KnownModel, tmp_path: Path) -> None:
    file = blob(tmp_path / "ollama")
    found = find(tiny.name)
    assert found is not None
    assert (found.path, found.digest) == (file, DIGEST)
    assert "Ollama" in found.place


def test_the_cache_folder_comes_before_ollamas_store(tiny: KnownModel, tmp_path: Path) -> None:
    blob(tmp_path / "ollama")
    weights.cached_file(tiny).write_bytes(CONTENT)
    found = find(tiny.name)
    assert found is not None
    assert found.path == weights.cached_file(tiny)


def test_the_stores_of_a_user_and_of_a_service_are_both_looked_at(
    tiny: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_MODELS")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(weights, "SYSTEM_STORES", (tmp_path / "service",))
    in_service = blob(tmp_path / "service")
    assert (find(tiny.name) or pytest.fail("not found")).path == in_service
    of_user = blob(tmp_path / ".ollama" / "models")
    assert (find(tiny.name) or pytest.fail("not found")).path == of_user


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("mine", "registry.ollama.ai/library/mine/latest"),
        ("mine:7b", "registry.ollama.ai/library/mine/7b"),
        ("me/mine:7b", "registry.ollama.ai/me/mine/7b"),
        ("hf.co/me/mine:Q4_K_M", "hf.co/me/mine/Q4_K_M"),
    ],
)
def test_any_model_that_ollama_pulled_is_found_by_its_name(name: str, place: str, tmp_path: Path) -> None:
    file = blob(tmp_path / "ollama")
    manifest(tmp_path / "ollama", place, DIGEST)
    found = find(name)
    assert found is not None
    assert (found.path, found.digest, found.name) == (file, DIGEST, name)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"layers": [{}]}', '{"layers": null}', '{"layers": []}']
)
def test_a_damaged_manifest_counts_as_none(content: str, tmp_path: Path) -> None:
    manifest(tmp_path / "ollama", "registry.ollama.ai/library/mine/latest", DIGEST)
    (tmp_path / "ollama" / "manifests" / "registry.ollama.ai" / "library" / "mine" / "latest").write_text(
        content
    )
    assert find("mine") is None


def test_a_name_cannot_climb_out_of_the_store(tmp_path: Path) -> None:
    blob(tmp_path / "ollama")
    manifest(tmp_path, "evil/latest", DIGEST)
    assert find("hf.co/../../../manifests/evil") is None
    assert find("..:..") is None


def test_a_path_is_trusted_and_its_digest_told(tmp_path: Path) -> None:
    file = tmp_path / "My-Model-7B-Q4.gguf"
    file.write_bytes(CONTENT)
    found = find(str(file))
    assert found is not None
    assert (found.path, found.digest, found.name, found.place) == (file, DIGEST, file.stem, GIVEN_PATH)
    assert found.parameters == 7e9


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "m.gguf").write_bytes(CONTENT)
    found = find("~/m.gguf")
    assert found is not None
    assert found.path == tmp_path / "m.gguf"


def test_a_path_to_nothing_or_to_a_folder_finds_nothing(tmp_path: Path) -> None:
    assert find(str(tmp_path / "none.gguf")) is None
    assert find(str(tmp_path)) is None


def test_a_renamed_file_of_a_known_model_keeps_its_size(tiny: KnownModel, tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(CONTENT)
    found = find(str(tmp_path / "x.gguf"))
    assert found is not None
    assert found.parameters == tiny.parameters


def test_a_digest_is_computed_once_for_an_unchanged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(CONTENT)
    assert weights.digest(file) == DIGEST
    monkeypatch.setattr(weights, "sha256", lambda *_: pytest.fail("read again"))
    assert weights.digest(file) == DIGEST


def test_a_changed_file_gets_a_new_digest(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(CONTENT)
    weights.digest(file)
    file.write_bytes(CONTENT[::-1])
    os.utime(file, ns=(1, 1))
    assert weights.digest(file) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"%s": 3}', b'{"%s": [1, 2]}'])
def test_a_damaged_cache_of_digests_is_ignored(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(CONTENT)
    (paths.models_dir() / "digests.json").write_bytes(content.replace(b"%s", bytes(file)))
    assert weights.digest(file) == DIGEST


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("qwen2.5-coder:1.5b", 1.5e9),
        ("Qwen2.5-Coder-0.5B-Instruct-Q4_K_M", 0.5e9),
        ("deepseek-coder:6.7b", 6.7e9),
        ("gemma-3-270m-it", 270e6),
        ("mixtral-8x7b-instruct", 56e9),
        ("7.6B", 7.6e9),
        ("494.03M", 494.03e6),
        ("llama3.2:latest", None),
        ("model-q4_k_m", None),
        ("abc3b", None),
        ("", None),
    ],
)
def test_the_size_is_read_from_a_name(name: str, parameters: float | None) -> None:
    assert parameters_in(name) == (pytest.approx(parameters) if parameters else None)


@given(st.text())
def test_no_name_makes_the_search_fail(name: str) -> None:
    known(name)
    parameters_in(name)
    find(name)


@pytest.mark.parametrize(("parts", "number", "name"), [(3, 2, "some-weights-2"), (1, 1, "some-weights-")])
def test_a_package_with_all_of_a_model_has_no_number(parts: int, number: int, name: str) -> None:
    assert weights.Packages("some-weights-", parts, "1.0").name(number) == name
