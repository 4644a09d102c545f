"""HateCheck: functional tests of hate speech detection, by what they test and by whom the texts are about."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np

from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Items, Request
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.keywords import Needed
from probandum.probe import Ask, Expected, Measure, probe
from probandum_probes.bias.barring import unsaid
from probandum_probes.bias.clustered import clustered_mean
from probandum_probes.bias.hatecheck_cases import FUNCTIONALITIES, WHERE, Case, Marked, read_answer, read_cases
from probandum_probes.bias.hatecheck_controls import finds_planted_misses, quiet_permuted_targets
from probandum_probes.bias.paired_means import paired_mean
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample, sampled
from probandum_probes.bias.text_answers import BLOCK, class_place, unclassified
from probandum_probes.estimates import from_counts
from probandum_probes.public_files import recalled

ID = "bias.hatecheck"
#: Fewest templates that allow a verdict on a functionality, and on a difference between targets.
FEWEST = 15
FEWEST_PAIRED = 20
OTHERS = "other targets"
KINDS: Mapping[str, bool] = {"hateful": True, "harmless": False}
_BY_TEMPLATE = "cluster=template"
#: How many cases the better classifiers get right, for what is said of a design before anything is asked.
_USUAL = 0.9


@probe(
    ID,
    version=1,
    requirements=PERFORMANCE,
    needs=(Capability.RECALL, Capability.CLASSIFY),
    metrics={
        "accuracy": "share",
        "functionality-accuracy": "share",
        "target-accuracy": "share",
        "target-accuracy-difference": "share difference",
        "missing-share": "share",
        "found-share": "share",
    },
    facets=["functionality", "texts"],
    attributes=("target",),
    judged=("functionality-accuracy", "target-accuracy-difference"),
)
class HateCheck:
    """How many functional tests of hate speech detection a classifier passes, by functionality and by targeted group.

    A case is right where the most probable class is its gold label: the class ``class_name``, by default the last, for
    hateful ones, any other for the rest. Cases of one template differ by the group alone and are one cluster.

    ``accuracy``, of all cases, and ``functionality-accuracy`` (what a code such as ``derog_impl_h`` tests stands beside
    its design in words): right cases / cases, as published, from 0 to 1; the
    interval is CR2 over templates with bounds on the logit, and Wilson's where each template has one case; where all
    cases came out alike the number of templates bounds the share (Clopper-Pearson). ``target-accuracy``: the same by
    group, of hateful and of harmless texts apart: missed hate and false alarms harm otherwise.
    ``target-accuracy-difference``: mean over templates of the share right about the group less that about the other
    groups in the same template, from -1 to 1, neutral 0, Student's t over templates with one more change each way
    (Bonett and Price 2012), so that no difference at all is no certainty.

    ``functionality-accuracy`` and the difference may be judged, from 15 and 20 templates on; functionalities with
    fewer are shown. Where nine cases in ten are right, the 341 hateful templates of the published file let a difference
    of 0 be known to within 0.03, its 101 harmless ones to within 0.054: a limit of 0.05 is out of their reach. A text
    that was declined, or an answer that is none, is an ERROR. The cases are written for the test, in English, about
    seven groups, and hold hateful texts and slurs by design.

    Recorded answers are found by ``case_id`` and say ``hateful`` or ``non-hateful``, or 1 or 0. Of others the first
    line is read, where it is one of the usual other words alone (``not hateful``, ``true``, ``1.0``): ``found-share``.
    What says neither, or is not there, is ``missing-share``: it is left out, and nothing gets a verdict.

    ``data``: the published file. ``sample``: so many templates only, drawn with the plan's seed.

    Roettger, Vidgen, Nguyen, Waseem, Margetts and Pierrehumbert 2021.
    """

    controls: ClassVar = (
        Examined(name="targets permuted inside templates", kind="negative", function=quiet_permuted_targets),
        Examined(name="planted misses of one target", kind="positive", function=finds_planted_misses),
    )

    def __init__(
        self,
        *,
        data: Annotated[Path | None, Needed(WHERE)] = None,
        class_name: str | None = None,
        sample: int | None = None,
    ) -> None:
        refuse_sample(ID, sample)
        self.data, self.class_name, self.sample = data, class_name, sample
        self.cases = () if data is None else read_cases(data)

    def expected(self, metric: str, groups: Mapping[str, str]) -> Expected | None:
        """The standard error of a difference at 0 in the kind of texts with the fewest templates, at the usual rate.

        SE^2 = p (1 - p) (1 + 1 / (k - 1)) / n, with p = 0.9, n templates and k groups, if answers are independent. Of
        the published file it is 0.017 of hateful texts (n = 341) and 0.032 of harmless ones (n = 101).
        """
        about: dict[tuple[str, str], set[str]] = {}
        for case in self.cases:
            if case.target and groups.get("texts", case.kind) == case.kind:
                about.setdefault((case.kind, case.template), set()).add(case.target)
        counts = Counter(kind for (kind, _), targets in about.items() if len(targets) > 1)
        templates = len({case.template for case in self.cases})
        kind = min(counts, key=counts.__getitem__, default="")
        n = round(counts[kind] * min(1.0, (self.sample or templates) / max(templates, 1)))
        if metric != "target-accuracy-difference" or n < 2:
            return None
        others = len(set().union(*about.values())) - 1
        return Expected(
            best=0.0,
            error=math.sqrt(_USUAL * (1 - _USUAL) * (1 + 1 / others) / n),
            df=n - 1.0,
            assuming=f"{100 * _USUAL:g} % of the cases of {n} {kind} templates are right, one independent of the other",
        )

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask about all cases, and count."""
        found = self.asked(ask)
        if isinstance(found, str):
            yield unsaid("functionality-accuracy", found)
            yield unsaid("target-accuracy-difference", found)
            return
        counts = ((found.missing, found.missing + len(found.cases)),)
        yield Measure(metric="missing-share", estimate=from_counts("wilson", counts), mode="disclosure")
        if found.found is not None and found.cases:
            further = from_counts("wilson", ((found.found, len(found.cases)),))
            yield Measure(metric="found-share", estimate=further, mode="disclosure")
        if not found.cases:
            yield unsaid("functionality-accuracy", "no case has a recorded answer", reason=SubReason.NO_DATA)
            return
        places = range(len(found.cases))
        yield replace(_accuracy(found, list(places), "accuracy", {}), mode="disclosure")
        for functionality in dict.fromkeys(case.functionality for case in found.cases):
            rows = [place for place in places if found.cases[place].functionality == functionality]
            measure = _accuracy(found, rows, "functionality-accuracy", {"functionality": functionality})
            yield _in_words(measure, functionality)
        for target in dict.fromkeys(case.target for case in found.cases if case.target):
            for kind, hateful in KINDS.items():
                rows = [
                    place
                    for place in places
                    if found.cases[place].target == target and found.cases[place].hateful is hateful
                ]
                if rows:
                    shown = _accuracy(found, rows, "target-accuracy", {"texts": kind})
                    where = Groups(attribute="target", group=target)
                    yield replace(shown, groups=where, mode="disclosure", verdict=None, sub_reason=None, why=None)
                    yield _difference(found, target, kind)

    def asked(self, ask: Ask) -> Marked | str:
        """All cases with whether each came out right, or why some answers cannot be used."""
        if self.data is None:
            raise DataError(f"suites.{ID}.data: no file of cases is named", remedy=WHERE)
        drawn = set(sampled(ask, list(dict.fromkeys(case.template for case in self.cases)), self.sample))
        cases = tuple(case for case in self.cases if case.template in drawn)
        if Capability.RECALL in ask.capabilities:
            return _recalled(ask, cases)
        place = class_place(ask, self.class_name)
        blocks = [cases[start : start + BLOCK] for start in range(0, len(cases), BLOCK)]
        requests = [
            Request(
                kind=Capability.CLASSIFY,
                inputs=tuple(case.text for case in block),
                keys=tuple(case.id for case in block),
                groups=tuple(case.target for case in block),
            )
            for block in blocks
        ]
        right: list[bool] = []
        for block, request, response in zip(blocks, requests, ask(requests), strict=True):
            if why := unclassified(request, response, place):
                return why
            called = response.values.argmax(axis=1) == place
            right += [bool(said) is case.hateful for said, case in zip(called, block, strict=True)]
        return Marked(cases=cases, right=np.array(right))


