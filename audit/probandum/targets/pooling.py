"""How the hidden states of a text become one vector: as the plan says, else the model's folder, else its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from probandum.errors import TargetError

Pooled = Literal["mean", "cls", "last"]

#: How a model folder made with sentence-transformers says which pooling it was trained with: a flag or a word.
_WAYS: Mapping[str, Pooled] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
    "mean": "mean",
    "cls": "cls",
    "lasttoken": "last",
}
_MODULES = "modules.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How vectors are made of hidden states. ``mean``: over all tokens, special ones too; ``cls``: the first token's;
    ``last``: the last one's. ``cautions``: what the model's folder does to its vectors beyond that, and is not done.
    """

    way: Pooled
    cautions: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path, wanted: Pooled | None, default: Pooled) -> Pooling:
        """As the plan says, else as the folder does, else ``default``; TargetError where the folder says more.

        Folders made with sentence-transformers list their steps in ``modules.json``.
        """
        steps = {
            str(step["type"]).rpartition(".")[2]: str(step.get("path", "")) for step in _json(folder / _MODULES, [])
        }
        further = [step for step in steps if step not in ("Transformer", "Pooling", "Normalize")]
        if further and wanted is None:
            raise TargetError(
                f"{folder.name}: {_MODULES} names the step {further[0]!r}, which is not done here",
                remedy="say target.pooling: mean, cls or last for vectors without it",
            )
        cautions = [
            f"The model's folder names the step {step!r} behind its vectors; it was not done." for step in further
        ]
        if "Normalize" in steps:
            cautions.append(
                "The model's folder brings its vectors to length 1; here they have the length they had before."
            )
        way = wanted or (_stated(folder / steps["Pooling"]) if "Pooling" in steps else default)
        return cls(way=way, cautions=tuple(cautions))


def _stated(folder: Path) -> Pooled:
    """The one pooling that ``config.json`` in ``folder`` states."""
    stated = _json(folder / "config.json", {})
    on = [name for name, value in stated.items() if name.startswith("pooling_mode_") and value is True]
    if "pooling_mode" in stated:
        on = [str(stated["pooling_mode"])]
    if len(on) != 1 or on[0] not in _WAYS:
        raise TargetError(
            f"{folder.parent.name}: its pooling is {', '.join(on) or 'not stated'}, which is not known here",
            remedy="say target.pooling: mean, cls or last",
        )
    return _WAYS[on[0]]


def pooling_files(folder: Path) -> tuple[Path, ...]:
    """What a folder says of its pooling, below its own files."""
    return tuple(sorted(file for file in folder.glob("*_Pooling/config.json") if file.is_file()))


def _json(file: Path, nothing: Any) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        return nothing
    except (OSError, ValueError) as error:
        raise TargetError(f"{file.parent.name}/{file.name}: cannot be read: {error}") from None
