"""What an explainer is, and the registry of explainers: a registry of their own beside probes and targets.

@explainer("occlusion", explains=[Capability.CLASSIFY, Capability.PREDICT])
class Occlusion(Explainer):
    \"\"\"One sentence that users read.\"\"\"

    def explain(self, world: World, *, seed: int) -> list[Explanation]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeVar

from probandum.errors import UnknownName, UsageError
from probandum.evidence import Capability, Floats
from probandum_probes.explain.worlds import World

#: Log-odds below which the distance to the base value is taken as this: a constant model divides by no 0.
SMALLEST_GAP = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """What an explainer says of one instance.

    ``attributions``, shape (features,): positive speaks for the explained class, in log-odds. ``base``: what
    they start from; None where the explainer has no such value. ``local_fit``: weighted R2 of a local model,
    where there is one, and ``errors`` the standard errors of its coefficients, where versions are enough for them.
    ``evaluations``: how many versions of the instance the explainer looked at.
    """

    attributions: Floats
    base: float | None
    local_fit: float | None = None
    errors: Floats | None = None
    evaluations: int
    seed: int


def residual(attributions: Floats, base: float, score: float) -> float:
    """r = abs(sum phi + base - f(x)) / max(abs(f(x) - base), 1e-6); 0 where attributions add up.

    >>> import numpy as np
    >>> round(residual(np.array([0.5, 0.4]), 1.0, 2.0), 9)
    0.1
    """
    return abs(float(attributions.sum()) + base - score) / max(abs(score - base), SMALLEST_GAP)


class Explainer:
    """Base of all explainers. ``samples`` is how many versions of an instance may be looked at.

    ``complete``: it claims that attributions and base add up to f, ``constructed``: because they are made so, which is
    no evidence of a good explanation. ``arithmetic``: how exactly they may add up: in double or single precision, or
    as far as the points of an integral go. ``kind``: what its numbers are, as designs print it. ``sampled``: its
    answer depends on a seed. ``usual_samples``: as many versions as its own library takes where nobody says otherwise,
    and no more in seconds. ``by_default``: it is used where no explainer is named, since it asks any system that
    answers, in seconds. ``masks``: it sees a system through versions of its inputs alone, and else asks the system for
    attributions.
    """

    name: ClassVar[str] = ""
    explains: ClassVar[frozenset[Capability]] = frozenset()
    complete: ClassVar[bool] = False
    constructed: ClassVar[bool] = False
    arithmetic: ClassVar[Literal["double", "single", "integral"]] = "double"
    kind: ClassVar[str] = ""
    by_default: ClassVar[bool] = True
    masks: ClassVar[bool] = True
    sampled: ClassVar[bool] = True
    default_samples: ClassVar[int] = 1000
    usual_samples: ClassVar[int | None] = None

    def __init__(self, samples: int | None = None) -> None:
        self.samples = self.default_samples if samples is None else samples
        if self.samples < 1:
            raise UsageError(f"samples is {samples}; expected at least 1")

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """One explanation an instance, in their order; the same under the same seed."""
        raise NotImplementedError


E = TypeVar("E", bound=type[Explainer])


@dataclass(frozen=True, slots=True)
class _Registry:
    classes: dict[str, type[Explainer]] = field(default_factory=dict)


_EXPLAINERS = _Registry()


def explainer(name: str, *, explains: Capability | Iterable[Capability]) -> Callable[[E], E]:
    """Register a class under the name that the option ``explainers`` uses; TypeError where it has no docstring."""

    def register(cls: E) -> E:
        if not cls.__doc__ or cls.__doc__ == Explainer.__doc__:
            raise TypeError(f"explainer {name} has no docstring; its first sentence is the summary users read")
        cls.name = name
        cls.explains = frozenset([explains] if isinstance(explains, Capability) else explains)
        _EXPLAINERS.classes[name] = cls
        return cls

    return register


def known_explainers() -> dict[str, type[Explainer]]:
    """All registered explainers by name."""
    return dict(sorted(_EXPLAINERS.classes.items()))


def make_explainer(name: str, *, samples: int | None = None) -> Explainer:
    """The explainer ``name``; UnknownName with a suggestion where there is none."""
    if name not in _EXPLAINERS.classes:
        raise UnknownName("explainer", name, _EXPLAINERS.classes)
    return _EXPLAINERS.classes[name](samples)


def explainers_for(kind: Capability, names: Sequence[str], *, samples: int | None = None) -> list[Explainer]:
    """The explainers ``names``, or those by default for ``kind``; UsageError where one of them does not explain it.

    Whether the system gives the attributions that an explainer asks for shows when it explains.
    """
    ours = [name for name, cls in known_explainers().items() if kind in cls.explains and cls.by_default]
    wanted = tuple(names or ours)
    made = [make_explainer(name, samples=samples) for name in wanted]
    for each in made:
        if kind not in each.explains:
            fitting = [name for name, cls in known_explainers().items() if kind in cls.explains]
            raise UsageError(
                f"explainers: {each.name} cannot explain a system that answers {kind}",
                remedy=f"these can: {', '.join(fitting)}",
            )
    return made