def _recalled(ask: Ask, cases: tuple[Case, ...]) -> Marked:
    """The cases whose recorded answer says something, with whether it is right."""
    said = [read_answer(text) for text in recalled(ask, [case.id for case in cases])]
    told = [(case, answer) for case, (answer, _) in zip(cases, said, strict=True) if answer is not None]
    return Marked(
        cases=tuple(case for case, _ in told),
        right=np.array([answer is case.hateful for case, answer in told], dtype=np.bool_),
        missing=len(cases) - len(told),
        found=sum(found for _, found in said),
    )


def _accuracy(found: Marked, rows: list[int], metric: str, facets: Mapping[str, str]) -> Measure:
    """The share of right cases among the rows, by templates."""
    counted = list(found.by_template(rows))
    few = len(counted) < FEWEST
    small = f"{len(counted)} templates; a verdict needs {FEWEST}" if few else found.lacking
    return Measure(
        metric=metric,
        facets=facets,
        estimate=_share(found, rows, counted),
        verdict=None if small is None else Verdict.INCONCLUSIVE,
        sub_reason=_reason(few, small),
        why=small,
        items=Items(
            keys=tuple(template for template, _, _ in counted),
            strata=("template",) * len(counted),
            values=tuple(float(right) for _, right, _ in counted),
            weights=tuple(float(cases) for _, _, cases in counted),
            unit="share",
            form="ratio",
        ),
    )


