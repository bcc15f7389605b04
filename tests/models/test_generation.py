"""Generation: transformers' own texts and scores, and no influence of neighbours in any family of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    GenerationMixin,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)
from transformers.modeling_outputs import BaseModelOutput

from audiolect.config import parse_config
from audiolect.errors import UsageError
from audiolect.models.captioner import Captioner, CaptionerSettings, build_captioner
from audiolect.models.generation import GenerationSettings, generate, write_captions

PREFIX = "clotho > caption: "
MIXED = [PREFIX, "audioset > keywords: ", "", "a longer style of its own > caption: "]
SMALL_WHISPER = {"d_model": 32, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 64}
REAL = {"name": "whisper", "length": "recording", "config": {**SMALL_WHISPER, "init_std": 0.2}}
# the kinds of decoders of transformers: cross-attention added, of its own, and sound before the text
DECODERS: dict[str, dict[str, Any]] = {
    "gpt2": {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 2, "initializer_range": 0.3},
    "bart": {"model_type": "bart", "d_model": 32, "decoder_layers": 2, "decoder_attention_heads": 2, "init_std": 0.3}
    | {"decoder_ffn_dim": 64, "encoder_layers": 1, "encoder_ffn_dim": 32, "encoder_attention_heads": 2},
    "t5": {"model_type": "t5", "d_model": 32, "num_layers": 2, "num_heads": 2, "d_kv": 16, "d_ff": 64}
    | {"initializer_factor": 3.0},
    "llama": {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    | {"intermediate_size": 64, "num_key_value_heads": 1, "initializer_range": 0.3},
}
FAMILIES = ["whisper, filled", "whisper, real length", "small and transformer", *DECODERS]
METHODS: list[dict[str, Any]] = [
    {"method": "greedy"},
    {"method": "beam", "num_beams": 4, "num_outputs": 3},
    {"method": "diverse_beam", "num_beams": 4, "num_groups": 2, "num_outputs": 2},
    {"method": "sample", "num_outputs": 2, "top_k": 20, "top_p": 0.9, "temperature": 1.2},
    {"method": "contrastive", "top_k": 4},
]
Sounds = tuple[Tensor, Tensor]


def family(name: str, captions: list[str], folder: Path) -> Captioner:
    torch.manual_seed(0)
    if name.startswith("whisper"):
        length: Any = "window" if "filled" in name else "recording"
        return build_captioner(CaptionerSettings(whisper=str(folder), length=length)).eval()
    if name in DECODERS:
        decoder = {"name": "huggingface", "config": DECODERS[name], "min_count": 1, "vocabulary": 300}
        section: dict[str, Any] = {"audio": REAL, "decoder": decoder}
    else:
        decoder = {"name": "transformer", "width": 32, "heads": 2, "min_count": 1, "vocabulary": 300}
        section = {"audio": {"name": "small", "width": 2}, "decoder": decoder}
    made = build_captioner(parse_config(section, CaptionerSettings, where="x"), captions).eval()
    if name not in DECODERS:
        for parameter in made.decoder.parameters():
            parameter.data *= 5 if parameter.ndim == 2 else 1
    return made


def many(sounds: Sounds) -> Sounds:
    """32 recordings that differ, none longer than another's rest."""
    waveforms, lengths = sounds
    return torch.cat([waveforms * gain for gain in (1.0, 0.5, 0.25, 2.0)]), lengths.repeat(4)


