"""A tokenizer made from captions: byte-level BPE, so that there is no text that it cannot write.

Texts are normalised first (NFKC, lower case, runs of white space become one space). Beside the merges, the vocabulary
has the 256 bytes and the special tokens of SPECIAL_TOKENS; a tokenized text is ``[CLS] pieces [SEP]``.

Conventions: the same captions in any order give the same tokenizer, byte for byte. It is saved as ``tokenizer.json``,
which the libraries tokenizers and transformers read.

Public names: SPECIAL_TOKENS, LEAST_VOCABULARY, train_tokenizer, read_tokenizer, write_tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from audiolect.errors import DamagedFile, DatasetError
from audiolect.storage import read_json, write_text

SPECIAL_TOKENS = ("[PAD]", "[CLS]", "[SEP]")
LEAST_VOCABULARY = 256 + len(SPECIAL_TOKENS)


def train_tokenizer(captions: Iterable[str], vocabulary: int, *, min_count: int = 2) -> Tokenizer:
    """A tokenizer with at most ``vocabulary`` tokens.

    Args:
        captions: of the training split alone.
        vocabulary: at least 259: the bytes and the special tokens.
        min_count: a merge is learned when its pair occurs this often.

    Raises:
        DatasetError: there is no caption with a letter in it.
    """
    texts = sorted(text for text in captions if text.strip())
    if not texts:
        raise DatasetError(
            "There are no captions to make a tokenizer from.",
            expected="captions in the training split",
            found="none, or empty ones only",
            fix="check the mixture's filters with: audiolect plan",
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=min_count,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, path: str | Path) -> None:
    """Write ``tokenizer.json``, atomically."""
    write_text(path, tokenizer.to_str(pretty=False))


def read_tokenizer(path: str | Path) -> Tokenizer:
    """Read ``tokenizer.json``. Raises DamagedFile where it is absent or no tokenizer of ours."""
    stored = read_json(path)
    # The library reports most of what is wrong by the bare Exception, so the parts are looked at first.
    if not isinstance(stored, dict) or not isinstance(stored.get("model"), dict):
        raise DamagedFile("The file is no tokenizer.", where=path, expected="an object with the key 'model'")
    tokenizer = Tokenizer.from_file(str(path))
    missing = [token for token in SPECIAL_TOKENS if tokenizer.token_to_id(token) is None]
    if missing:
        raise DamagedFile("The tokenizer lacks special tokens.", where=path, expected=", ".join(missing))
    return tokenizer
