"""Which part of a dataset a prediction is asked for, and whether its sound and its target fit.

Conventions: what is left out is counted by reason, and the counts stand on the card. Every model is heard at its own
rate; nothing is resampled on the way.

Public names: PartRequest, ChosenPart, choose_part, check_rate, check_not_there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from audiolect.data.dataset import Dataset
from audiolect.data.quarantine import without_quarantined
from audiolect.dataset_part import PartFacts, part_facts, select_part
from audiolect.errors import AlreadyExists, DatasetError, UsageError
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.waveforms import WaveformSource
from audiolect.predict.recordings import recordings_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRequest:
    """What every prediction is asked with, whatever the model says.

    Args:
        settings: how recordings are read and batched.
        split, where: the part of the dataset.
        keep_quarantined: also take what the check has put on the quarantine list.
        allow_partial: leave out, and count, recordings that the source lacks.
        source: what is read, for the card: ``pack`` or ``files``.
        overwrite: replace predictions that are there.
        command: for the card.
    """

    settings: BatchSettings
    split: str | None = None
    where: str | None = None
    keep_quarantined: bool = False
    allow_partial: bool = False
    source: str = "files"
    overwrite: bool = False
    command: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ChosenPart:
    """The part of a dataset that is predicted.

    Args:
        dataset: its recordings, and their examples.
        facts: of the part that was asked for, with what is left out.
        left_out: reason → recordings.
    """

    dataset: Dataset
    facts: PartFacts
    left_out: dict[str, int]


def choose_part(request: PartRequest, dataset: Dataset, source: WaveformSource) -> ChosenPart:
    """What can be predicted of the part that was asked for.

    Raises:
        UsageError, FilterError: the part cannot be chosen.
        DatasetError: nothing is left, or the source has none of it.
    """
    whole = select_part(dataset, split=request.split, where=request.where)
    expected = whole.recordings.height
    part = whole if request.keep_quarantined else without_quarantined(whole)
    left_out = {"quarantined": expected - part.recordings.height}
    here = recordings_in(part, source)
    if request.allow_partial and not here.all():
        left_out[f"not in the {request.source}"] = int((~here).sum())
        kept = part.recordings.filter(here)
        examples = part.examples.join(kept.select("recording_id"), on="recording_id", how="semi", maintain_order="left")
        part = replace(part, scan_recordings=kept.lazy(), scan_examples=examples.lazy(), in_memory=True)
        if not kept.height:
            raise DatasetError("The source has none of the recordings.", where=dataset.folder, expected=expected)
    facts = part_facts(dataset, split=request.split, where=request.where, num_expected=expected)
    return ChosenPart(part, facts, {reason: count for reason, count in left_out.items() if count})


def check_rate(request: PartRequest, dataset: Dataset, source: WaveformSource, rate_hz: int) -> None:
    """That sound comes at the rate of the model.

    Raises:
        UsageError: it comes at another one.
    """
    if not source.rate_hz == rate_hz == request.settings.rate_hz:
        raise UsageError(
            "The sound is not at the rate of the model.",
            expected=f"{rate_hz} Hz",
            found=f"{source.rate_hz} Hz",
            fix=f"audiolect pack {dataset.folder} --rate-hz {rate_hz} --out PACK, or predict without --pack",
        )


def check_not_there(request: PartRequest, target: Path, name: str) -> None:
    """That a folder does not hold predictions yet, which end with the file ``name``.

    Raises:
        AlreadyExists: it does, and the request does not say ``overwrite``.
    """
    if (target / name).is_file() and not request.overwrite:
        raise AlreadyExists(
            "The folder holds predictions.", where=target, fix="give --overwrite to replace them, or another --out"
        )
