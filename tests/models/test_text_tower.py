"""The text tower: pooling against transformers, padding, cut and empty texts, frozen vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from audiolect.errors import UsageError
from audiolect.models.text_settings import HuggingFaceSettings, TransformerSettings
from audiolect.models.text_tokenizer import train_tokenizer
from audiolect.models.text_tower import TextTower, needs_captions, tokenizer_for

CAPTIONS = ["a dog barks", "rain", "rain falls on a roof while a dog barks at the rain", "a roof"]
OWN = TransformerSettings(width=16, layers=1, heads=2, max_tokens=16, vocabulary=300, min_count=1)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT with random weights."""
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=20, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(CAPTIONS, 300, min_count=1), pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(folder)  # fmt: skip
    return folder


def tower(folder: Path, **changes: Any) -> TextTower:
    return TextTower(HuggingFaceSettings(source=str(folder), **{"max_tokens": 20, **changes})).eval()


def own() -> TextTower:
    torch.manual_seed(0)
    return TextTower(OWN, tokenizer_for(OWN, CAPTIONS)).eval()


@pytest.mark.parametrize("how", ["cls", "mean", "last", "pooler"])
@torch.no_grad()
def test_vectors_are_those_of_transformers_one_text_at_a_time(bert: Path, how: str) -> None:
    found = tower(bert, pooling=how).encode(CAPTIONS)
    model, words = AutoModel.from_pretrained(bert).eval(), AutoTokenizer.from_pretrained(bert)
    for row, caption in enumerate(CAPTIONS):
        output = model(**words(caption, return_tensors="pt", return_token_type_ids=False))
        hidden = output.last_hidden_state[0]
        expected = {"cls": hidden[0], "mean": hidden.mean(0), "last": hidden[-1], "pooler": output.pooler_output[0]}
        torch.testing.assert_close(found[row], expected[how], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_alone_or_among_32_others_a_text_has_the_same_vector(bert: Path) -> None:
    texts = [" ".join(["rain"] * (1 + number % 9)) + f" {number}" for number in range(33)]
    for made in (own(), tower(bert)):
        together = made.encode(texts)
        alone = torch.cat([made.encode([text]) for text in texts])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
        assert len(together.unique(dim=0)) == 33


def test_a_long_text_is_cut_and_counted_once(bert: Path) -> None:
    long = " ".join(["dog"] * 40)
    for made, most in ((own(), 16), (tower(bert), 20)):
        assert made.truncation.sentence() is None
        for _ in range(2):
            tokens = made.tokenize([long, "a dog"])
        assert tokens["input_ids"].shape == (2, most)
        assert tokens["input_ids"][0, -1] == 2  # the end is kept
        assert tokens["attention_mask"].sum(dim=1).tolist() == [most, 4]
        assert made.truncation.num_texts == 1
        assert made.truncation.most_tokens == 42
        assert "1 texts were cut" in str(made.truncation.sentence())


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_text_is_a_letter(bert: Path, empty: str) -> None:
    for made in (own(), tower(bert), tower(bert, frozen=True)):
        with pytest.raises(UsageError, match=r"text is empty[\s\S]*text 1 of 2|text is empty"):
            made.encode(["a dog", empty])


def test_no_texts_have_no_vectors(bert: Path) -> None:
    assert own().encode([]).shape == (0, 16)
    assert tower(bert, frozen=True).encode([]).shape == (0, 16)


def test_a_frozen_tower_computes_each_text_once_and_never_trains(bert: Path, tmp_path: Path) -> None:
    made = tower(bert, frozen=True, cache=str(tmp_path)).train()
    assert not made.encoder.training
    assert not any(parameter.requires_grad for parameter in made.parameters())
    first = made.encode(["a dog", "rain", "a dog"])
    assert not first.requires_grad
    made.encoder.register_forward_hook(lambda *_: pytest.fail("computed again"))
    assert torch.equal(made.encode(["rain", "a dog"]), first[[1, 0]])
    # Another process finds them on disk; a tower of other weights does not.
    again = tower(bert, frozen=True, cache=str(tmp_path))
    again.encoder.register_forward_hook(lambda *_: pytest.fail("computed again"))
    assert torch.equal(again.encode(["rain"]), first[1:2])
    other = tower(bert, frozen=True, cache=str(tmp_path))
    with torch.no_grad():
        other.encoder.embeddings.word_embeddings.weight.add_(1)
    assert not torch.equal(other.encode(["rain"]), first[1:2])
    with torch.no_grad():
        plain = tower(bert).encode(["a dog", "rain"])
    torch.testing.assert_close(first[:2], plain, atol=1e-5, rtol=0)


def test_other_weights_forget_what_was_computed(bert: Path) -> None:
    made = tower(bert, frozen=True)
    before = made.encode(["rain"])
    made.load_state_dict({name: torch.ones_like(value) for name, value in made.state_dict().items()})
    assert not torch.equal(made.encode(["rain"]), before)


def test_normalised_vectors_have_length_one(bert: Path) -> None:
    lengths = tower(bert, normalise=True).encode(CAPTIONS).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(4))


def test_it_is_saved_without_weights_and_built_again_without_its_source(bert: Path, tmp_path: Path) -> None:
    settings = HuggingFaceSettings(source=str(bert), max_tokens=20)
    for number, made in enumerate((own(), TextTower(settings).eval())):
        folder = tmp_path / str(number)
        made.save_parts(folder)
        gone = made.settings if number == 0 else settings.model_copy(update={"source": str(tmp_path / "gone")})
        again = TextTower(gone, saved=folder).eval()
        again.load_state_dict(made.state_dict())
        with torch.no_grad():
            assert torch.equal(again.encode(CAPTIONS), made.encode(CAPTIONS))
        assert not list(folder.glob("*.safetensors"))


def test_from_nothing_needs_a_tokenizer() -> None:
    config = {"model_type": "bert", "vocab_size": 280}
    random = HuggingFaceSettings(config=config)
    assert [needs_captions(OWN), needs_captions(random), needs_captions(HuggingFaceSettings(source="a"))] == [1, 1, 0]
    made = tokenizer_for(random, CAPTIONS)
    assert made is not None
    assert made.get_vocab_size() <= 280
    assert tokenizer_for(HuggingFaceSettings(source="a"), CAPTIONS) is None
    with pytest.raises(UsageError, match="needs a tokenizer"):
        TextTower(OWN)
