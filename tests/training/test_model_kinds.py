"""The table of kinds of models: every kind that a recipe can name is built, saved and loaded again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from audiolect.errors import DatasetError, UnknownVersion
from audiolect.models.clap import DualEncoder, DualEncoderSettings
from audiolect.storage import file_header, write_yaml
from audiolect.training.model_kinds import MODEL_KINDS, kind_of
from audiolect.training.recipe import Recipe, load_recipe

CAPTIONS = ("a low hum", "a bright whistle", "a sharp ping", "a high beep")


@pytest.fixture
def settings(recipe: Callable[..., Path]) -> DualEncoderSettings:
    return load_recipe(recipe()).model


def test_the_section_of_the_recipe_has_its_row() -> None:
    assert Recipe.model_fields["model"].annotation in MODEL_KINDS
    assert len({kind.name for kind in MODEL_KINDS.values()}) == len(MODEL_KINDS) > 0


def test_settings_tell_their_kind(settings: DualEncoderSettings) -> None:
    assert kind_of(settings) is MODEL_KINDS[DualEncoderSettings]
    assert kind_of(settings).name == "dual encoder"


def test_a_model_comes_back_as_it_was(settings: DualEncoderSettings, tmp_path: Path) -> None:
    kind = kind_of(settings)
    torch.manual_seed(0)
    model = kind.build(settings, CAPTIONS).eval()
    kind.save(model, tmp_path)
    again = kind.load(tmp_path).eval()
    assert isinstance(model, DualEncoder)
    assert isinstance(again, DualEncoder)
    assert again.settings == settings
    before, after = model.state_dict(), again.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    with torch.no_grad():
        assert torch.equal(model.embed_texts(CAPTIONS), again.embed_texts(CAPTIONS))


def test_a_tokenizer_needs_captions(settings: DualEncoderSettings) -> None:
    with pytest.raises(DatasetError, match="caption"):
        kind_of(settings).build(settings, ())


def test_a_foreign_folder_is_refused(settings: DualEncoderSettings, tmp_path: Path) -> None:
    write_yaml(tmp_path / "model.yaml", file_header("dataset", 1))
    with pytest.raises(UnknownVersion, match="another kind"):
        kind_of(settings).load(tmp_path)
