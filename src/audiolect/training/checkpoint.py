"""Checkpoints: everything that a training needs to go on as if it had never stopped.

    checkpoints/00001200/card.json                       header; step, epoch, position, metrics, state, hashes
    checkpoints/00001200/model.safetensors, …            the model as its ``save_model`` writes it
    checkpoints/00001200/training/optimizer.safetensors  PARAMETER|KEY → tensor: the moments of AdamW
    checkpoints/00001200/training/weights.safetensors    the weights themselves, where the model's are their average
    checkpoints/00001200/training/random-0.safetensors   for each rank: the states of torch, numpy and python

Conventions: written as one folder, whole or not at all; then ``last`` and ``best`` are moved, then older ones are
removed. So whenever a process is killed, ``last`` names a whole checkpoint. No pickle: tensors and JSON only. With FSDP
all ranks call, for their parts are brought together; the first one writes.

Public names: Trained, save_checkpoint, restore_optimizer, restore_random, restore_weights, prune_checkpoints,
drop_later.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from audiolect.errors import DamagedFile
from audiolect.storage import atomic_folder, file_header, fingerprint_file, write_json
from audiolect.training.averaging import WeightAverage
from audiolect.training.run_folder import (
    CHECKPOINT_CARD,
    CHECKPOINT_KIND,
    CHECKPOINT_VERSION,
    CHECKPOINTS,
    Run,
    checkpoint_path,
    write_pointer,
)
from audiolect.training.sharding import Sharded
from audiolect.training.validation import gather_objects

_BETWEEN = "|"


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What is saved: the model, what trains it, how the model is written into a folder, and whether it is divided."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    save_model: Callable[[Any, Path], None]
    sharded: Sharded | None = None

    def for_use(self) -> AbstractContextManager[None]:
        """The model as it is used for as long as a block lasts: with its average, where there is one."""
        return nullcontext() if self.average is None else self.average.swapped(self.model)


def save_checkpoint(run: Path, trained: Trained, state: Mapping[str, Any], *, is_main: bool, keep: int) -> None:
    """Write the checkpoint of a step, move ``last`` and ``best``, and remove what is too old.

    Args:
        run: the folder of the run.
        trained: the model and its training.
        state: plain values for the card; ``step`` and ``best_step`` are read here.
        is_main: whether this rank writes; all ranks must call.
        keep: how many of the newest remain.

    Raises:
        StorageError: it cannot be written; the checkpoints before remain.
    """
    whole = trained.model if trained.sharded is None else trained.sharded.whole()
    moments = _optimizer_tensors(trained.model, trained.optimizer)
    weights = {name: _whole(p) for name, p in trained.model.named_parameters()} if trained.average else {}
    states = gather_objects(_random_state())
    if is_main:
        step = int(state["step"])
        with atomic_folder(checkpoint_path(run, step), overwrite=True) as folder:
            training = folder / "training"
            training.mkdir()
            with trained.for_use():
                trained.save_model(whole, folder)
            if trained.average is not None:
                save_file(
                    {n: weights[n].contiguous() for n in trained.average.values}, training / "weights.safetensors"
                )
            save_file(moments, training / "optimizer.safetensors")
            for rank, tensors in enumerate(states):
                save_file(tensors, training / f"random-{rank}.safetensors")
            files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
            hashes = {name: fingerprint_file(path) for name, path in files.items()}
            header = file_header(CHECKPOINT_KIND, CHECKPOINT_VERSION)
            write_json(folder / CHECKPOINT_CARD, {**header, **state, "files": hashes})
        write_pointer(run, "last", step)
        if state.get("best_step") is not None:
            write_pointer(run, "best", int(state["best_step"]))
        prune_checkpoints(run, keep=keep, best=state.get("best_step"))


def restore_optimizer(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Give an optimiser the moments of a checkpoint.

    Raises:
        DamagedFile: they are not those of what trains in the model.
    """
    found = load_file(path / "training" / "optimizer.safetensors")
    owned = {id(p) for group in optimizer.param_groups for p in group["params"]}
    named = {name: p for name, p in model.named_parameters() if id(p) in owned}
    unknown = sorted({key.partition(_BETWEEN)[0] for key in found} - set(named))
    if unknown:
        raise DamagedFile(
            "The optimiser was that of other parameters.",
            where=path,
            expected=f"moments of parameters that train now, {len(named)} of them",
            found=", ".join(unknown[:5]),
            cause="the freezing plan has changed",
            fix="train it anew with --new",
        )
    for key, value in found.items():
        name, _, kind = key.partition(_BETWEEN)
        optimizer.state[named[name]][kind] = value if kind == "step" else _placed(value, named[name])


