"""A sentence model as a function from texts to vectors: what sentence similarity and FENSE compare captions by.

Conventions: a vector is the mean over the tokens of a text, as of the models of sentence-transformers; texts longer
than MAX_TOKENS are cut. A text's vector does not depend on what else is in the batch, beyond rounding.

Shapes: B texts, L tokens, D width.

Public names: MAX_TOKENS, load_sentence_embedder.

Source: N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019; FENSE takes paraphrase-TinyBERT-L6-v2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from audiolect.models.pooling import masked_mean
from audiolect.models.text_pretrained import open_pretrained
from audiolect.models.text_settings import HuggingFaceSettings

MAX_TOKENS = 128

_BATCH = 64


def load_sentence_embedder(source: str) -> Callable[[Sequence[str]], npt.NDArray[np.float32]]:
    """A function from n texts to (n, D) float32.

    Args:
        source: a folder with a model of transformers and its tokenizer, or a name on the hub, such as
            ``sentence-transformers/paraphrase-TinyBERT-L6-v2``.

    Raises:
        UsageError: it cannot be opened, or lacks weights.
    """
    opened = open_pretrained(HuggingFaceSettings(source=source, pooling="mean", max_tokens=MAX_TOKENS))
    model = opened.model.eval()

    @torch.inference_mode()
    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows: dict[int, npt.NDArray[np.float32]] = {}
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            tokens = opened.tokenizer(
                [texts[place] for place in places],
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            mask = tokens["attention_mask"]
            states = model(input_ids=tokens["input_ids"], attention_mask=mask).last_hidden_state
            vectors = masked_mean(states, mask.bool()).float().numpy()
            rows |= dict(zip(places, vectors, strict=True))
        return np.stack([rows[place] for place in range(len(texts))])

    return embed