@pytest.mark.parametrize("name", FAMILIES)
def test_alone_or_among_32_a_recording_has_the_same_captions(
    name: str, captions: list[str], sounds: Sounds, whisper_folder: Path
) -> None:
    made = family(name, captions, whisper_folder)
    waveforms, lengths = many(sounds)
    prefixes = MIXED * 8
    for method in METHODS:
        settings = GenerationSettings(max_tokens=12, **method)
        together = generate(made, waveforms, lengths, prefixes, settings)
        assert len({one[0].token_ids for one in together}) > 3
        for row in range(0, 32, 5):
            size = int(lengths[row])
            alone = generate(
                made, waveforms[row : row + 1, :size], lengths[row : row + 1], prefixes[row : row + 1], settings
            )[0]
            assert [one.token_ids for one in alone] == [one.token_ids for one in together[row]], method
            assert [one.text for one in alone] == [one.text for one in together[row]]
            for one, other in zip(alone, together[row], strict=True):
                assert one.score == pytest.approx(other.score, abs=1e-3)


def whisper_texts(folder: Path, sounds: Sounds, prefix: tuple[int, ...], **options: Any) -> tuple[Any, list[list[int]]]:
    theirs: Any = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    extractor: Any = WhisperFeatureExtractor.from_pretrained(folder)
    rows = [row[:length].numpy() for row, length in zip(*sounds, strict=True)]
    features = torch.as_tensor(extractor(rows, sampling_rate=16000, return_tensors="pt")["input_features"])
    end = theirs.config.eos_token_id
    ids = {"eos_token_id": end, "pad_token_id": end, "bos_token_id": end, "decoder_start_token_id": prefix[0]}
    config = GenerationConfig(
        max_new_tokens=30, return_dict_in_generate=True, output_scores=True, **ids, **{"do_sample": False, **options}
    )
    found = GenerationMixin.generate(
        theirs,
        input_features=features,
        decoder_input_ids=torch.tensor([prefix] * len(rows)),
        generation_config=config,
    )
    return found, [until(row, end) for row in found.sequences[:, len(prefix) :].tolist()]


