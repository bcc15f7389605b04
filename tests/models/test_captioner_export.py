"""A captioner in the hands of transformers: the same logits, the same texts, and its pipeline."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoProcessor, GenerationConfig, WhisperForConditionalGeneration, pipeline

from audiolect.errors import UsageError
from audiolect.models.captioner import Captioner, CaptionerSettings, build_captioner
from audiolect.models.captioner_export import export_whisper, whisper_of
from audiolect.models.captioner_settings import LoraSettings
from audiolect.models.generation import GenerationSettings, generate
from audiolect.models.lora import has_lora

PREFIX = "clotho > caption: "
Sounds = tuple[Tensor, Tensor]


def captioner(folder: Path, **options: Any) -> Captioner:
    torch.manual_seed(0)
    made = build_captioner(CaptionerSettings(whisper=str(folder), **options)).eval()
    made.styles.add(PREFIX)
    return made


def test_the_folder_gives_our_logits_and_texts(whisper_folder: Path, sounds: Sounds, tmp_path: Path) -> None:
    ours = captioner(whisper_folder)
    # what differs from the source, so that a folder that was merely copied would be noticed
    with torch.no_grad():
        ours.decoder.layer_norm.weight += 0.1
    export_whisper(ours, tmp_path / "out")
    names = {"config.json", "generation_config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"}
    assert names <= {path.name for path in (tmp_path / "out").iterdir()}
    theirs: Any = WhisperForConditionalGeneration.from_pretrained(tmp_path / "out").eval()
    processor: Any = AutoProcessor.from_pretrained(tmp_path / "out")
    rows = [row[:length].numpy() for row, length in zip(*sounds, strict=True)]
    features = torch.as_tensor(processor(rows, sampling_rate=16000, return_tensors="pt")["input_features"])
    ids = torch.randint(0, 280, (8, 9), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = theirs(input_features=features, decoder_input_ids=ids).logits
        torch.testing.assert_close(ours.logits(ours.encode(*sounds), ids), expected, atol=1e-5, rtol=0)
    found = generate(ours, *sounds, [PREFIX] * 8, GenerationSettings(max_tokens=12))
    prefix = torch.tensor([ours.tokenizer.prefix(PREFIX)] * 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = theirs.generate(features, decoder_input_ids=prefix, max_new_tokens=12)
    texts = processor.batch_decode(written, skip_special_tokens=True)
    assert [text.strip() for text in texts] == [one[0].text for one in found]
    assert len(set(texts)) > 2


def test_the_pipeline_writes_in_the_style(whisper_folder: Path, sounds: Sounds, tmp_path: Path) -> None:
    ours = captioner(whisper_folder)
    export_whisper(ours, tmp_path / "out")
    stored = GenerationConfig.from_pretrained(tmp_path / "out")
    assert [token for _, token in stored.forced_decoder_ids] == list(ours.tokenizer.prefix(PREFIX))[1:]
    found = generate(ours, *sounds, [PREFIX] * 8, GenerationSettings(max_tokens=12))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe: Any = pipeline("automatic-speech-recognition", str(tmp_path / "out"))
        kwargs = {"max_new_tokens": 12, "num_beams": 1}  # the pipeline searches with 5 beams where it is not told
        for row in (0, 3, 7):
            waveform = sounds[0][row, : int(sounds[1][row])].numpy()
            told = pipe({"raw": waveform, "sampling_rate": 16000}, generate_kwargs=kwargs)
            assert told["text"].replace(PREFIX, "").strip() == found[row][0].text


@torch.no_grad()
def test_updates_become_part_of_the_weights(whisper_folder: Path) -> None:
    ours = captioner(whisper_folder, lora=LoraSettings(rank=2, targets=["fc1"]))
    for name, parameter in ours.named_parameters():
        if "lora_B" in name:
            parameter.fill_(0.1)
    theirs = whisper_of(ours)
    assert has_lora(ours)
    whole = dict(captioner(whisper_folder).named_parameters())["decoder.layers.0.fc1.weight"]
    assert not torch.equal(theirs.model.decoder.layers[0].fc1.weight, whole)


def test_what_is_no_whisper_is_refused(captions: list[str], tmp_path: Path, whisper_folder: Path) -> None:
    from audiolect.models.captioner_settings import TransformerDecoderSettings

    section = CaptionerSettings(decoder=TransformerDecoderSettings(width=64, vocabulary=300, min_count=1))
    with pytest.raises(UsageError, match="no Whisper"):
        export_whisper(build_captioner(section, captions), tmp_path)
    with pytest.raises(UsageError, match="not trained with this style"):
        export_whisper(captioner(whisper_folder), tmp_path, prefix="other: ")
