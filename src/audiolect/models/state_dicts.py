"""Weights from files into modules, whole or not at all, with a report by name (``load_reports.py``).

    state = read_weights("Cnn14_mAP=0.431.pth")
    report = load_weights(module, state, where=path, renames=[("bert.", "encoder.")], allow_missing=["head."])
    print(report.text())

Conventions: nothing in a file is executed (safetensors, or torch's ``weights_only``). Names are translated by their
beginnings, the first rename that fits. A tensor that the module lacks, one that the file lacks, and one of another
shape are refused together, in one letter, unless their beginnings are named: ``ignore`` for the file's, before the
translation, ``allow_missing`` for the module's. A wrong shape cannot be allowed: ignore the tensor, and allow it to be
missing.

Public names: read_weights, load_weights, compare_weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.models.load_reports import LoadReport, WrongShape, keep_report
from audiolect.storage import read_json, safe_join

# How files wrap their state dict: PANNs, Lightning, and others.
_WRAPPERS = ("model", "state_dict", "model_state_dict", "module")
_FOLDER_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` file, a file of torch, or a folder of transformers (also in shards).

    A state dict inside of ``{"model": …}``, ``{"state_dict": …}`` and the like is unwrapped, and ``module.``, which
    DDP puts before each name, removed.

    Raises:
        StorageError: there is no such file.
        DamagedFile: it cannot be read, holds more than tensors, or holds no state dict.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise StorageError("There is no such file of weights.", where=path, fix="check the path")
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _unwrapped(_read_torch(path), path)
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return state


def compare_weights(
    module: nn.Module,
    state: Mapping[str, Tensor],
    *,
    renames: Sequence[tuple[str, str]] = (),
    ignore: Sequence[str] = (),
) -> tuple[LoadReport, dict[str, Tensor]]:
    """The report, and the tensors that match under the module's names; nothing is loaded.

    Raises:
        UsageError: two of the file's names become one.
    """
    own = module.state_dict()
    ignored = tuple(name for name in state if name.startswith(tuple(ignore)))
    translated: dict[str, str] = {}
    for name in state:
        if name in ignored:
            continue
        ours = _renamed(name, renames)
        if ours in translated:
            raise UsageError(
                "Two names of a checkpoint become one.", where=ours, found=f"{translated[ours]} and {name}"
            )
        translated[ours] = name
    matched = {
        name: state[theirs]
        for name, theirs in translated.items()
        if name in own and own[name].shape == state[theirs].shape
    }
    report = LoadReport(
        matched=tuple(matched),
        missing=tuple(name for name in own if name not in translated),
        unexpected=tuple(theirs for name, theirs in translated.items() if name not in own),
        wrong_shape=tuple(
            WrongShape(name, tuple(own[name].shape), tuple(state[theirs].shape))
            for name, theirs in translated.items()
            if name in own and own[name].shape != state[theirs].shape
        ),
        ignored=ignored,
        num_parameters=sum(tensor.numel() for tensor in matched.values()),
    )
    return report, matched


def load_weights(
    module: nn.Module,
    state: Mapping[str, Tensor],
    *,
    where: object,
    renames: Sequence[tuple[str, str]] = (),
    ignore: Sequence[str] = (),
    allow_missing: Sequence[str] = (),
) -> LoadReport:
    """Fill a module, say what matched, and let the module remember it.

    Args:
        module: keeps its own values where ``allow_missing`` lets it.
        state: from ``read_weights``.
        where: the file, for the letter.
        renames: beginnings of names, (the file's, the module's); the first that fits is taken.
        ignore: beginnings of the file's names that are left out.
        allow_missing: beginnings of the module's names that the file need not have.

    Raises:
        UsageError: the load would be partial beyond what is allowed; nothing is loaded then.
    """
    report, matched = compare_weights(module, state, renames=renames, ignore=ignore)
    allowed = tuple(allow_missing)
    refused = [name for name in report.missing if not name.startswith(allowed)]
    if refused or report.unexpected or report.wrong_shape or not matched:
        raise UsageError(
            "The weights do not fit the model; nothing was loaded.",
            where=where,
            expected=f"the {len(module.state_dict())} tensors of {type(module).__name__}",
            found="\n" + "\n".join(f"    {line}" for line in report.text().splitlines()),
            cause="a checkpoint of another architecture, of other settings, or one with a head of its own",
            fix="take the settings of the checkpoint, or name what may be left out (ignore, allow_missing)",
        )
    module.load_state_dict(matched, strict=False)
    keep_report(module, where, report)
    return report


def _renamed(name: str, renames: Sequence[tuple[str, str]]) -> str:
    for theirs, ours in renames:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as problem:
        raise DamagedFile("The weights cannot be read.", where=path, found=problem) from problem


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as problem:
        found = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DamagedFile("The weights cannot be read.", where=path, found=found) from problem
    except torch.serialization.pickle.UnpicklingError as problem:  # type: ignore[attr-defined]
        raise DamagedFile(
            "The file holds more than tensors, or is no file of torch; nothing in it was run.",
            where=path,
            expected="a state dict: names and tensors",
            found=str(problem).splitlines()[0].partition(". ")[0],
            fix="save its state dict alone, as safetensors",
        ) from problem


def _unwrapped(content: Any, path: Path) -> dict[str, Tensor]:
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise DamagedFile(
            "The file holds no state dict.",
            where=path,
            expected="names and tensors, or such a mapping under one of " + ", ".join(_WRAPPERS),
            found=f"{type(content).__name__}" + (f" with {', '.join(map(str, content))[:80]}" if content else ""),
        )
    return {str(name): tensor for name, tensor in content.items()}


def _read_folder(folder: Path) -> dict[str, Tensor]:
    name = next((name for name in _FOLDER_FILES if (folder / name).is_file()), None)
    if name is None:
        raise StorageError("There are no weights in the folder.", where=folder, expected=" or ".join(_FOLDER_FILES))
    if not name.endswith(".index.json"):
        return read_weights(folder / name)
    index = read_json(folder / name)
    shards = sorted(set(index.get("weight_map", {}).values())) if isinstance(index, dict) else []
    return {name: tensor for shard in shards for name, tensor in _read_safetensors(safe_join(folder, shard)).items()}