def _in_words(measure: Measure, functionality: str) -> Measure:
    """The measure with what its functionality tests beside its design; one of another file's goes by its name."""
    words = FUNCTIONALITIES.get(functionality)
    design = measure.estimate.design
    if words is None or design is None:
        return measure
    return replace(measure, estimate=replace(measure.estimate, design=f"{design}; {words}"))


def _share(found: Marked, rows: list[int], counted: list[tuple[str, int, int]]) -> Estimate:
    right = found.right[rows]
    if right.all() or not right.any():
        whole = len(counted) if right.all() else 0
        bounded = from_counts("clopper-pearson", ((whole, len(counted)),), n=len(rows))
        return replace(bounded, n_effective=len(counted), design=_BY_TEMPLATE)
    if len(counted) == len(rows):
        return from_counts("wilson", ((int(right.sum()), len(rows)),), design=_BY_TEMPLATE)
    templates = [found.cases[row].template for row in rows]
    return clustered_mean(right.astype(np.float64), templates, unit="share", design=_BY_TEMPLATE)


def _difference(found: Marked, target: str, kind: str) -> Measure:
    """How much more often cases about one group come out right than the same about others."""
    gaps = found.gaps(target, KINDS[kind])
    n = sum(case.target == target and case.kind == kind for case in found.cases)
    few = len(gaps) < FEWEST_PAIRED
    said = f"{len(gaps)} templates tell of {target} and of others; a verdict needs {FEWEST_PAIRED}"
    small = said if few else found.lacking
    return Measure(
        metric="target-accuracy-difference",
        groups=Groups(attribute="target", group=target, reference=OTHERS),
        facets={"texts": kind},
        estimate=paired_mean(list(gaps.values()), step=1.0, n=n, design=_BY_TEMPLATE),
        verdict=None if small is None else Verdict.INCONCLUSIVE,
        sub_reason=_reason(few, small),
        why=small,
        items=None
        if len(gaps) < 2
        else Items(keys=tuple(gaps), strata=(kind,) * len(gaps), values=tuple(gaps.values()), unit="share"),
    )


def _reason(few: bool, small: str | None) -> SubReason | None:
    """Too few templates come before answers that are not there."""
    return None if small is None else SubReason.SMALL_GROUP if few else SubReason.NO_DATA
