"""What a load of weights matched and what it did not, by name; kept with the module, for people to be told.

    report = load_weights(encoder, state, where="Cnn14_mAP=0.431.pth")      # state_dicts.py; keeps its report
    for part, kept in kept_reports(model).items():
        print(f"{part}: {kept.text()}")

Conventions: a module remembers the last load into it, as a plain attribute that is in no state dict. A module that was
never loaded has none, and its parts are asked.

Public names: LoadReport, WrongShape, KeptReport, keep_report, kept_reports, transformers_report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from audiolect.storage import fingerprint_file

_MOST_NAMED = 12
_KEPT = "_kept_report"
_WHOLE = "model"


@dataclass(frozen=True, slots=True)
class WrongShape:
    """A tensor that both have, in different shapes."""

    name: str
    expected: tuple[int, ...]
    found: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of every name. Names are the module's, but for ``unexpected`` and ``ignored``: the file's."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong_shape: tuple[WrongShape, ...]
    ignored: tuple[str, ...]
    num_parameters: int
    """Numbers in the tensors that matched."""

    def text(self) -> str:
        """The report for people: a line of counts, then the names of what did not match."""
        lines = [
            f"{len(self.matched)} tensors matched ({self.num_parameters:,} numbers), {len(self.missing)} missing, "
            f"{len(self.unexpected)} unexpected, {len(self.wrong_shape)} of another shape, {len(self.ignored)} ignored"
        ]
        lines += _named("missing", self.missing)
        lines += _named("unexpected", self.unexpected)
        lines += _named("of another shape", [f"{w.name}: {w.found}, not {w.expected}" for w in self.wrong_shape])
        lines += _named("ignored", self.ignored)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A load: from where, and what became of it."""

    source: str
    report: LoadReport
    remark: str = ""
    """A line about the source."""

    def text(self) -> str:
        """For people: the source, the counts, the names of what did not match, the remark."""
        return f"{self.source}: {self.report.text()}" + (f"\n  {self.remark}" if self.remark else "")

    def facts(self) -> dict[str, Any]:
        """For a card: source, counts, names, and the fingerprint of the source where it is a file."""
        report, path = self.report, Path(self.source)
        return {
            "source": self.source,
            "fingerprint": fingerprint_file(path) if path.is_file() else None,
            "matched": len(report.matched),
            "parameters": report.num_parameters,
            "missing": list(report.missing),
            "ignored": list(report.ignored),
        }


def keep_report(module: nn.Module, source: object, report: LoadReport, remark: str = "") -> None:
    """Let a module remember its load."""
    setattr(module, _KEPT, KeptReport(str(source), report, remark))


def kept_reports(model: nn.Module) -> dict[str, KeptReport]:
    """Part → the load into it, in the model's order; ``model`` is the whole, whose parts are then not told again."""
    whole = getattr(model, _KEPT, None)
    if whole is not None:
        return {_WHOLE: whole}
    found = {name: getattr(module, _KEPT, None) for name, module in model.named_modules()}
    return {name: kept for name, kept in found.items() if kept is not None}


def transformers_report(module: nn.Module, info: Mapping[str, Any], prefix: str = "") -> LoadReport:
    """The report of a module that ``from_pretrained`` has filled.

    Args:
        module: all of the model, or the part that is kept.
        info: what ``output_loading_info=True`` gave.
        prefix: of the part's names in the model, with its dot. What the file holds besides is not among the names.
    """
    state = module.state_dict()
    missing = {name.removeprefix(prefix) for name in info["missing_keys"] if name.startswith(prefix)} & state.keys()
    matched = tuple(name for name in state if name not in missing)
    return LoadReport(
        matched=matched,
        missing=tuple(sorted(missing)),
        unexpected=(),
        wrong_shape=(),
        ignored=tuple(sorted(map(str, info["unexpected_keys"]))),
        num_parameters=sum(state[name].numel() for name in matched),
    )


def _named(title: str, names: Sequence[str]) -> list[str]:
    more = [f"  {title}: and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return [f"  {title}: {name}" for name in names[:_MOST_NAMED]] + more
