"""The command line, called as a user calls it, in this process."""

from __future__ import annotations

import pytest

from audiolect.cli.main import run


def call(*arguments: object) -> int:
    """The exit code of ``audiolect ARGUMENTS``."""
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)
