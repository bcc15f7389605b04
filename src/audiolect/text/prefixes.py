"""What may stand before a prompt to say which task it is: ``The task is audio captioning. ``

Conventions: a prefix ends with a space, so that prefix and prompt are put end to end, whatever stands between them in a
template. How often an example gets one is the mixture's ``prefix_prob``; an evaluation that wants it always has 1.

Public names: task_prefix.

Source: Kong et al., Audio Flamingo (2024). There the prefix of training ends with a space and begins with a capital,
that of evaluation has neither; here the two are the same, and lower-casing is the template's matter.
"""

from __future__ import annotations

from audiolect.tasks import get_task, spoken_name


def task_prefix(task: str, dataset: str = "") -> str:
    """The prefix of a task in a dataset: captions of MusicCaps have "The task is music captioning. "

    Raises:
        UsageError: there is no such task.
    """
    return f"The task is {spoken_name(get_task(task).name, dataset)}. "
