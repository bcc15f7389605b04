"""The two files of every saved model: ``model.yaml``, its header and settings, and ``model.safetensors``, its weights.

    write_model(model, folder, KIND, VERSION, {"settings": …})
    card = read_model_card(folder, KIND, VERSION)
    fill_weights(model, folder)

Conventions: what else a kind of model needs stands in ``parts/``, which that kind writes and reads itself. Nothing in
the folder is code. Weights are written from the CPU, each tensor whole and on its own.

Public names: CARD_NAME, write_model, read_model_card, read_settings, fill_weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors.torch import save_file
from torch import nn

from audiolect.config import Config, parse_config
from audiolect.models.state_dicts import load_weights, read_weights
from audiolect.storage import atomic_path, check_header, file_header, read_yaml, write_yaml

CARD_NAME = "model.yaml"

_WEIGHTS_NAME = "model.safetensors"
_Settings = TypeVar("_Settings", bound=Config)


def write_model(model: nn.Module, folder: Path, kind: str, version: int, facts: Mapping[str, Any]) -> None:
    """Write both files, each atomically, the weights first.

    Args:
        folder: exists.
        facts: plain values that stand beside the header.
    """
    state = {name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in model.state_dict().items()}
    with atomic_path(folder / _WEIGHTS_NAME) as temporary:
        save_file(state, temporary, metadata={"format": "pt"})
    write_yaml(folder / CARD_NAME, {**file_header(kind, version), **facts})


def read_model_card(folder: Path, kind: str, version: int) -> dict[str, Any]:
    """The content of ``model.yaml``.

    Raises:
        StorageError: there is none.
        UnknownVersion: it is of another kind or version.
    """
    card: dict[str, Any] = read_yaml(folder / CARD_NAME)
    check_header(card, kind, {version}, folder / CARD_NAME)
    return card


def read_settings(card: Mapping[str, Any], settings: type[_Settings], folder: Path) -> _Settings:
    """The settings on the card of a folder.

    Raises:
        ConfigError: they are not those of this kind of model.
    """
    return parse_config(card.get("settings") or {}, settings, where=folder / CARD_NAME)


def fill_weights(model: nn.Module, folder: Path) -> None:
    """Load the weights of a folder, all of them.

    Raises:
        StorageError, DamagedFile: the file is absent or damaged.
        UsageError: they are not those of the model.
    """
    path = folder / _WEIGHTS_NAME
    load_weights(model, read_weights(path), where=path)
