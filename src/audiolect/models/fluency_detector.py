"""The detector of disfluent captions that FENSE and SPIDEr-FL use: BERT, and a layer over its first token.

    encoder.…     a BERT of transformers
    clf.weight    (C, D), clf.bias (C,): one output for each kind of error, the last one for any error

Conventions: texts are cut at MAX_TOKENS tokens. The probability of an error is the sigmoid of the last output. The
published file names its encoder (``model_type``), whose configuration and tokenizer come from a folder or the hub; all
weights of the encoder come from the file.

Shapes: B texts, L tokens, D width, C kinds of error.

Public names: MAX_TOKENS, FluencyDetector, load_fluency_detector.

Source: Z. Zhou et al., "Can audio captions be evaluated with image caption metrics?", ICASSP 2022, section 3.2; the
names of tensors are those of its published files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from audiolect.errors import DamagedFile, UsageError
from audiolect.models.state_dicts import load_weights, read_weights

MAX_TOKENS = 64

_BATCH = 64
_NAMES = ("*.safetensors", "*.ckpt", "*.pt", "*.bin")
# A constant that older versions of transformers stored among the weights.
_CONSTANTS = ("encoder.embeddings.position_ids",)


class FluencyDetector(nn.Module):
    """Texts as tokens → what is wrong with them.

    Args:
        encoder: a BERT.
        num_errors: C.
    """

    def __init__(self, encoder: Any, num_errors: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.clf = nn.Linear(encoder.config.hidden_size, num_errors)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(B, L) tokens and mask → (B, C) probabilities."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return torch.sigmoid(self.clf(states[:, 0]))


def load_fluency_detector(
    path: str | Path, *, encoder: str | None = None
) -> Callable[[Sequence[str]], npt.NDArray[np.float64]]:
    """A function from n texts to (n,) probabilities of any error.

    Args:
        path: the published file; or a folder with it and with ``config.json`` and the tokenizer of its encoder.
        encoder: folder or hub name of the configuration and tokenizer; None: the folder itself, or what the file names.

    Raises:
        StorageError: there is no such file.
        DamagedFile: it is no such detector.
        UsageError: its encoder cannot be opened, or weights do not fit.
    """
    file = _weights_file(Path(path))
    state = read_weights(file)
    if "clf.weight" not in state:
        raise DamagedFile(
            "The file is no detector of disfluent captions.",
            where=file,
            expected="tensors encoder.… and clf.weight, clf.bias",
            found=", ".join(sorted(state)[:5]),
        )
    source = encoder or (str(path) if (Path(path) / "config.json").is_file() else _named_encoder(file))
    model, tokenizer = _architecture(source, int(state["clf.weight"].shape[0]))
    # The pooler of BERT is in the file or not, and no output depends on it.
    load_weights(model, state, where=file, ignore=[*_CONSTANTS, "encoder.pooler."], allow_missing=["encoder.pooler."])
    model.eval()

    @torch.inference_mode()
    def errors(texts: Sequence[str]) -> npt.NDArray[np.float64]:
        found = []
        for start in range(0, len(texts), _BATCH):
            tokens = tokenizer(
                list(texts[start : start + _BATCH]),
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            found.append(model(tokens["input_ids"], tokens["attention_mask"])[:, -1].double().numpy())
        return np.concatenate(found) if found else np.zeros(0)

    return errors


def _weights_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = [file for pattern in _NAMES for file in sorted(path.glob(pattern))]
    return found[0] if found else path / "model.safetensors"


def _named_encoder(file: Path) -> str:
    """The encoder that the published file names."""
    stored: Any = torch.load(file, map_location="cpu", weights_only=True) if file.suffix != ".safetensors" else {}
    name = stored.get("model_type") if isinstance(stored, Mapping) else None
    if not isinstance(name, str):
        raise UsageError(
            "The detector does not say which encoder it has.",
            where=file,
            expected="model_type in the file, or a folder with config.json and the tokenizer beside it",
            fix="give a folder with the file, config.json and the tokenizer of its BERT",
        )
    return name


def _architecture(source: str, num_errors: int) -> tuple[FluencyDetector, Any]:
    auto: Any = AutoModel
    try:
        encoder = auto.from_config(AutoConfig.from_pretrained(source))
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, KeyError) as problem:
        raise UsageError(
            "The encoder of the fluency detector cannot be opened.",
            where=source,
            found=f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0]}",
            cause="no such folder or name, or no connection",
            fix="give a folder with the detector's file, config.json and the tokenizer of its BERT",
        ) from problem
    return FluencyDetector(encoder, num_errors), tokenizer
