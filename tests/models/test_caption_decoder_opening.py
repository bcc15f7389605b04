"""Opening decoders of transformers: from a folder, saved, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from audiolect.errors import DatasetError, UsageError
from audiolect.models.caption_decoder_opening import build_hf_decoder, open_hf_decoder, save_hf_decoder
from audiolect.models.caption_tokenizer import train_caption_tokenizer
from audiolect.models.captioner_settings import HfDecoderSettings

GPT2: dict[str, Any] = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 40}


@pytest.fixture
def folder(tmp_path: Path, captions: list[str]) -> Path:
    """A GPT-2 as transformers saves it, without cross-attention."""
    tokenizer = train_caption_tokenizer(captions, 300, min_count=1)
    torch.manual_seed(0)
    sizes = {name: value for name, value in GPT2.items() if name != "model_type"}
    made: Any = GPT2LMHeadModel(GPT2Config(vocab_size=tokenizer.size, **sizes, eos_token_id=tokenizer.end))
    made.save_pretrained(tmp_path / "gpt2")
    tokenizer.save(tmp_path / "gpt2")
    return tmp_path / "gpt2"


@pytest.mark.parametrize("audio", ["cross", "prefix"])
def test_a_language_model_learns_to_hear(folder: Path, tmp_path: Path, audio: Any) -> None:
    section = HfDecoderSettings(source=str(folder), audio=audio)
    decoder, tokenizer = build_hf_decoder(section, (), 0.25)
    assert decoder.way == audio
    assert decoder.added_cross == (audio == "cross")
    assert decoder.model.config.resid_pdrop == 0.25
    assert tokenizer.start == (tokenizer.end,)
    stored = load_file(folder / "model.safetensors")
    own = decoder.model.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in stored.items())
    tokenizer.save(tmp_path)
    save_hf_decoder(decoder, tokenizer, tmp_path)
    again, words = open_hf_decoder(section, tmp_path)
    assert {n: t.shape for n, t in again.state_dict().items()} == {n: t.shape for n, t in decoder.state_dict().items()}
    assert (words.start, words.end, again.way) == (tokenizer.start, tokenizer.end, decoder.way)


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path, captions: list[str]) -> None:
    def built(**options: Any) -> Any:
        return build_hf_decoder(HfDecoderSettings(**options), captions, None)

    with pytest.raises(UsageError, match="cannot be opened"):
        built(source=str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="cannot be opened"):
        built(config={"model_type": "no such"})
    with pytest.raises(UsageError, match="no cross-attention"):
        built(config={"model_type": "llama", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                      "intermediate_size": 16}, audio="cross")  # fmt: skip
    with pytest.raises(UsageError, match="cross-attention alone"):
        built(config={"model_type": "t5", "d_model": 16, "num_layers": 1, "num_heads": 2, "d_kv": 8, "d_ff": 16},
              audio="prefix")  # fmt: skip
    with pytest.raises(UsageError, match=r"does not match the weights(.|\n)*and the weights 50"):
        built(config={**GPT2, "vocab_size": 50})
    with pytest.raises(DatasetError, match="no captions"):
        build_hf_decoder(HfDecoderSettings(config=GPT2), (), None)
    stored = load_file(folder / "model.safetensors")
    stored.pop("transformer.h.0.mlp.c_fc.weight")
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"lacks weights(.|\n)*c_fc.weight"):
        built(source=str(folder))
