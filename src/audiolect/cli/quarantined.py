"""What every verb that reads a dataset does first: leave out what its check has quarantined, and say so.

    dataset = leave_out_quarantined(open_dataset(folder), keep=keep_quarantined)

Conventions: one line on standard error, so that results can be piped; none where there is nothing to say. The flag is
``options.KeepQuarantined``.

Public names: leave_out_quarantined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiolect.cli.console import errors_console, human_count

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.data.quarantine import Quarantined


def leave_out_quarantined(dataset: Dataset, *, keep: bool = False) -> Dataset:
    """The dataset without what its quarantine list names.

    Args:
        dataset: as opened; filter it afterwards, or before, as the verb likes.
        keep: leave nothing out; the line says what stays. A list of another dataset is then passed over.

    Raises:
        DatasetError: the list is of another dataset, or nothing is left.
        UnknownVersion, DamagedFile: the list cannot be used.
    """
    from audiolect.data.quarantine import find_quarantined, leave_out, own_list

    if keep and own_list(dataset) is None:
        return dataset
    found = find_quarantined(dataset)
    if found is None:
        return dataset
    errors_console().print(_line(found, keep=keep), markup=False, soft_wrap=True)
    return dataset if keep else leave_out(dataset, found)


def _line(found: Quarantined, *, keep: bool) -> str:
    why = ", ".join(f"{reason} {count}" for reason, count in found.reasons.items())
    what = f"{human_count(len(found.recordings), 'recording')} and {human_count(len(found.examples), 'example')}"
    if keep:
        return f"quarantine: kept all the same: {what} ({why})"
    return f"quarantine: left out {what} ({why}); --keep-quarantined uses them. List: {found.path}"
