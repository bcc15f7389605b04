"""The cache of texts: what is computed, what is on disk, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from audiolect.errors import DamagedFile
from audiolect.models.text_cache import TextCache


def lengths(texts: list[str]) -> torch.Tensor:
    """A text's vector: its length, twice."""
    return torch.tensor([[len(text), len(text)] for text in texts], dtype=torch.float32)


def refuse(texts: list[str]) -> torch.Tensor:
    raise AssertionError(f"computed {texts}")


def test_each_distinct_text_is_computed_once() -> None:
    cache = TextCache("k", 2)
    seen: list[str] = []

    def compute(texts: list[str]) -> torch.Tensor:
        seen.extend(texts)
        return lengths(texts)

    first = cache.vectors(["a", "bbb", "a"], compute)
    assert first.tolist() == [[1, 1], [3, 3], [1, 1]]
    assert cache.vectors(["bbb", "cc"], compute).tolist() == [[3, 3], [2, 2]]
    assert seen == ["a", "bbb", "cc"]
    assert (len(cache), cache.num_computed) == (3, 3)
    assert cache.vectors([], refuse).shape == (0, 2)


def test_many_small_batches_keep_their_vectors() -> None:
    cache = TextCache("k", 2)
    texts = ["x" * number for number in range(1, 60)]
    for text in texts:
        cache.vectors([text], lengths)
    assert torch.equal(cache.vectors(texts, refuse), lengths(texts))


def test_another_process_finds_them_on_disk_and_another_tower_does_not(tmp_path: Path) -> None:
    TextCache("k", 2, tmp_path).vectors(["a", "bbb"], lengths)
    TextCache("k", 2, tmp_path).vectors(["a", "cc"], lengths)
    again = TextCache("k", 2, tmp_path)
    assert again.vectors(["cc", "a", "bbb"], refuse).tolist() == [[2, 2], [1, 1], [3, 3]]
    assert again.num_computed == 0
    assert len(TextCache("other", 2, tmp_path)) == 0
    assert len(list((tmp_path / "k").iterdir())) == 2


def test_a_damaged_part_is_refused_by_name(tmp_path: Path) -> None:
    TextCache("k", 2, tmp_path).vectors(["a"], lengths)
    (part,) = (tmp_path / "k").iterdir()
    part.write_bytes(part.read_bytes()[:-3])
    with pytest.raises(DamagedFile, match=part.name):
        TextCache("k", 2, tmp_path)
    save_file({"texts": torch.zeros(1, 16, dtype=torch.uint8), "vectors": torch.zeros(1, 3)}, part)
    with pytest.raises(DamagedFile, match=r"vectors \(n, 2\)"):
        TextCache("k", 2, tmp_path)
