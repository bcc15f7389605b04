"""A model's two files: what is written is read again, and another kind, version or shape is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from audiolect.config import Config
from audiolect.errors import ConfigError, StorageError, UnknownVersion, UsageError
from audiolect.models.model_folder import CARD_NAME, fill_weights, read_model_card, read_settings, write_model
from audiolect.storage import read_yaml


class Wide(Config):
    """Settings of one number."""

    width: int


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    write_model(model, tmp_path, "ear", 1, {"settings": {"width": 3}, "styles": ["a"]})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", CARD_NAME]
    card = read_model_card(tmp_path, "ear", 1)
    assert (card["format"], card["version"], card["styles"]) == ("audiolect/ear", 1, ["a"])
    assert read_settings(card, Wide, tmp_path) == Wide(width=3)
    other = nn.Linear(3, 2)
    fill_weights(other, tmp_path)
    for name, weight in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], weight)


def test_tensors_that_share_memory_or_are_transposed_are_written_whole(tmp_path: Path) -> None:
    model = nn.Linear(3, 3)
    model.register_buffer("turned", model.weight.detach().T)
    write_model(model, tmp_path, "ear", 1, {})
    stored = load_file(tmp_path / "model.safetensors")
    assert torch.equal(stored["turned"], model.weight.detach().T)
    assert torch.equal(stored["weight"], model.weight.detach())


def test_another_kind_version_or_shape_is_refused(tmp_path: Path) -> None:
    write_model(nn.Linear(3, 2), tmp_path, "ear", 1, {"settings": {"height": 3}})
    with pytest.raises(UnknownVersion):
        read_model_card(tmp_path, "eye", 1)
    with pytest.raises(UnknownVersion):
        read_model_card(tmp_path, "ear", 2)
    with pytest.raises(ConfigError, match=rf"{CARD_NAME}(.|\n)*height"):
        read_settings(read_yaml(tmp_path / CARD_NAME), Wide, tmp_path)
    with pytest.raises(UsageError, match=r"model\.safetensors(.|\n)*weight"):
        fill_weights(nn.Linear(4, 2), tmp_path)


def test_without_files_there_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        read_model_card(tmp_path, "ear", 1)
    with pytest.raises(StorageError):
        fill_weights(nn.Linear(3, 2), tmp_path)
