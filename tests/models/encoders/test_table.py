"""The table of audio encoders."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from audiolect.errors import UsageError
from audiolect.models.encoder_output import AudioEncoder
from audiolect.models.encoders.small import SmallSettings
from audiolect.models.encoders.table import ENCODERS, build_encoder


def test_every_row_is_named_as_its_settings_are() -> None:
    names = {name: entry.settings.model_fields["name"].default for name, entry in ENCODERS.items()}
    assert names == {name: name for name in ENCODERS}
    assert "small" in names


def test_the_section_builds_what_it_names() -> None:
    made = build_encoder(SmallSettings(width=2))
    assert isinstance(made, AudioEncoder)
    assert made.embedding_size == 16


def test_a_name_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no audio encoder named 'smal'[\s\S]*small"):
        build_encoder(SimpleNamespace(name="smal"))
