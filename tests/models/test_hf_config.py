"""Written configurations of transformers: what nobody reads is refused, by every part of a model that takes one."""

from __future__ import annotations

import pytest
from transformers import AutoConfig, WhisperConfig

from audiolect.errors import UsageError
from audiolect.models.caption_decoder_opening import build_hf_decoder
from audiolect.models.captioner_settings import HfDecoderSettings
from audiolect.models.encoders.whisper import WhisperSettings, build_whisper
from audiolect.models.hf_config import make_config
from audiolect.models.text_pretrained import open_pretrained
from audiolect.models.text_settings import HuggingFaceSettings
from audiolect.models.text_tokenizer import train_tokenizer


def test_keys_are_taken_by_their_own_names_and_by_others() -> None:
    assert make_config("gpt2", {"n_embd": 24}, "x").hidden_size == 24
    assert make_config("gpt2", {"hidden_size": 24}, "x").n_embd == 24
    assert make_config(WhisperConfig, {"d_model": 24}, "x").d_model == 24
    assert make_config("llama", {"rope_theta": 5000.0}, "x").rope_parameters["rope_theta"] == 5000.0


@pytest.mark.parametrize("kind", ["gpt2", "bart", "t5", "llama", "bert", "hubert", "audio-spectrogram-transformer"])
def test_a_whole_config_json_can_be_written_out(kind: str) -> None:
    whole = AutoConfig.for_model(kind).to_dict()
    assert len(whole) > 20
    assert make_config(kind, whole, "x").to_dict() == whole


def test_a_key_that_nobody_reads_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"audio\.config\.d_modell(.|\n)*did you mean 'd_model'") as caught:
        build_whisper(WhisperSettings(config={"d_modell": 24, "qqq": 1}))
    assert caught.value.found == "d_modell, qqq"
    with pytest.raises(UsageError, match=r"decoder\.config\.n_embed(.|\n)*did you mean 'n_embd'"):
        build_hf_decoder(HfDecoderSettings(config={"model_type": "gpt2", "n_embed": 16}), ["a dog"], None)
    tokenizer = train_tokenizer(["a dog barks", "rain"], 290)
    with pytest.raises(UsageError, match=r"text\.config\.hidden_sizes(.|\n)*did you mean 'hidden_size'"):
        open_pretrained(HuggingFaceSettings(config={"model_type": "bert", "hidden_sizes": 16}), tokenizer)


def test_an_architecture_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"knows no such architecture(.|\n)*did you mean 'gpt2'"):
        make_config("gpt_2", {}, "decoder.config")


@pytest.mark.parametrize("value", ["wide", -1.5])
def test_a_value_of_another_kind_is_a_letter(value: object) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        build_whisper(WhisperSettings(config={"d_model": value}))
    with pytest.raises(UsageError, match="cannot be opened"):
        build_hf_decoder(HfDecoderSettings(config={"model_type": "gpt2", "n_embd": value}), ["a dog"], None)
    tokenizer = train_tokenizer(["a dog barks", "rain"], 290)
    with pytest.raises(UsageError, match="cannot be opened"):
        open_pretrained(HuggingFaceSettings(config={"model_type": "bert", "hidden_size": value}), tokenizer)
