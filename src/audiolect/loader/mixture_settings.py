"""The file of a mixture: where datasets are, and how much of each a training takes.

    data:
      soundworld: {dataset: data/world, pack: data/world-pack}
    mixture:
      global_weight: 0.1
      epochs: 10
      seed: 7
      captions: one
      entries:
        soundworld-AudioCaptioning/train: {weight: 1.0, prefix_prob: 0.5, augmentations: {noise: 0.3, gain: 0.3}}
        soundworld-AQA/train: {weight: {0: 0.5, 5: 1.0}}

Conventions: as in every configuration of audiolect (``config.py``). What can be seen to be wrong without opening a
dataset is said here, with the lines of the file; the rest by ``mixture.py``. A key names a dataset of ``data``, a task
and a split (``tasks.py``).

Public names: MixtureFile, DataSource, MixtureSettings, EntrySettings, MOST_EPOCHS, canonical_key.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from audiolect.audio.augment_chain import ChainSettings, Step
from audiolect.config import Config
from audiolect.errors import UsageError, nearest_names
from audiolect.loader.schedules import Schedule
from audiolect.tasks import DatasetKey, get_task, parse_dataset_key

MOST_EPOCHS = 1_000_000  # a plan is told epoch by epoch: more would be a slip of the finger, and take minutes

_Probability: TypeAlias = Annotated[float, Field(ge=0, le=1)]


def canonical_key(key: str) -> DatasetKey:
    """The parts of a key, the task under its name in the table of tasks.

    Raises:
        UsageError: it is no key, or there is no such task.
    """
    parts = parse_dataset_key(key)
    return parts._replace(task=get_task(parts.task).name)


def _checked_key(key: str) -> str:
    try:
        canonical_key(key)
    except UsageError as problem:
        raise ValueError(_one_line(problem)) from problem
    return key


def _checked_weight(weight: Any) -> float | dict[int, float]:
    """A number above 0, or steps of them; said in words of our own, for pydantic would say it once for each type."""
    if not isinstance(weight, dict):
        if _is_number(weight) and 0 < weight < float("inf"):
            return float(weight)
        hint = "; to leave the entry out, take it out of the file" if weight == 0 else ""
        raise ValueError(
            f"expected a number above 0, or a schedule such as {{0: 1.0, 50: 2.0}}; found {weight!r}{hint}"
        )
    steps: dict[int, float] = {}
    for start, value in weight.items():
        if not (isinstance(start, str | int) and str(start).isdecimal()):
            raise ValueError(f"a schedule has epochs as keys, counted from 0; found {start!r}")
        if not (_is_number(value) and 0 <= value < float("inf")):
            raise ValueError(f"expected a number, 0 or more, from epoch {start} on; found {value!r}")
        if int(start) in steps:
            raise ValueError(f"the schedule names epoch {int(start)} twice")
        steps[int(start)] = float(value)
    if 0 not in steps:
        raise ValueError("a schedule needs the weight of epoch 0")
    if not any(steps.values()):
        raise ValueError("every weight of the schedule is 0; to leave the entry out, take it out of the file")
    return steps


def _checked_augmentations(value: Any) -> Any:
    if isinstance(value, dict):
        for name, options in value.items():
            try:
                _step(name, options)
            except UsageError as problem:
                raise ValueError(_one_line(problem)) from problem
            except TypeError as problem:
                raise ValueError(f"the options of {name} cannot be these: {problem}") from problem
    return value


_Key = Annotated[str, AfterValidator(_checked_key)]
_Weight = Annotated[Any, AfterValidator(_checked_weight)]
_Augmentations = Annotated[dict[str, Any], AfterValidator(_checked_augmentations)]


class DataSource(Config):
    """Where a dataset is."""

    dataset: str = Field(description="The dataset folder; relative to this file.")
    pack: str | None = Field(
        default=None, description="Its pack: a folder relative to this file, or a URL; null: its own audio files."
    )
    where: str | None = Field(
        default=None, description="The part of the dataset that is meant, e.g. fold != 5; null: all of it."
    )


class EntrySettings(Config):
    """How one entry takes part."""

    weight: _Weight = Field(
        default=1.0, description="Passes per epoch before the global weight: a number above 0, or {epoch: weight}."
    )
    captions: Literal["one", "all"] | None = Field(
        default=None, description="One answer drawn per pass, or all as examples of their own; null: as the mixture."
    )
    prefix_prob: _Probability = Field(default=0.0, description="How often a prompt says its task first.")
    augmentations: _Augmentations = Field(
        default={}, description="Augmentation: probability, or {probability: p, …its options}."
    )
    clipping: Literal["clip", "scale", "none"] = Field(
        default="clip", description="What becomes of augmented values beyond full scale."
    )

    @property
    def schedule(self) -> Schedule:
        """The weight over the epochs."""
        return Schedule.of(self.weight) if isinstance(self.weight, dict) else Schedule.constant(self.weight)

    @property
    def chain(self) -> ChainSettings | None:
        """The augmentations of its waveforms, in the order of the file; None where there are none."""
        if not self.augmentations:
            return None
        return ChainSettings(1.0, tuple(_step(*pair) for pair in self.augmentations.items()), self.clipping)


class MixtureSettings(Config):
    """How much of what is drawn."""

    global_weight: Annotated[float, Field(gt=0)] = Field(
        default=1.0, description="Times every weight: which part of a pass one virtual epoch takes."
    )
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] = Field(
        default=1, description="How many virtual epochs the training has."
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="Chooses every order and every draw.")
    captions: Literal["one", "all"] = Field(default="one", description="For entries that do not say.")
    entries: Annotated[dict[_Key, EntrySettings], Field(min_length=1)] = Field(
        description="DATASET-Task/split: how it takes part."
    )

    @model_validator(mode="after")
    def _keys_differ(self) -> MixtureSettings:
        known: dict[DatasetKey, str] = {}
        for key in self.entries:
            twin = known.setdefault(canonical_key(key), key)
            if twin != key:
                raise ValueError(f"the entries {twin} and {key} are the same task and split: keep one of them")
        return self


class MixtureFile(Config):
    """The whole file."""

    data: Annotated[dict[str, DataSource], Field(min_length=1)] = Field(description="Where datasets and packs are.")
    mixture: MixtureSettings = Field(description="How much of each is drawn.")

    @model_validator(mode="after")
    def _datasets_are_known(self) -> MixtureFile:
        for key in self.mixture.entries:
            name = canonical_key(key).dataset
            if name not in self.data:
                near = nearest_names(name, self.data)
                guess = f"did you mean {' or '.join(near)}?" if near else f"data has {', '.join(sorted(self.data))}"
                raise ValueError(f"mixture.entries.{key}: there is no dataset {name!r} in data; {guess}")
        return self


def _step(name: str, options: Any) -> Step:
    if not isinstance(options, dict):
        if not _is_number(options):
            raise UsageError("A probability is a number.", where=name, expected="0 to 1", found=options)
        return Step(name, options)
    rest = dict(options)
    probability = rest.pop("probability", None)
    if not _is_number(probability):
        raise UsageError("An augmentation needs its probability.", where=name, expected="0 to 1", found=probability)
    return Step(name, probability, {key: tuple(v) if isinstance(v, list) else v for key, v in rest.items()})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _one_line(problem: UsageError) -> str:
    parts = problem.parts()
    words = [parts.pop("what").rstrip(".")]
    words += [f"expected {parts['expected']}"] if "expected" in parts else []
    words += [f"found {parts['found']}"] if "found" in parts else []
    words += [parts["fix"]] if "fix" in parts else []
    return "; ".join(words)
