"""A dual encoder in the hands of transformers: its vectors are ours, and what is no CLAP is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoProcessor,
    ClapAudioConfig,
    ClapConfig,
    ClapModel,
    ClapTextConfig,
    PreTrainedTokenizerFast,
    pipeline,
)

from audiolect.errors import UsageError
from audiolect.models.clap import DualEncoder, DualEncoderSettings, build_dual_encoder
from audiolect.models.clap_checkpoint import load_clap
from audiolect.models.clap_export import clap_of, export_clap
from audiolect.models.text_tokenizer import train_tokenizer

CAPTIONS = ["a dog barks", "rain falls on a roof", "a bell"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DualEncoder:
    """Of a CLAP with random weights, and then changed, so that a folder that was merely copied would be noticed."""
    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    text = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 32, "max_position_embeddings": 40, "initializer_factor": 10.0}  # fmt: skip
    audio = {"patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": [1, 1, 1, 1],
             "num_attention_heads": [1, 1, 2, 2]}  # fmt: skip
    config = ClapConfig(
        text_config=ClapTextConfig(**text, projection_dim=24).to_dict(),
        audio_config=ClapAudioConfig(**audio, projection_dim=24).to_dict(),
        projection_dim=24,
    )
    made: Any = ClapModel
    made(config).save_pretrained(folder)
    words: Any = PreTrainedTokenizerFast
    tokenizer = train_tokenizer(CAPTIONS, 300, min_count=1)
    words(tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]").save_pretrained(folder)
    model = load_clap(folder)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2 and "relative" not in name:
                torch.nn.init.normal_(parameter, std=0.2)
        model.log_scale.fill_(2.0)
    return model


@pytest.fixture(scope="module")
def folder(model: DualEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the export."""
    folder = tmp_path_factory.mktemp("exported")
    export_clap(model, folder)
    return folder


def sound() -> np.ndarray[Any, np.dtype[np.float32]]:
    return (0.3 * np.sin(np.arange(96_000) * 0.05)).astype(np.float32)


@torch.no_grad()
def test_transformers_gives_our_vectors(model: DualEncoder, folder: Path) -> None:
    theirs: Any = ClapModel.from_pretrained(folder).eval()
    processor: Any = AutoProcessor.from_pretrained(folder)
    tokens = processor(text=CAPTIONS, padding=True, return_tensors="pt")
    tokens.pop("token_type_ids", None)
    texts = theirs.get_text_features(**tokens).pooler_output
    torch.testing.assert_close(model.embed_texts(CAPTIONS), texts, atol=1e-5, rtol=0)
    assert float((texts[0] @ texts[1]).abs()) < 0.999
    heard = processor(audio=[sound()], sampling_rate=48000, return_tensors="pt")
    expected = theirs.get_audio_features(input_features=heard["input_features"]).pooler_output
    found = model.embed_audio(torch.from_numpy(sound())[None], torch.tensor([96_000]))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert theirs.logit_scale_a.item() == theirs.logit_scale_t.item() == pytest.approx(2.0)


@torch.no_grad()
def test_the_pipeline_classifies_and_we_load_it_again(model: DualEncoder, folder: Path) -> None:
    pipe: Any = pipeline("zero-shot-audio-classification", str(folder))
    told = {row["label"]: row["score"] for row in pipe(sound(), candidate_labels=CAPTIONS, hypothesis_template="{}")}
    ours = model.embed_audio(torch.from_numpy(sound())[None], torch.tensor([96_000])) @ model.embed_texts(CAPTIONS).T
    expected = (model.scale() * ours[0]).softmax(dim=0)
    assert [told[caption] for caption in CAPTIONS] == pytest.approx(expected.tolist(), abs=1e-3)
    again = load_clap(folder)
    torch.testing.assert_close(again.embed_texts(CAPTIONS), model.embed_texts(CAPTIONS), atol=1e-6, rtol=0)


def test_what_is_no_clap_is_refused(tmp_path: Path) -> None:
    settings = DualEncoderSettings.model_validate(
        {"audio": {"name": "small", "width": 1}, "text": {"name": "transformer", "width": 8, "layers": 1, "heads": 2}}
    )
    with pytest.raises(UsageError, match="no CLAP") as letter:
        clap_of(build_dual_encoder(settings, CAPTIONS))
    for words in ("not htsat", "not that of a CLAP", "projection.hidden is None"):
        assert words in str(letter.value.found)
