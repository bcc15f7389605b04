"""The interface that every encoder meets, and that the small one meets."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from audiolect.models.encoder_output import AudioEncoder, EncoderOutput
from audiolect.models.encoders.small import SmallEncoder, SmallSettings


def test_an_output_cannot_be_changed() -> None:
    output = EncoderOutput(torch.zeros(1, 2), torch.zeros(1, 3, 2), torch.ones(1, 3, dtype=torch.bool))
    with pytest.raises(dataclasses.FrozenInstanceError):
        output.pooled = torch.ones(1, 2)  # type: ignore[misc]


def test_the_small_encoder_is_an_audio_encoder_and_a_list_is_none() -> None:
    assert isinstance(SmallEncoder(SmallSettings(width=2)), AudioEncoder)
    assert not isinstance([], AudioEncoder)
