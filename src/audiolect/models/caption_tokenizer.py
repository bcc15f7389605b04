"""Words to tokens and back for captioners: start tokens, a prefix of any length, an answer, one end token.

Conventions: a decoder reads ``start + prefix + answer`` and learns ``prefix + answer + end``, moved by one. The start
tokens stand once. Prefix and answer are tokenized each by itself, in training as in generation, so that a prefix has
the same tokens in both. Of a Whisper the start is ``<|startoftranscript|><|en|><|transcribe|><|notimestamps|>``, of its
English-only sizes without language and task; of other decoders it is the token that their configuration names.

A tokenizer made from captions is byte-level BPE with Whisper's special tokens behind the pieces, so that the libraries
that read Whispers read it too.

Public names: CaptionTokenizer, LEAST_CAPTION_VOCABULARY, train_caption_tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from audiolect.errors import DatasetError, UsageError

END = "<|endoftext|>"
START = "<|startoftranscript|>"
# In the order of the published vocabularies, which transformers counts on.
_SPECIAL = (
    END,
    START,
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
LEAST_CAPTION_VOCABULARY = 256 + len(_SPECIAL)
# The size of the vocabulary of tiny.en and its like.
_ENGLISH_ONLY = 51864


class CaptionTokenizer:
    """A tokenizer of transformers, with what a captioner has to know of it.

    Args:
        words: the tokenizer of transformers.
        start: the ids that every text begins with.
        end: the id that ends a caption.
        lower_case: whether texts are brought to lower case first.
    """

    def __init__(self, words: Any, start: Sequence[int], end: int, *, lower_case: bool = False) -> None:
        self.words = words
        self.start = tuple(start)
        self.end = end
        self.pad = end if words.pad_token_id is None else int(words.pad_token_id)
        self.lower_case = lower_case
        self._known: dict[str, tuple[int, ...]] = {}

    @property
    def size(self) -> int:
        """How many tokens it has."""
        return len(self.words)

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, without special ones; runs of white space inside become one space."""
        if self.lower_case:
            text = text.lower()
        found: list[int] = self.words(text, add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def prefix(self, prefix: str) -> tuple[int, ...]:
        """Start tokens and prefix; the empty prefix is one too."""
        if prefix not in self._known:
            self._known[prefix] = (*self.start, *(self.ids(prefix) if prefix else ()))
        return self._known[prefix]

    def answer(self, answer: str) -> list[int]:
        """The tokens of a caption, without the end.

        Raises:
            UsageError: it is empty.
        """
        text = " ".join(answer.split())
        if not text:
            raise UsageError(
                "A caption is empty: there is nothing to learn.",
                found=repr(answer),
                fix="take this example out of the dataset; audiolect check lists such texts",
            )
        return self.ids(text)

    def text(self, ids: Sequence[int]) -> str:
        """Tokens → text, without special tokens and white space around it."""
        kept = list(ids)
        if self.end in kept:
            kept = kept[: kept.index(self.end)]
        return str(self.words.decode(kept, skip_special_tokens=True)).strip()

    def save(self, folder: Path) -> None:
        """Write the files of transformers."""
        self.words.save_pretrained(folder)


def whisper_tokens(words: Any, *, lower_case: bool = False) -> CaptionTokenizer:
    """A Whisper's tokenizer with the start of English transcripts without time marks.

    Raises:
        UsageError: it is no Whisper's: a special token is missing.
    """
    needed = (END, START, "<|notimestamps|>")
    lacking = [token for token in needed if token not in words.get_vocab()]
    if lacking:
        raise UsageError(
            "The tokenizer is not that of a Whisper.",
            expected="the tokens " + ", ".join(needed),
            found=f"without {', '.join(lacking)}",
            fix="give the folder with the tokenizer that belongs to the weights",
        )
    names = [START, "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    if len(words) == _ENGLISH_ONLY or "<|en|>" not in words.get_vocab():
        names = [START, "<|notimestamps|>"]
    start = [int(words.convert_tokens_to_ids(name)) for name in names]
    return CaptionTokenizer(words, start, int(words.convert_tokens_to_ids(END)), lower_case=lower_case)


def train_caption_tokenizer(
    captions: Iterable[str], vocabulary: int, *, min_count: int = 2, lower_case: bool = True
) -> CaptionTokenizer:
    """A tokenizer with at most ``vocabulary`` tokens, the special ones included.

    The same captions in any order give the same tokenizer.

    Raises:
        DatasetError: there is no caption with a letter in it.
    """
    texts = sorted(" ".join((text.lower() if lower_case else text).split()) for text in captions if text.strip())
    if not texts:
        raise DatasetError(
            "There are no captions to make a tokenizer from.",
            expected="captions in the training split",
            found="none, or empty ones only",
            fix="check the mixture's filters with: audiolect plan",
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(_SPECIAL),
        min_frequency=min_count,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return whisper_tokens(_whisper_words(tokenizer), lower_case=lower_case)


def _whisper_words(tokenizer: Tokenizer) -> Any:
    """The pieces of a BPE as a tokenizer of the class that Whispers have."""
    from transformers import WhisperTokenizer

    model = json.loads(tokenizer.to_str())["model"]
    loads: Any = WhisperTokenizer
    vocabulary = dict(model["vocab"]) | {token: len(model["vocab"]) + place for place, token in enumerate(_SPECIAL)}
    return loads(
        vocab=vocabulary,
        merges=[tuple(pair) for pair in model["merges"]],
        pad_token=END,
        extra_special_tokens=list(_SPECIAL[1:]),
        language="en",
        task="transcribe",
    )