def until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end) + 1] if end in ids else ids


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"repetition_penalty": 1.3, "no_repeat_ngram": 2}, {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2}),
        ({"min_tokens": 5, "suppress": [66, 67]}, {"min_new_tokens": 5, "suppress_tokens": [66, 67]}),
        ({"method": "beam", "num_beams": 5, "num_outputs": 3}, {"num_beams": 5, "num_return_sequences": 3}),
        (
            {"method": "beam", "num_beams": 4, "num_outputs": 4, "length_penalty": 2.0},
            {"num_beams": 4, "num_return_sequences": 4, "length_penalty": 2.0},
        ),
        (
            {"method": "beam", "num_beams": 4, "length_penalty": 0.0, "early_stopping": True},
            {"num_beams": 4, "length_penalty": 0.0, "early_stopping": True},
        ),
        (
            {"method": "beam", "num_beams": 3, "repetition_penalty": 1.3, "no_repeat_ngram": 2, "min_tokens": 3},
            {"num_beams": 3, "repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 3},
        ),
    ],
)
def test_texts_and_scores_are_those_of_transformers(
    whisper_folder: Path, sounds: Sounds, ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    made = family("whisper, filled", [], whisper_folder)
    found = generate(made, *sounds, [PREFIX] * 8, GenerationSettings(max_tokens=30, **ours))
    output, expected = whisper_texts(whisper_folder, sounds, made.tokenizer.prefix(PREFIX), **theirs)
    assert [list(one.token_ids) for captions in found for one in captions] == expected
    assert len({len(row) for row in expected}) > 1
    if getattr(output, "sequences_scores", None) is not None:
        scores = torch.tensor([one.score for captions in found for one in captions])
        torch.testing.assert_close(scores, output.sequences_scores, atol=1e-4, rtol=0)


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("name", ["bart", "t5", "gpt2", "llama"])
def test_decoders_of_transformers_write_what_transformers_writes(
    name: str, beams: int, captions: list[str], sounds: Sounds, whisper_folder: Path
) -> None:
    made = family(name, captions, whisper_folder)
    method: Any = {"method": "beam", "num_beams": beams, "num_outputs": 2} if beams > 1 else {"method": "greedy"}
    with torch.inference_mode():
        heard = made.encode(*sounds)
        settings = GenerationSettings(max_tokens=12, **method)
        found = write_captions(made, heard, [PREFIX] * 8, settings, [0] * 8)
        prefix, end = made.tokenizer.prefix(PREFIX), made.tokenizer.end
        options: dict[str, Any] = {"num_beams": beams, "num_return_sequences": 2 if beams > 1 else 1}
        options |= {"max_new_tokens": 12, "do_sample": False, "eos_token_id": end, "pad_token_id": end}
        for row in range(8):
            frames = heard.frames[row : row + 1, : int(heard.mask[row].sum())]
            ids = torch.tensor([prefix])
            if made.decoder.model.config.is_encoder_decoder:
                # transformers asks the encoder, which was left out, what its input is called, and BART has an end of
                # its own that it forces
                if name == "t5":
                    made.decoder.model.encoder = torch.nn.Identity()
                    made.decoder.model.encoder.main_input_name = "input_ids"
                made.decoder.model.generation_config.forced_eos_token_id = None
                inputs: dict[str, Any] = {"encoder_outputs": BaseModelOutput(frames), "decoder_input_ids": ids}
            elif made.decoder.way == "cross":
                inputs = {"input_ids": ids, "encoder_hidden_states": frames}
                inputs["attention_mask"] = torch.ones_like(ids)
            else:
                words = made.decoder.model.get_input_embeddings()(ids)
                inputs = {"inputs_embeds": torch.cat([frames, words], dim=1)}
                inputs["attention_mask"] = torch.ones(inputs["inputs_embeds"].shape[:2], dtype=torch.int64)
            expected = made.decoder.model.generate(**inputs, **options)
            expected = expected if "inputs_embeds" in inputs else expected[:, len(prefix) :]
            assert [list(one.token_ids) for one in found[row]] == [until(one, end) for one in expected.tolist()]


def test_sampling_follows_the_key_and_the_seed(whisper_folder: Path, sounds: Sounds) -> None:
    made = family("whisper, filled", [], whisper_folder)

    def texts(seed: int, keys: list[str] | None) -> list[tuple[int, ...]]:
        settings = GenerationSettings(method="sample", num_outputs=3, max_tokens=10, seed=seed, temperature=2.0)
        return [one.token_ids for row in generate(made, *sounds, [PREFIX] * 8, settings, keys) for one in row]

    assert texts(0, None) == texts(0, None)
    assert texts(0, None) != texts(1, None)
    keys = [f"r/{i}" for i in range(8)]
    assert texts(0, keys) == texts(0, keys)
    assert texts(0, keys) != texts(0, keys[::-1])


def test_more_than_a_window_is_heard_whole(whisper_folder: Path) -> None:
    """Windows of 2 s: what is said of 5 s depends on the last second too."""
    made = family("whisper, filled", [], whisper_folder)
    waveforms = torch.randn(2, 80000, generator=torch.Generator().manual_seed(0)) * 0.1
    waveforms[1, :64000] = waveforms[0, :64000]
    heard = made.encode(waveforms, torch.tensor([80000, 80000]))
    assert heard.frames.shape[:2] == (2, 300)
    found = generate(made, waveforms, torch.tensor([80000, 80000]), [PREFIX] * 2, GenerationSettings(max_tokens=20))
    assert found[0][0].score != found[1][0].score


def test_bad_input_gets_a_letter(whisper_folder: Path, sounds: Sounds) -> None:
    made = family("whisper, filled", [], whisper_folder)
    assert generate(made, torch.zeros(0, 10), torch.zeros(0, dtype=torch.int64), [], GenerationSettings()) == []
    with pytest.raises(UsageError, match="one prefix for each"):
        generate(made, *sounds, [PREFIX], GenerationSettings())
    with pytest.raises(UsageError, match=r"no room(.|\n)*at most 60 behind a prefix of 21 tokens"):
        generate(made, *sounds, [PREFIX] * 8, GenerationSettings(max_tokens=61))
