"""What the probes of explanations share: which system, which inputs, which explainers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np

from probandum.errors import DataError, UsageError
from probandum.evidence import Capability, Floats, Form, Items
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.stats import mean_draws
from probandum_probes.estimates import from_draws
from probandum_probes.explain.explaining import Explainer, Explanation, explainers_for, make_explainer
from probandum_probes.explain.named_explainers import Explainers, Samples, Texts
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.texts import TextWorld, read_texts
from probandum_probes.explain.worlds import World


class QualityProbe:
    """Base of probes that ask how good explanations are.

    ``explainers``: names, by default those that explain any such system in seconds. ``inputs``: how many texts or
    rows. ``samples``: versions of an input an explainer may look at, by default each explainer's own number.
    ``texts``: a file with one text a line for a text classifier, by default the data set moderation_texts.
    """

    #: The quantity that is said to be absent where the system cannot be asked about changed inputs.
    leading = ("", "")
    #: Whether a limit may be set on it.
    mode: ClassVar[Literal["gate", "disclosure"]] = "gate"

    def __init__(
        self,
        *,
        explainers: Explainers = (),
        inputs: int = 100,
        samples: Samples = None,
        texts: Texts = None,
    ) -> None:
        if inputs < 2:
            raise UsageError(f"inputs is {inputs}; expected at least 2")
        for name in explainers:
            make_explainer(name, samples=samples)
        self.explainers = explainers
        self.inputs = inputs
        self.samples = samples
        self.texts = texts

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """The probe's measures; one that says why where the system cannot be explained."""
        if why := unable(ask):
            metric, unit = self.leading
            yield Measure(
                metric=metric,
                estimate=Estimate.missing(why, unit=unit),
                mode=self.mode,
                verdict=Verdict.NOT_APPLICABLE,
                sub_reason=SubReason.NO_CAPABILITY,
                why=why,
            )
            return
        yield from self.assess(ask)

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """The measures of a system that can be explained."""
        raise NotImplementedError

    def open(self, ask: Ask) -> World:
        """The inputs: texts of a text classifier, rows of the subject otherwise."""
        world: World
        if kind_of(ask) is Capability.CLASSIFY:
            world = TextWorld.open(ask, read_texts(self.texts), inputs=self.inputs)
        else:
            world = RowWorld.open(ask, inputs=self.inputs)
        if len(world) < 2:
            raise DataError("1 input is no sample of explanations", remedy="name 2 texts or rows at least")
        return world

    def chosen(self, ask: Ask) -> list[Explainer]:
        """The explainers under test."""
        return explainers_for(kind_of(ask), self.explainers, samples=self.samples)


def kind_of(ask: Ask) -> Capability:
    """What is explained of a system: how it reads texts where it does, else how it reads rows."""
    return Capability.CLASSIFY if Capability.CLASSIFY in ask.capabilities else Capability.PREDICT


def unable(ask: Ask) -> str | None:
    """Why no explainer can ask this system: it answers decisions alone, as a log and some servers do."""
    if kind_of(ask) is Capability.PREDICT and "favourable" in ask.labels:
        return "the system answers decisions alone; explanations need class probabilities of changed inputs"
    return None


def seed_of(ask: Ask, *names: str) -> int:
    """A seed of 31 bits that follows from the plan's."""
    return int(ask.rng(*names).integers(2**31))


def looks(explainer: Explainer, versions: float) -> str:
    """How many versions of an input an explainer looked at, in words, and what its authors' own number is beside it.

    >>> looks(make_explainer("occlusion"), 9)
    '9 versions an input'
    """
    said = f"{versions:.0f} versions an input"
    usual = explainer.usual_samples
    if usual is None or explainer.samples >= usual:
        return said
    return f"{said}, where its own library takes {usual:,} (samples: {usual} asks for them)"


def local_fit(ask: Ask, world: World, explainer: Explainer, explanations: Sequence[Explanation]) -> Iterator[Measure]:
    """How well a local model fits around each input, where the explainer has one: the mean of its weighted R2."""
    name = explainer.name
    fits = np.array([each.local_fit for each in explanations if each.local_fit is not None])
    if len(fits) < 2:
        return
    draws = mean_draws(fits, rng=ask.rng("bootstrap", name, "local-fit"))
    yield Measure(
        metric="local-fit",
        estimate=from_draws(
            "bootstrap",
            float(fits.mean()),
            draws,
            n=len(fits),
            unit="score",
            design=f"{population(world)}; {looks(explainer, max(each.evaluations for each in explanations))}",
        ),
        facets={"explainer": name},
        mode="disclosure",
        items=items_of(world, fits, "score"),
    )


def items_of(
    world: World,
    values: Floats,
    unit: str,
    *,
    places: Sequence[int] | None = None,
    weights: Floats | None = None,
    form: Form = "mean",
) -> Items:
    """One value an input; ``places`` where only some inputs have one, ``weights`` where the estimate is a ratio."""
    chosen = world.instances if places is None else [world.instances[place] for place in places]
    return Items(
        keys=tuple(instance.key for instance in chosen),
        strata=tuple(instance.stratum for instance in chosen),
        values=tuple(values.tolist()),
        unit=unit,
        form=form if weights is None else "ratio",
        contents=tuple(instance.content for instance in chosen) if any(each.content for each in chosen) else (),
        weights=() if weights is None else tuple(weights.tolist()),
    )


def population(world: World) -> str:
    """How the inputs came about, in words for ``Estimate.design``."""
    said = f"bootstrap over {len(world)} inputs, each class in its share"
    return f"{said}; {world.left_out} without a word left out" if world.left_out else said
