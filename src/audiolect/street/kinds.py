"""The kinds of stages, as a table that one can grep.

Public names: KINDS.
"""

from __future__ import annotations

from audiolect.street.data_stages import CHECK, LEAKS, PACK, PREPARE
from audiolect.street.kind import Kind
from audiolect.street.model_stages import INDEX, PREDICT, TRAIN
from audiolect.street.score_stages import COLLECTION, EVALUATE, REPORT

KINDS: dict[str, Kind] = {
    "prepare": PREPARE,
    "check": CHECK,
    "leaks": LEAKS,
    "pack": PACK,
    "train": TRAIN,
    "predict": PREDICT,
    "evaluate": EVALUATE,
    "index": INDEX,
    "report": REPORT,
    "collection": COLLECTION,
}
