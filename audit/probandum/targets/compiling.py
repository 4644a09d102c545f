"""A model whose body torch.compile turns into kernels of its own, in place.

One graph for each way in which the body is called, for any lengths; some ten of them, of which each takes from
seconds to minutes to make. Whether that pays, benchmarks/results/precision.md says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from probandum.errors import TargetError
from probandum.targets.devices import out_of_memory

#: Graphs of one body, at most: an audit that keeps making new ones is slower than one without.
_GRAPHS = 16


def compile_body(torch: Any, model: Any, *, name: str) -> None:
    """Compile what makes hidden states; TargetError where that cannot be done here, tried out on two tokens."""
    from torch._dynamo import config

    config.recompile_limit = _GRAPHS
    config.fail_on_recompile_limit_hit = True  # by default the rest would run uncompiled, in silence
    body = model.base_model
    body.compile(dynamic=True)
    try:
        with torch.inference_mode():
            body(input_ids=torch.zeros((1, 2), dtype=torch.long, device=model.device))
    except Exception as error:  # a compiler that is missing or fails does so in many ways
        if out_of_memory(error):
            raise
        raise TargetError(
            f"{name}: torch.compile cannot compile it here: {_first_line(error)}",
            remedy="install a C++ compiler such as g++ (on CUDA also triton), or leave target.compile out",
        ) from None


@contextmanager
def steady(name: str) -> Iterator[None]:
    """TargetError where yet another graph would be needed."""
    from torch._dynamo.exc import FailOnRecompileLimitHit

    try:
        yield
    except FailOnRecompileLimitHit:
        raise TargetError(
            f"{name}: torch.compile made {_GRAPHS} graphs, and what is asked needs still others",
            remedy="leave target.compile out",
        ) from None


def _first_line(error: BaseException) -> str:
    """What an exception says first."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
