"""Captioners: transformers' own logits, the loss by hand, learning, files, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from audiolect.config import dump_config, parse_config
from audiolect.errors import ConfigError, DatasetError, StorageError, UnknownVersion, UsageError
from audiolect.models.captioner import Captioner, CaptionerSettings, build_captioner, load_captioner, save_captioner
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder, save_model
from audiolect.models.generation import GenerationSettings, generate

PREFIXES = ["clotho > caption: ", "audioset > keywords: ", "", "clotho > caption: "] * 2
SMALL: dict[str, Any] = {
    "audio": {
        "name": "whisper",
        "length": "recording",
        "config": {"d_model": 64, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 128},
    },
    "decoder": {"name": "transformer", "width": 64, "layers": 1, "heads": 2, "vocabulary": 300, "min_count": 1},
    "dropout": 0.0,
}
Sounds = tuple[Tensor, Tensor]


def settings(**changes: Any) -> CaptionerSettings:
    return parse_config({**SMALL, **changes}, CaptionerSettings, where="recipe.yaml")


def model(captions: list[str], **changes: Any) -> Captioner:
    torch.manual_seed(0)
    return build_captioner(settings(**changes), captions)


def features(folder: Path, sounds: Sounds) -> Tensor:
    """What transformers hears of them."""
    extractor: Any = WhisperFeatureExtractor.from_pretrained(folder)
    rows = [row[:length].numpy() for row, length in zip(*sounds, strict=True)]
    return torch.as_tensor(extractor(rows, sampling_rate=16000, return_tensors="pt")["input_features"])


@torch.no_grad()
def test_a_published_whisper_gives_the_logits_of_transformers(whisper_folder: Path, sounds: Sounds) -> None:
    theirs: Any = WhisperForConditionalGeneration.from_pretrained(whisper_folder).eval()
    ours = build_captioner(CaptionerSettings(whisper=str(whisper_folder))).eval()
    ids = torch.randint(0, ours.tokenizer.size, (8, 12), generator=torch.Generator().manual_seed(0))
    expected = theirs(input_features=features(whisper_folder, sounds), decoder_input_ids=ids).logits
    assert float(expected.abs().max()) > 3
    torch.testing.assert_close(ours.logits(ours.encode(*sounds), ids), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_every_tensor_of_a_published_whisper_is_taken(whisper_folder: Path) -> None:
    theirs: Any = WhisperForConditionalGeneration.from_pretrained(whisper_folder)
    ours = build_captioner(CaptionerSettings(whisper=str(whisper_folder)))
    found = {f"model.encoder.{name}": one for name, one in ours.encoder.model.state_dict().items()}
    found |= {f"model.decoder.{name}": one for name, one in ours.decoder.state_dict().items()}
    expected = {name: one for name, one in theirs.state_dict().items() if name != "proj_out.weight"}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("loss_on", ["answer", "all"])
@torch.no_grad()
def test_the_loss_is_that_of_the_formula(captions: list[str], sounds: Sounds, loss_on: str) -> None:
    made = model(captions, loss_on=loss_on, label_smoothing=0.1).eval()
    found = made.loss(*sounds, PREFIXES, captions)
    losses = []
    heard = made.encode(*sounds)
    for row, (prefix, caption) in enumerate(zip(PREFIXES, captions, strict=True)):
        begin = [*made.tokenizer.start, *(made.tokenizer.ids(prefix) if prefix else [])]
        ids = [*begin, *made.tokenizer.ids(caption), made.tokenizer.end]
        assert ids.count(made.tokenizer.start[0]) == 1
        one = type(heard)(heard.pooled[row : row + 1], heard.frames[row : row + 1], heard.mask[row : row + 1])
        logits = made.logits(one, torch.tensor([ids[:-1]]))[0]
        first = len(begin) if loss_on == "answer" else len(made.tokenizer.start)
        losses += [
            cross_entropy(logits[place - 1], torch.tensor(ids[place]), label_smoothing=0.1)
            for place in range(first, len(ids))
        ]
    assert found.num_tokens == len(losses)
    torch.testing.assert_close(found.loss, torch.stack(losses).mean(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("other", [None, "whisper"])
def test_eight_recordings_are_learned_by_heart(
    captions: list[str], sounds: Sounds, whisper_folder: Path, other: str | None
) -> None:
    """From nothing with real lengths, and a published one with filling."""
    torch.manual_seed(0)
    made = model(captions) if other is None else build_captioner(CaptionerSettings(whisper=str(whisper_folder)))
    optimiser = torch.optim.AdamW(made.parameters(), lr=3e-3)
    made.train()
    for _ in range(120):
        optimiser.zero_grad()
        result = made.loss(*sounds, PREFIXES, captions)
        result.loss.backward()
        optimiser.step()
    assert int(result.num_right) == result.num_tokens
    for method in ("greedy", "beam"):
        found = generate(made, *sounds, PREFIXES, GenerationSettings(method=method, max_tokens=40))
        assert [one[0].text for one in found] == captions
    assert made.training
    assert made.styles == set(PREFIXES)
    with pytest.raises(UsageError, match=r"not trained with this style(.|\n)*did you mean 'clotho > caption: '"):
        generate(made, *sounds, ["cloto > caption: "] * 8, GenerationSettings())
    generate(made, *sounds, ["cloto > caption: "] * 8, GenerationSettings(known_styles=False, max_tokens=2))


@pytest.mark.parametrize("published", [False, True])
@torch.no_grad()
def test_a_saved_model_is_the_model(
    tmp_path: Path, captions: list[str], sounds: Sounds, whisper_folder: Path, published: bool
) -> None:
    made = build_captioner(CaptionerSettings(whisper=str(whisper_folder))) if published else model(captions)
    made.styles.add("clotho > caption: ")
    save_captioner(made.eval(), tmp_path / "saved")
    again = load_captioner(tmp_path / "saved")
    assert not again.training
    assert again.styles == made.styles
    assert again.settings == made.settings
    assert torch.equal(made.loss(*sounds, PREFIXES, captions).loss, again.loss(*sounds, PREFIXES, captions).loss)
    start = made.settings.model_copy(update={"start": str(tmp_path / "saved")})
    begun = build_captioner(start).eval()
    assert torch.equal(made.loss(*sounds, PREFIXES, captions).loss, begun.loss(*sounds, PREFIXES, captions).loss)
    assert parse_config(made.settings.model_dump(mode="json"), CaptionerSettings, where="x") == made.settings
    assert "captioner" in dump_config(made.settings)


@torch.no_grad()
def test_encoder_or_decoder_from_scratch_have_other_weights(whisper_folder: Path) -> None:
    torch.manual_seed(5)
    whole = build_captioner(CaptionerSettings(whisper=str(whisper_folder)))
    for part in ("encoder", "decoder"):
        changed = {f"{part}_from_scratch": True}
        made = build_captioner(CaptionerSettings(whisper=str(whisper_folder), **changed))
        same = {
            name: torch.equal(one, getattr(made, name.split(".")[0]).state_dict()[name.partition(".")[2]])
            for name, one in whole.state_dict().items()
            if name.endswith("fc1.weight")
        }
        assert len(same) == 4
        assert all(equal != name.startswith(part) for name, equal in same.items())


def test_long_captions_are_cut_and_counted(captions: list[str], sounds: Sounds) -> None:
    made = model(captions, max_tokens=25).eval()
    long = "a dog barks " * 20
    found = made.loss(*sounds, [""] * 8, [long, *captions[1:]])
    assert made.truncation.num_texts == 1
    # what was cut ends all the same: 25 tokens and the end
    assert found.num_tokens == 26 + sum(len(made.tokenizer.answer(one)) + 1 for one in captions[1:])


def test_bad_input_gets_a_letter(tmp_path: Path, captions: list[str], sounds: Sounds) -> None:
    made = model(captions)
    with pytest.raises(UsageError, match="caption is empty"):
        made.loss(*sounds, PREFIXES, [" \n ", *captions[1:]])
    with pytest.raises(UsageError, match="parts of different lengths"):
        made.loss(*sounds, PREFIXES, captions[1:])
    with pytest.raises(UsageError, match="no sample"):
        made.encode(torch.zeros(1, 100), torch.tensor([0]))
    with pytest.raises(UsageError, match="no room for a caption"):
        made.loss(*sounds, ["a dog barks " * 90, *PREFIXES[1:]], captions)
    with pytest.raises(DatasetError, match="no captions"):
        build_captioner(settings(), ["", " "])
    with pytest.raises(ConfigError, match="lora_config"):
        settings(lora_config={"rank": 4})
    with pytest.raises(StorageError):
        load_captioner(tmp_path / "nowhere")
    save_model(build_dual_encoder(DualEncoderSettings(), captions), tmp_path / "dual")
    with pytest.raises(UnknownVersion):
        load_captioner(tmp_path / "dual")
