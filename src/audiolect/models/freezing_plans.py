"""Freezing plans by name, as lists of patterns for ``adapt.py``.

    freezing: {plan: fc1_only}

``fc1_only`` trains the first layer of every feed-forward half, and nothing else. ``clever`` trains all biases, the
convolutions, ``fc1`` everywhere, and the attentions of the decoder. ``all`` freezes nothing. A plan's lists stand
before those that the section gives itself.

Public names: FREEZING_PLANS, NamedPlan.
Source: Kadlčík et al. 2023, arXiv 2305.09690, section 3 (fine-tuning of some layers).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamedPlan:
    """Patterns of what does not train, and of what trains all the same."""

    freeze: tuple[str, ...]
    train: tuple[str, ...]


_CLEVER = (
    "**.bias",
    "**.conv1",
    "**.conv2",
    "**.fc1",
    "decoder.**.encoder_attn",
    "decoder.**.self_attn",
)

FREEZING_PLANS: dict[str, NamedPlan] = {
    "all": NamedPlan((), ()),
    "fc1_only": NamedPlan(("**",), ("**.fc1",)),
    "clever": NamedPlan(("**",), _CLEVER),
}
