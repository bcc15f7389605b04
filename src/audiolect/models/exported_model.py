"""What a folder for transformers holds, in words and numbers: made by ``hf_export.py``, told by the model's card.

Conventions: no torch here, so that cards are written without it.

Public names: ExportedModel.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What was made, for its card.

    Args:
        class_name: the class of transformers that loads it.
        pipeline: the name of transformers' pipeline for it.
        tags: what it is, in the words of the Hub.
        checkpoint_hash: of the weights as audiolect loads them, by which scores name them.
        num_parameters: how many it has.
        rate_hz: of the sound that it hears.
        styles: the prefixes that it was trained with; of captioners.
        style: the one that the pipeline writes in; "" where there is none.
        remarks: where transformers differs from audiolect, a sentence each.
    """

    class_name: str
    pipeline: str
    tags: tuple[str, ...]
    checkpoint_hash: str
    num_parameters: int
    rate_hz: int
    styles: tuple[str, ...] = ()
    style: str = ""
    remarks: tuple[str, ...] = ()