def restore_weights(path: Path, model: nn.Module, average: WeightAverage | None, updates: int) -> None:
    """Put back the weights themselves, into a model that was loaded with what the checkpoint holds for use."""
    if average is None:
        return
    average.load(dict(model.named_parameters()), updates)
    weights = load_file(path / "training" / "weights.safetensors")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])


def restore_random(path: Path, rank: int) -> bool:
    """Put back the random states of a rank; False where the run had fewer ranks then."""
    file = path / "training" / f"random-{rank}.safetensors"
    if not file.is_file():
        return False
    found = load_file(file)
    torch.set_rng_state(found["torch"])
    position, has_gauss = found["numpy_position"].tolist()
    keys, gauss = found["numpy_keys"].numpy().view(np.uint32), float(found["numpy_gauss"])
    np.random.set_state(("MT19937", keys, position, has_gauss, gauss))
    version, *rest = found["python"].tolist()
    has_next = bool(found["python_gauss"].numel())
    random.setstate((version, tuple(rest), float(found["python_gauss"][0]) if has_next else None))
    if "cuda" in found and torch.cuda.is_available():
        torch.cuda.set_rng_state(found["cuda"])
    return True


def prune_checkpoints(run: Path, *, keep: int, best: int | None) -> None:
    """Remove all checkpoints but the newest ``keep`` and the best."""
    steps = Run(run, {}, {}).steps
    for step in steps[: max(0, len(steps) - keep)]:
        if step != best:
            shutil.rmtree(checkpoint_path(run, step))


def drop_later(run: Path, step: int) -> None:
    """Remove checkpoints of steps after this one: written, but never named by ``last``."""
    for later in Run(run, {}, {}).steps:
        if later > step:
            shutil.rmtree(run / CHECKPOINTS / checkpoint_path(run, later).name)


def _optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    named = {id(p): name for name, p in model.named_parameters()}
    return {
        f"{named[id(parameter)]}{_BETWEEN}{kind}": _whole(value)
        for parameter, values in optimizer.state.items()
        for kind, value in values.items()
    }


def _whole(tensor: Tensor) -> Tensor:
    full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return full.detach().to("cpu").contiguous().clone()


def _placed(value: Tensor, parameter: Tensor) -> Tensor:
    """A moment on the device of its parameter, divided as it is, and in its memory layout: the same bits come out."""
    if isinstance(parameter, DTensor):
        return distribute_tensor(value, parameter.device_mesh, parameter.placements)
    return torch.empty_like(parameter).copy_(value)


def _random_state() -> dict[str, Tensor]:
    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    version, internal, next_gauss = random.getstate()
    states = {
        "torch": torch.get_rng_state(),
        "numpy_keys": torch.from_numpy(np.array(keys, np.uint32).view(np.int32)),
        "numpy_position": torch.tensor([int(position), int(has_gauss)]),
        "numpy_gauss": torch.tensor(float(gauss), dtype=torch.float64),
        "python": torch.tensor([version, *internal]),
        "python_gauss": torch.tensor([] if next_gauss is None else [next_gauss], dtype=torch.float64),
    }
    return states | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})
