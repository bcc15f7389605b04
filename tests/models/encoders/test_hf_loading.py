"""Opening encoders of transformers: whole, or refused with a letter."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from transformers import ASTConfig, ASTForAudioClassification, ASTModel, BertConfig

from audiolect.errors import UsageError
from audiolect.models.encoders.ast import AstSettings, build_ast
from audiolect.models.load_reports import kept_reports

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_length": 100,
}


def test_a_whole_load_says_what_matched_and_what_was_left_out(tmp_path: Path) -> None:
    theirs = ASTForAudioClassification(ASTConfig(**SMALL))
    theirs.save_pretrained(tmp_path)
    encoder = build_ast(AstSettings(source=str(tmp_path)))
    (kept,) = kept_reports(encoder).values()
    inner = theirs.audio_spectrogram_transformer.state_dict()
    assert (kept.source, set(kept.report.matched)) == (str(tmp_path), set(inner))
    assert kept.report.num_parameters == sum(tensor.numel() for tensor in inner.values())
    assert kept.report.missing == ()
    assert kept_reports(build_ast(AstSettings(config=SMALL))) == {}


def test_a_folder_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    ASTModel(ASTConfig(**SMALL)).save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    del state["layernorm.weight"]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match="lacks weights") as caught:
        build_ast(AstSettings(source=str(tmp_path)))
    assert "1 missing: layernorm.weight" in str(caught.value.found)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="another kind") as caught:
        build_ast(AstSettings(source=str(tmp_path)))
    assert "model_type bert" in str(caught.value.found)


def test_no_folder_and_an_impossible_architecture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        build_ast(AstSettings(source=str(tmp_path / "absent")))
    with pytest.raises(UsageError, match="cannot be opened"):
        build_ast(AstSettings(), tmp_path / "absent")


def test_a_source_and_a_config_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="give one of source and config"):
        AstSettings(source="here", config={})
