"""What the law pack holds, entry by entry. The dataclasses are also the schema of the YAML files.

A date is said whole or not at all: where the practical date of a provision is a reading that differs from its
formal date, :meth:`Dates.said` gives both and labels the later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from probandum.law.reading import Date
from probandum.speech import said

#: What kind of statement an entry is. Only ``duty`` says that somebody must do something.
Kind = Literal["duty", "permission", "classification", "criterion", "voluntary", "background", "deleted"]
#: measured: a probe can give the core of the evidence; declared: a person states it; mixed: both.
Evidence = Literal["measured", "declared", "mixed"]

ACTS: Mapping[str, str] = {"ai-act": "AI Act", "gdpr": "GDPR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """When a provision applies.

    ``formal`` by the wording; ``practical`` the later date from which it bites by a reading (``kind`` reading);
    ``original`` the date before it was moved; ``annex_i`` the date of the product route, Annex I Section A, where
    it differs. ``legacy_by`` is the date for what was placed on the market before ``legacy_before``. ``in-force``:
    applies, and the day does not matter here; ``none``: no date is set.
    """

    kind: Literal["law", "reading", "in-force", "deleted", "none"]
    formal: Date | None = None
    practical: Date | None = None
    original: Date | None = None
    annex_i: Date | None = None
    annex_i_original: Date | None = None
    legacy_before: Date | None = None
    legacy_by: Date | None = None
    legacy_public_by: Date | None = None
    text_since: Date | None = None
    deleted: Date | None = None
    basis: str | None = None

    def said(self, *, as_of: str | None = None, product_route: bool = False) -> str:
        """The dates as a person reads them; with ``as_of`` a date passed reads ``since``, one to come ``from``.

        >>> Dates(kind="law", formal=Date("2027-12-02"), original=Date("2026-08-02")).said(as_of="2026-11-23")
        'from 2027-12-02 (first set for 2026-08-02)'
        >>> Dates(kind="reading", formal=Date("2026-08-02"), practical=Date("2027-12-02")).said()
        'formally 2026-08-02; practical, a reading: 2027-12-02'
        """
        if self.kind == "deleted":
            return said("deleted {day}", day=self.deleted)
        if self.kind == "in-force":
            return said("in force")
        if self.kind == "none" or self.formal is None:
            return said("no date set")
        route = self.annex_i if product_route else None
        practical = (route or self.practical) if self.kind == "reading" else None
        formal = self.formal if self.kind == "reading" else route or self.formal
        original = self.annex_i_original if route else self.original
        told = str(formal)
        if as_of is not None:
            told = said("since {day}", day=formal) if formal <= as_of else said("from {day}", day=formal)
        if practical is not None:
            told = said("formally {dates}; practical, a reading: {day}", dates=told, day=practical)
        if original is not None and original not in (formal, practical):
            told = said("{dates} (first set for {day})", dates=told, day=original)
        if self.legacy_by is not None and self.legacy_by != formal:
            told = said(
                "{dates} (placed on the market before {before}: {day})",
                dates=told,
                before=self.legacy_before,
                day=self.legacy_by,
            )
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One provision, in our own words.

    ``source`` cites the Official Journal; ``checked`` says what the entry was compared with, and nothing more.
    ``route`` confines it to one way of being high-risk. ``families`` are ours, ``metrics`` the catalogue's names
    (``Catalogue.metric_targets`` gives the probes). ``inputs``: what people must state, in words. ``see``: the
    entries that this one restates. ``verify``: not settled.
    """

    id: str
    citation: str
    summary: str
    applies_to: tuple[str, ...]
    dates: Dates
    evidence: Evidence
    source: tuple[str, ...]
    checked: tuple[str, ...]
    title: str | None = None
    kind: Kind = "duty"
    route: Literal["annex-i", "annex-iii"] | None = None
    families: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    amended_by: str | None = None
    former: str | None = None
    replaced_by: str | None = None
    see: tuple[str, ...] = ()
    note: str | None = None
    verify: bool = False

    @property
    def act(self) -> str | None:
        """The act's short name, or None where the citation names it."""
        return ACTS.get(self.id.partition(":")[0])

    @property
    def cited(self) -> str:
        """The citation with its act: ``AI Act, Annex IV(2)(g)``."""
        return self.citation if self.act is None else f"{self.act}, {self.citation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A date of the timeline; ``status`` holds on the day the pack was checked."""

    id: str
    citation: str
    what: str
    applies_to: tuple[str, ...]
    kind: Literal["application", "procedure", "commission-deliverable", "code-milestone", "standards", "other-law"]
    dates: Dates
    status: str
    source: tuple[str, ...]
    checked: tuple[str, ...]
    status_note: str | None = None
    note: str | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """A high-risk use of Annex III: the detail of the requirement of the same id; aids to a person, no verdict.

    ``examples`` and ``outside`` come from draft guidelines, and each carries its tag ``[DRAFT]``.
    """

    id: str
    point: str
    title: str
    summary: str
    examples: tuple[str, ...]
    profiling: Literal["always", "usual", "sometimes", "rare"]
    fria: Literal["exempt", "any-deployer", "public-service"]
    conformity: Literal["annex-vi", "annex-vi-or-vii"]
    registration: Literal["public", "non-public", "public-or-non-public", "national"]
    outside: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of the Model Documentation Form for general-purpose models, and who receives it."""

    id: str
    section: str
    label: str
    what: str
    applies_to: tuple[str, ...]
    recipients: tuple[Literal["ai-office", "national-authorities", "downstream-providers"], ...]
    recipients_confidence: Literal["confirmed", "recalled", "assumed"]
    evidence: Evidence
    source: tuple[str, ...]
    checked: tuple[str, ...]
    citation: str | None = None
    metrics: tuple[str, ...] = ()
    unit: str | None = None
    options: tuple[str, ...] = ()
    words: int | None = None
    note: str | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """A standard, guideline, code, template or register. Only ``cited_in_oj`` gives a presumption of conformity."""

    id: str
    citation: str
    title: str
    group: Literal["standard", "guideline", "code", "template", "act", "register"]
    articles: str
    status: str
    cited_in_oj: bool
    checked: tuple[str, ...]
    note: str | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What the law says, or does not say, of energy."""

    id: str
    citation: str
    summary: str
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a file says of itself: its date, its sources (the Official Journal), what it was checked against.

    ``statement``: the text of its law that documents speak of, where that is not the pack's.
    """

    title: str
    as_of: Date
    statement: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    areas: Mapping[str, str] = field(default_factory=dict)
    often_assumed: tuple[str, ...] = ()
    form_date: Date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Whom entries bind. A role without a ``party`` is a public body, named by ``words``.

    It binds where the card names the party, the system is of the kind ``system`` at one of ``points`` (none of
    ``except_points``; a role of all high-risk systems also by a product of Annex I), and, where there is a
    ``condition``, the card settles it or a point in ``certain_at`` does; by its own name, or by that of ``settled_by``,
    a wider role with the same condition. It does not where the card settles the role ``unless``, which is exempt, and
    denies the role ``but``, which gives the exemption up; until both are said, it is open.
    """

    party: str | None = None
    words: str | None = None
    system: Literal["high-risk", "annex-iii", "annex-i", "excepted", "other"] | None = None
    points: tuple[str, ...] = ()
    except_points: tuple[str, ...] = ()
    condition: str | None = None
    certain_at: tuple[str, ...] = ()
    settled_by: str | None = None
    unless: str | None = None
    but: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a card is asked: the answer stands at ``path``; ``why`` says what hangs on it, ``when`` if it is asked."""

    path: str
    topic: str
    ask: str
    why: str
    kind: Literal["text", "party", "act", "truth", "day", "choice", "points", "conditions", "practices"]
    options: Mapping[str, str] = field(default_factory=dict)
    when: Literal["always", "outside", "chain", "listed", "product", "exception"] = "always"
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The questions of the card, in the order in which they are asked."""

    title: str
    as_of: Date
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """What the law pack is, when it was last checked, and what it holds."""

    version: int
    as_of: Date
    law_text: Date
    stale_after_days: int
    title: str
    statement: str
    disclaimer: str
    counts: Mapping[str, int]
    parties: Mapping[str, str]
    roles: Mapping[str, Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricMap:
    """The catalogue's families and metrics in our names: a target is a metric, or a probe with all its metrics.

    ``acts``: ids of requirements that ask for what people do or judge, which no finding answers. ``beside``: what
    requirements ask to be measured, by their id, of which they name no metric and there is no probe. ``stated``: names
    of metrics that are said in words, and measured by nothing.
    """

    acts: tuple[str, ...]
    beside: Mapping[str, tuple[str, ...]]
    stated: tuple[str, ...]
    families: Mapping[str, tuple[str, ...]]
    metrics: Mapping[str, Mapping[str, tuple[str, ...]]]
