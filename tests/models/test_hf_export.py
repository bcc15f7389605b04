"""Saved models for transformers by their kind; what each class gives is tested beside each export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationConfig, WhisperForConditionalGeneration

from audiolect.errors import UsageError
from audiolect.models.captioner import CaptionerSettings, build_captioner, load_captioner, save_captioner
from audiolect.models.captioner_settings import TransformerDecoderSettings
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder, save_model
from audiolect.models.hf_export import EXPORTERS, export_for_transformers
from audiolect.models.weights_hash import weights_hash
from audiolect.storage import write_yaml

STYLES = ("clotho > caption: ", "audioset > keywords: ")


def saved(whisper: Path, folder: Path, *styles: str, **options: Any) -> Path:
    torch.manual_seed(0)
    model = build_captioner(CaptionerSettings(whisper=str(whisper), **options)).eval()
    model.styles = set(styles)
    save_captioner(model, folder)
    return folder


def begins_with(folder: Path) -> list[int]:
    return [token for _, token in GenerationConfig.from_pretrained(folder).forced_decoder_ids]


def test_a_captioner_with_its_facts(whisper_folder: Path, tmp_path: Path) -> None:
    source = saved(whisper_folder, tmp_path / "model", STYLES[0])
    found = export_for_transformers(source, tmp_path / "out")
    model = load_captioner(source)
    assert (found.class_name, found.style, found.rate_hz) == ("WhisperForConditionalGeneration", STYLES[0], 16000)
    assert found.checkpoint_hash == weights_hash(model)
    assert found.remarks == ()
    theirs: Any = WhisperForConditionalGeneration.from_pretrained(tmp_path / "out")
    own = model.state_dict()["decoder.embed_tokens.weight"]
    assert torch.equal(theirs.model.decoder.embed_tokens.weight, own)


def test_a_style_is_chosen(whisper_folder: Path, tmp_path: Path) -> None:
    source = saved(whisper_folder, tmp_path / "model", *STYLES)
    tokenizer = load_captioner(source).tokenizer
    assert export_for_transformers(source, tmp_path / "a", style="audioset").style == STYLES[1]
    assert begins_with(tmp_path / "a") == list(tokenizer.prefix(STYLES[1]))[1:]
    assert export_for_transformers(source, tmp_path / "b").style == ""
    assert begins_with(tmp_path / "b") == list(tokenizer.prefix(""))[1:]
    with pytest.raises(UsageError, match="not trained with this style"):
        export_for_transformers(source, tmp_path / "c", style="wavcaps")


def test_real_lengths_are_remarked_upon(whisper_folder: Path, tmp_path: Path) -> None:
    source = saved(whisper_folder, tmp_path / "model", length="recording")
    (remark,) = export_for_transformers(source, tmp_path / "out").remarks
    assert "fills each one up to 2 s" in remark


def test_what_transformers_has_no_class_for(captions: list[str], tmp_path: Path) -> None:
    section = CaptionerSettings(decoder=TransformerDecoderSettings(width=64, vocabulary=300, min_count=1))
    save_captioner(build_captioner(section, captions), tmp_path / "captioner")
    text = {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300}
    dual = DualEncoderSettings.model_validate({"audio": {"name": "small", "width": 1}, "text": text})
    save_model(build_dual_encoder(dual, captions), tmp_path / "dual")
    (tmp_path / "other").mkdir()
    write_yaml(tmp_path / "other" / "model.yaml", {"format": "audiolect/oracle"})
    for name, words in {"captioner": "no Whisper", "dual": "no CLAP", "other": "No class of transformers"}.items():
        with pytest.raises(UsageError, match=words):
            export_for_transformers(tmp_path / name, tmp_path / "out")
    with pytest.raises(UsageError, match="writes nothing"):
        export_for_transformers(tmp_path / "dual", tmp_path / "out", style="clotho")
    assert set(EXPORTERS) == {"audiolect/captioner", "audiolect/dual_encoder"}
