"""Low-rank updates of linear layers (LoRA), through peft: put in, merged, saved as an adapter, loaded.

    add_lora(model, settings)          # the weights freeze, and small matrices beside the targets train
    merge_lora(model)                  # the updates become part of the weights; the model is as without LoRA
    save_adapter(model, folder); load_adapter(model, folder)

Conventions: targets are the last parts of the names of linear layers (``q_proj``); each must fit a layer. An adapter's
folder has peft's own files, ``adapter_config.json`` and ``adapter_model.safetensors``; it goes onto the weights that it
was trained beside, whose fingerprint stands in ``base.json``. Needs the extra ``lora``.

Public names: add_lora, merge_lora, has_lora, save_adapter, load_adapter.
Source: Hu et al. 2021, arXiv 2106.09685.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from audiolect.errors import DamagedFile, UsageError, missing_extra, nearest_names
from audiolect.models.captioner_settings import LoraSettings
from audiolect.models.state_dicts import read_weights
from audiolect.models.weights_hash import weights_hash
from audiolect.storage import atomic_path, check_header, file_header, read_json, write_json

_VERSION = 1
# What peft puts before the weights that were there, and into the names of its own.
_BASE = ".base_layer"
_OWN = ("lora_", "modules_to_save")


def add_lora(model: nn.Module, settings: LoraSettings) -> None:
    """Put low-rank updates beside the targets, which do nothing at first, and freeze all else.

    Raises:
        MissingDependency: peft is not installed.
        UsageError: a target fits no linear layer, or the model has LoRA already.
    """
    peft = _peft()
    if has_lora(model):
        raise UsageError("The model has low-rank updates already.", where="lora", fix="merge them first")
    linear = {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if _is_linear(module)}
    linear.discard("bridge")
    for target in settings.targets:
        if target not in linear:
            near = nearest_names(target, linear)
            raise UsageError(
                f"No linear layer's name ends with {target!r}.",
                where="lora.targets",
                expected="some of " + ", ".join(sorted(linear)),
                fix=f"did you mean {' or '.join(near)}?" if near else None,
            )
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        bias=settings.bias,
    )
    peft.inject_adapter_in_model(config, model)


def has_lora(model: nn.Module) -> bool:
    """Whether low-rank updates stand beside layers of the model."""
    return any(_own(name) for name, _ in model.named_parameters())


def merge_lora(model: nn.Module) -> None:
    """Add the updates to the weights, and take the small matrices out. Raises UsageError without any."""
    if not has_lora(model):
        raise UsageError("The model has no low-rank updates to merge.", where="lora")
    for name, module in list(model.named_modules()):
        layer: Any = module
        if hasattr(layer, "base_layer") and hasattr(layer, "merge"):
            layer.merge()
            above, _, last = name.rpartition(".")
            setattr(model.get_submodule(above), last, layer.base_layer)
    model.requires_grad_(True)
    for name, parameter in model.named_parameters():
        if name.endswith("encoder.model.embed_positions.weight"):  # which Whispers hold fixed
            parameter.requires_grad_(False)


def save_adapter(model: nn.Module, settings: LoraSettings, folder: str | Path) -> None:
    """Write what was trained, the small matrices (and biases, where they train), into a folder.

    Raises:
        UsageError: the model has no low-rank updates.
    """
    peft, folder = _peft(), Path(folder)
    if not has_lora(model):
        raise UsageError("The model has no low-rank updates to save.", where="lora", fix="train with lora: {rank: 8}")
    folder.mkdir(parents=True, exist_ok=True)
    trained = {name: one.detach().cpu().contiguous() for name, one in model.named_parameters() if _own(name)}
    biases = {
        name: one.detach().cpu().contiguous()
        for name, one in model.named_parameters()
        if one.requires_grad and not _own(name)
    }
    state = {
        f"base_model.model.{name.replace('.default', '')}": tensor for name, tensor in {**trained, **biases}.items()
    }
    with atomic_path(folder / "adapter_model.safetensors") as temporary:
        save_file(state, temporary, metadata={"format": "pt"})
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        bias=settings.bias,
    )
    config.save_pretrained(folder)
    stored = {"weights": _base_hash(model, biases), "settings": settings.model_dump(mode="json")}
    write_json(folder / "base.json", {**file_header("lora_adapter", _VERSION), **stored})


def load_adapter(model: nn.Module, folder: str | Path) -> LoraSettings:
    """Put a saved adapter beside the weights that it was trained beside; the settings that it has.

    Raises:
        UnknownVersion: it was written by another program or version.
        UsageError: the model's weights are others.
        DamagedFile: a tensor is missing.
    """
    folder = Path(folder)
    stored = read_json(folder / "base.json")
    check_header(stored, "lora_adapter", {_VERSION}, folder / "base.json")
    settings = LoraSettings.model_validate(stored["settings"])
    add_lora(model, settings)
    parameters = dict(model.named_parameters())
    ours = {name.replace(".default", ""): name for name in parameters}
    found = {
        ours.get(name.removeprefix("base_model.model."), name): tensor
        for name, tensor in read_weights(folder / "adapter_model.safetensors").items()
    }
    needed = {name for name in parameters if _own(name)}
    if not needed <= set(found) <= set(parameters):
        raise DamagedFile(
            "The adapter does not fit the model.",
            where=folder,
            found=f"{len(needed - set(found))} tensors missing, {len(set(found) - set(parameters))} unknown",
        )
    wanted = _base_hash(model, {name: found[name] for name in found if not _own(name)})
    if stored["weights"] != wanted:
        raise UsageError(
            "The adapter was trained beside other weights.",
            where=folder,
            expected=f"weights {stored['weights']}",
            found=wanted,
            fix="load the model that the training started from",
        )
    for name, tensor in found.items():
        parameters[name].data.copy_(tensor)
    return settings


def _own(name: str) -> bool:
    return any(part in name for part in _OWN)


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def _base_hash(model: nn.Module, trained: Any) -> str:
    """The fingerprint of what did not train."""
    state = {name.replace(_BASE, ""): tensor for name, tensor in model.state_dict().items() if not _own(name)}
    left_out = {name.replace(_BASE, "") for name in trained}
    return weights_hash({name: tensor for name, tensor in state.items() if name not in left_out})


def _peft() -> Any:
    try:
        import peft
    except ImportError as problem:
        raise missing_extra("LoRA", "lora", "peft") from problem
    return peft
