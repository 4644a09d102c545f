"""On which devices the parts of a model lie: all on one, or spread over several GPUs.

Nothing is offloaded: of weights that wait on the CPU or on disk, time and energy would be those of copying them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from probandum.errors import TargetError, UsageError
from probandum.target import Problem
from probandum.targets.loading import need

Spread = Literal["auto", "balanced", "sequential"]
#: How a plan may say where parts go: by a rule, or module by module.
DeviceMap = Spread | Mapping[str, int | str]

_GPU = re.compile(r"cuda(:\d+)?")
_KEY = "device_map"


def problems(device_map: object) -> Iterable[Problem]:
    """What is wrong with a map of modules, whatever the machine.

    >>> [problem.text for problem in problems({"model": 0, "lm_head": "disk"})]
    ["'disk', expected a GPU such as 0 or cuda:0, or cpu; weights are not offloaded"]
    """
    if not isinstance(device_map, Mapping):
        return
    if not device_map:
        yield Problem((_KEY,), "no module is named; expected such as {model.layers.0: 0, lm_head: 1}")
    named = {module: _device(value) for module, value in device_map.items()}
    for module, device in named.items():
        if device is None:
            told = f"{device_map[module]!r}, expected a GPU such as 0 or cuda:0, or cpu; weights are not offloaded"
            yield Problem((_KEY, str(module)), told)
    if None not in named.values() and len({device == "cpu" for device in named.values()}) == 2:
        yield Problem((_KEY,), "parts on the CPU and on GPUs; weights are not offloaded, so name GPUs alone")


def _device(value: object) -> str | None:
    """The device of a module as the plan names it; None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return f"cuda:{value}"
    if isinstance(value, str) and (value == "cpu" or _GPU.fullmatch(value)):
        return "cuda:0" if value == "cuda" else value
    return None


def _under(name: str, modules: Iterable[str]) -> bool:
    """Whether a weight is of one of the modules, the model itself being ``""``.

    >>> _under("model.layers.10.weight", ["model.layers.1"]), _under("model.layers.1.weight", ["model.layers.1"])
    (False, True)
    """
    return any(not module or name == module or name.startswith(f"{module}.") for module in modules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """``devices``: those that may hold a part. ``told``: what the plan says, None: all on one device."""

    devices: tuple[Any, ...]
    told: Spread | Mapping[str, str] | None = None

    @classmethod
    def of(cls, torch: Any, device: Any, device_map: DeviceMap | None) -> Placing:
        """As the plan says; UsageError where that does not fit ``device``, TargetError where a GPU is not here."""
        if device_map is None:
            return cls(devices=(device,))
        for problem in problems(device_map):
            raise UsageError(f"target.{'.'.join(map(str, problem.place))}: {problem.text}")
        need("accelerate", needed_for=f"target.{_KEY}", extra="hf")
        if device.index is not None:
            told = f"target.{_KEY}: the plan also says device: {device}, which is one"
            raise UsageError(told, remedy="say device: cuda, or leave the map out")
        if isinstance(device_map, str):
            if device.type != "cuda":
                told = f"target.{_KEY}: {device_map} spreads a model over GPUs, and this one runs on the CPU"
                raise UsageError(told, remedy="leave it out, or run on a machine with GPUs")
            gpus = range(torch.cuda.device_count())
            return cls(devices=tuple(torch.device("cuda", index) for index in gpus), told=device_map)
        named = {str(module): str(_device(value)) for module, value in device_map.items()}
        devices = tuple(torch.device(name) for name in sorted(set(named.values())))
        if devices[0].type != device.type:
            told = f"target.{_KEY}: it names {devices[0]}, and the model runs on {device.type}"
            raise UsageError(told, remedy=f"say device: {devices[0].type}")
        for each in devices:
            if each.type == "cuda" and each.index >= torch.cuda.device_count():
                raise TargetError(f"target.{_KEY}: there is no {each} here", remedy="name GPUs that are")
        return cls(devices=devices, told=named)

    def loading(self, *, straight: bool) -> Mapping[str, Any]:
        """Keywords of ``from_pretrained``; ``straight``: the weights cannot be moved once they are loaded."""
        if isinstance(self.told, str):
            from accelerate.utils import get_max_memory

            room = {device: free for device, free in get_max_memory().items() if device != "cpu"}
            return {"device_map": self.told, "max_memory": room}
        if self.told is not None:
            return {"device_map": dict(self.told)}
        return {"device_map": {"": str(self.devices[0])}} if straight else {}

    def used(self, torch: Any, model: Any) -> tuple[Any, ...]:
        """The devices that hold a part of ``model``; TargetError where a part has none, or was left on the CPU."""
        if isinstance(self.told, Mapping):
            homeless = [name for name, _ in model.named_parameters() if not _under(name, self.told)]
            if homeless:
                raise TargetError(
                    f"target.{_KEY}: it gives {homeless[0]} no device, one of {len(homeless)} weights",
                    remedy="name every module, or '' for all of them",
                )
        placed = getattr(model, "hf_device_map", None)
        if self.told is None or placed is None:
            return self.devices
        names = {f"cuda:{each}" if isinstance(each, int) else str(each) for each in placed.values()}
        left = sorted(names & {"cpu", "disk"})
        if left and self.devices[0].type != "cpu":
            raise TargetError(
                f"target.{_KEY}: the GPUs have too little memory: parts of the model would lie on {' and '.join(left)}",
                remedy="use dtype: bfloat16, quantisation: 8bit, a smaller model, or more GPUs",
            )
        return tuple(torch.device(name) for name in sorted(names))
