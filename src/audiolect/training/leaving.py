"""How a process that is one of several ranks ends.

    leave_ranks(exit_code)      # the last thing that a rank does; a process alone goes on

Conventions: torch keeps the group of processes alive behind DistributedDataParallel, even after the group was
destroyed and the model deleted (seen with torch 2.13: gloo's threads are still there). Where Python shuts down while
one of those threads lets a tensor go, the process aborts, and a training that has ended well looks like one that
failed. So a rank ends without that shutdown: what matters is on disk and flushed by then.

Public names: leave_ranks.
"""

from __future__ import annotations

import os
import sys

import torch.distributed as dist


def leave_ranks(exit_code: int) -> None:
    """End this process with the code, where it is one of several ranks; otherwise, return.

    Files that are open, and functions that ``atexit`` knows, are left as they are: call this after all contexts.
    """
    if not dist.is_available() or not dist.is_initialized():
        return
    dist.destroy_process_group()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(exit_code)
