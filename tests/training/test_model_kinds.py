"""The kinds of models that a recipe can train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from audiolect.training.model_kinds import MODEL_KINDS, kind_of
from audiolect.training.recipe import load_recipe


def test_a_model_comes_back_from_its_folder(recipe: Callable[..., Path], tmp_path: Path) -> None:
    settings = load_recipe(recipe()).model
    kind = kind_of(settings)
    model = kind.build(settings, ["a low hum", "a high beep"]).eval()
    kind.save(model, tmp_path / "model")
    again = kind.load(tmp_path / "model").eval()
    assert all(torch.equal(v, again.state_dict()[n]) for n, v in model.state_dict().items())
    assert torch.equal(model.embed_texts(["a hum"]), again.embed_texts(["a hum"]))  # type: ignore[operator]


def test_the_table_is_that_of_the_recipes() -> None:
    assert [kind.name for kind in MODEL_KINDS.values()] == ["dual encoder", "captioner"]
