"""Configurations of transformers that a recipe writes out: a key that nobody reads is refused.

transformers keeps any key that it is given, read or not; a slip of the pen would be a model of another size than was
meant. What an architecture reads are the keys of its default configuration, their other names, and some of old.

Public names: make_config, HF_PROBLEMS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from audiolect.errors import UsageError, nearest_names

HF_PROBLEMS: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    ImportError,
    RuntimeError,
    StrictDataclassError,
)
"""What transformers raises where a model cannot be opened; StrictDataclassError: a value of another kind."""

# Read by transformers, but not in the default configuration of any architecture.
_OF_OLD = {"num_labels", "rope_scaling", "rope_theta", "torch_dtype"}


def make_config(kind: Any, keys: Mapping[str, Any], where: str) -> Any:
    """The configuration of an architecture.

    Args:
        kind: its class of transformers, or its model_type.
        keys: what differs from the default.
        where: the place in the recipe, for letters.

    Raises:
        UsageError: a key that the architecture does not read, with the nearest that it does, or no such model_type.
        HF_PROBLEMS: a value is impossible.
    """
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    if isinstance(kind, str):
        if kind not in CONFIG_MAPPING:
            near = nearest_names(kind, CONFIG_MAPPING)
            raise UsageError(
                "A model cannot be opened: transformers knows no such architecture.",
                where=f"{where}.model_type",
                found=repr(kind),
                fix=f"did you mean {near[0]!r}?" if near else "take a model_type that stands in a config.json",
            )
        kind = type(AutoConfig.for_model(kind))
    known = {field.name for field in dataclasses.fields(kind)} | set(kind().to_dict()) | set(kind.attribute_map)
    known |= _OF_OLD
    unread = sorted(set(keys) - known)
    if unread:
        near = nearest_names(unread[0], known)
        raise UsageError(
            "A configuration has a key that its architecture does not read.",
            where=f"{where}.{unread[0]}",
            expected=f"keys of {kind.__name__}",
            found=", ".join(unread),
            fix=f"did you mean {near[0]!r}?" if near else "leave it out",
        )
    return kind(**keys)
