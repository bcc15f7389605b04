"""How examples become batches: which part of a recording is read, and how many examples go together.

    policy: crop         crop_seconds of it: from a random place in training, from its middle in evaluation
    policy: all_windows  all of it, as windows of crop_seconds side by side; for evaluation only
    policy: pad          all of it, or its first max_seconds
    policy: windows      windows of window_seconds, each overlapping the next (``audio/windows.py``)

The budget of a global batch, that is of all ranks together, is a number of examples (``batch_size``) or of seconds of
audio with the padding (``batch_seconds``). An example that can be seen beforehand to exceed the budget is refused with
the settings (``crop_seconds`` above ``batch_seconds``); where only the data can tell, because nothing limits the
length, such an example is a batch of its own.

Conventions: as in every configuration of audiolect (``config.py``). Seconds become samples by rounding.

Public names: BatchSettings, POLICIES.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from audiolect.config import Config

POLICIES = ("crop", "all_windows", "pad", "windows")

_Seconds = Annotated[float, Field(gt=0)]
_Count = Annotated[int, Field(ge=1)]


class BatchSettings(Config):
    """The settings of batches. Raises ConfigError through ``parse_config``, with every problem at once."""

    rate_hz: _Count = Field(default=32000, description="The rate of the waveforms; that of the packs.")
    policy: Literal["crop", "all_windows", "pad", "windows"] = Field(
        default="crop", description="Which part of a recording is read."
    )
    crop_seconds: _Seconds = Field(default=10.0, description="Length of a crop, and of a window of all_windows.")
    max_seconds: _Seconds | None = Field(default=None, description="The most that pad reads of a recording.")
    window_seconds: _Seconds = Field(default=10.0, description="Length of a window of the policy windows.")
    window_overlap_seconds: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="How much of a window the next one holds again."
    )
    max_windows: _Count | None = Field(
        default=None, description="The most windows of a recording; null: as many as it has."
    )
    batch_size: _Count | None = Field(
        default=None, description="Examples of a global batch; 16 where batch_seconds is not given either."
    )
    batch_seconds: _Seconds | None = Field(
        default=None, description="Seconds of audio, with the padding, of a global batch; windows count in full."
    )
    look_ahead: _Count = Field(
        default=1024, description="How many examples are looked at together to batch those of like length."
    )
    last: Literal["keep", "drop"] = Field(
        default="keep", description="What becomes of the batch of an epoch that the examples do not fill."
    )
    threads: Annotated[int, Field(ge=0)] = Field(default=2, description="Threads that read ahead; 0: none.")
    depth: _Count = Field(default=4, description="How many batches are read ahead.")
    pad_to_multiple: _Count = Field(
        default=1, description="Waveforms of pad are padded to a multiple of this many samples."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> BatchSettings:
        if self.batch_size is not None and self.batch_seconds is not None:
            raise ValueError("batch_size and batch_seconds are two budgets: give one of them")
        if self.policy == "windows" and self.overlap_samples >= self.window_samples:
            raise ValueError("window_overlap_seconds must be less than window_seconds")
        if min(self.crop_samples, self.window_samples, self.max_samples or 1) < 1:
            raise ValueError("a length in seconds is shorter than one sample")
        budget, most = self.budget_samples, self.most_samples
        if budget is not None and most is not None and most > budget:
            raise ValueError(
                f"one example of the policy {self.policy} may have {most / self.rate_hz:g} seconds, "
                f"more than batch_seconds allows"
            )
        return self

    @property
    def crop_samples(self) -> int:
        """``crop_seconds`` in samples."""
        return round(self.crop_seconds * self.rate_hz)

    @property
    def max_samples(self) -> int | None:
        """``max_seconds`` in samples."""
        return None if self.max_seconds is None else round(self.max_seconds * self.rate_hz)

    @property
    def has_windows(self) -> bool:
        """Whether batches have windows."""
        return self.policy in ("windows", "all_windows")

    @property
    def window_samples(self) -> int:
        """S of the policy: a window's length in samples."""
        return self.crop_samples if self.policy == "all_windows" else round(self.window_seconds * self.rate_hz)

    @property
    def overlap_samples(self) -> int:
        """How many samples of a window the next one holds again."""
        return 0 if self.policy == "all_windows" else round(self.window_overlap_seconds * self.rate_hz)

    @property
    def budget_samples(self) -> int | None:
        """``batch_seconds`` in samples; None where the budget is a number of examples."""
        return None if self.batch_seconds is None else round(self.batch_seconds * self.rate_hz)

    @property
    def size(self) -> int | None:
        """The budget as a number of examples; None where it is seconds."""
        return (self.batch_size or 16) if self.batch_seconds is None else None

    @property
    def most_samples(self) -> int | None:
        """The most that one example may count for in the budget; None where nothing limits it."""
        if self.policy == "crop":
            return self.crop_samples
        if self.policy == "pad":
            most = self.max_samples
            return None if most is None else -(-most // self.pad_to_multiple) * self.pad_to_multiple
        return None if self.max_windows is None else self.max_windows * self.window_samples

    @property
    def look_ahead_examples(self) -> int:
        """How many examples are looked at together: ``look_ahead``, rounded up to whole batches of ``batch_size``."""
        return self.look_ahead if self.size is None else -(-self.look_ahead // self.size) * self.size
