"""What may stand before a prompt to say which task it is: ``The task is audio captioning. ``

Conventions: a prefix ends with a space, so that prefix and prompt are put end to end, whatever stands between them in a
template. How often an example gets one is the mixture's ``prefix_prob``; an evaluation that wants it always has 1.

Public names: task_prefix.

Source: Kong et al., Audio Flamingo (2024). There the prefix of training ends with a space and begins with a capital,
that of evaluation has neither; here the two are the same, and lower-casing is the template's matter.
"""

from __future__ import annotations


def task_prefix(spoken_name: str) -> str:
    """The prefix of a task, from its words in a prompt (``tasks.spoken_name``)."""
    return f"The task is {spoken_name}. "
