"""The audit file as people write it: every key, its kind, and one sentence for editors and for this toolkit's users."""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from probandum.finding import Direction, parse_metric
from probandum.law.card_keys import problems
from probandum.stating import is_said, names_somebody

Scalar = bool | int | float | str
Text = Annotated[str, StringConstraints(min_length=1, strict=True)]


def _somebody(text: str) -> str:
    if not names_somebody(text):
        raise ValueError(f"expected who answers for it, got {text!r}, which names nobody")
    return text


def _reason(text: str) -> str:
    if not is_said(text):
        raise ValueError(f"expected a reason, got {text!r}")
    return text


#: Who states, sets or accepts something, and why.
Somebody = Annotated[Text, AfterValidator(_somebody)]
Reason = Annotated[Text, AfterValidator(_reason)]
#: Numbers and truths as YAML reads them: in quotes they are texts, and whoever wrote them may have meant otherwise.
Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Truth = Annotated[bool, Field(strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Said(_Part):
    """A value of the card with who states it, and when."""

    value: Any = Field(description="What is stated.")
    by: Somebody | None = Field(None, description="Who states it: name and function.")
    date: Text | None = Field(None, description="When, such as 2026-11-01.")


def _declared(told: dict[str, Any]) -> dict[str, Any]:
    if isinstance(by := told.get("by"), str):
        _somebody(by)
    return told


Party = Text | dict[str, Any]
#: Who declares what names nobody itself, and when.
Declared = Annotated[dict[str, Any], AfterValidator(_declared)]


def _again(error: ErrorDetails) -> InitErrorDetails:
    """An error of pydantic's, to be raised beside others."""
    return InitErrorDetails(type=error["type"], loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))


class SystemCard(_Part):
    """What people declare of the system; documents quote it by path, and what is missing is printed as a gap.

    A value may be plain, or say who states it and when: {value, by, date}. Other keys are allowed and quoted by
    documents that name them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: Text = Field(description="The system's name, as its documents print it.")
    version: Text | None = Field(None, description="The version under audit, in quotes: 2.10 would be read as 2.1.")
    declared: Declared | None = Field(
        None, description="Who makes the declarations that name nobody themselves, and when: by, date."
    )
    in_scope: Truth | Said | None = Field(
        None,
        description=(
            "Whether it is an AI system, Art. 3(1), within Art. 2; false counts only with who says so and when, "
            "{value, by, date}, and with in_scope_reasons."
        ),
    )
    placed_on_market: Text | Said | None = Field(
        None, description="When it was first placed on the market or put into service, or none; Art. 111(2)."
    )
    purpose: Text | Said | None = Field(None, description="What the system decides or does, for whom.")
    role: Text | Said | None = Field(None, description="The role of your organisation under the AI Act.")
    provider: Party | None = Field(None, description="Who develops it: name, contact, address.")
    deployer: Party | None = Field(None, description="Who uses it under their authority: name, contact.")
    controller: Party | None = Field(None, description="Who decides on the processing of personal data.")
    processor: Party | None = Field(None, description="Who processes personal data on behalf of the controller.")
    importer: Party | None = Field(None, description="Who brings a system from outside the Union onto its market.")
    distributor: Party | None = Field(None, description="Who makes it available without being provider or importer.")
    authorised_representative: Party | None = Field(
        None, description="Whom a provider outside the Union has appointed in it."
    )
    initial_provider: Party | None = Field(
        None, description="Whose system somebody else became provider of, Art. 25(2)."
    )
    third_party: Party | None = Field(None, description="Who changes the system without being provider, Art. 25(1).")
    third_party_supplier: Party | None = Field(None, description="Who supplies a component or model, Art. 25(4).")
    gpai: Party | None = Field(None, description="The provider of a general-purpose model of one's own; none without.")
    art_5: Text | list[Text] | Said | None = Field(
        None, description="The practices of Art. 5(1) at hand, such as f; none where there is none."
    )
    annex_i: Text | list[Text] | Said | None = Field(
        None, description="The law of Annex I that the system falls under as product or safety component, or none."
    )
    annex_i_section: Text | Said | None = Field(None, description="The section of Annex I of that law: A or B.")
    safety_component: Truth | Said | None = Field(
        None, description="Whether it is that product, or a component that fulfils a safety function, Art. 6(1)(a)."
    )
    third_party_assessment: Truth | Said | None = Field(
        None, description="Whether the product must be assessed by a third party, Art. 6(1)(b)."
    )
    annex_iii: Text | list[Text] | Said | Literal[False] | None = Field(
        None, description="The Annex III points that the use falls under, such as 5(b); none where it is none of them."
    )
    profiling: Truth | Said | None = Field(
        None, description="Whether it profiles natural persons in the sense of Art. 4(4) GDPR; closes Art. 6(3)."
    )
    art_6_3: Text | list[Text] | Said | Literal[False] | None = Field(
        None,
        description="The condition of Art. 6(3) that the provider relies on, a to d; none where it relies on none.",
    )
    roles: list[Text] | dict[Text, Truth | Said] | None = Field(
        None, description="Conditions of roles that no other key settles, by the names of the law pack: true or false."
    )
    classification: dict[str, Any] | None = Field(
        None,
        description=(
            "confirmed: {value, by, date}, the class as a named person confirms or corrects it; answers: those that it "
            "was confirmed for, as card confirm writes them; once one of them changes, nobody has confirmed it."
        ),
    )
    notice: Text | Said | None = Field(None, description="What every document says on its cover.")
    notices: Text | list[Text] | None = Field(None, description="The same, more than one.")
    provisions: dict[str, Any] | None = Field(
        None, description="What a named person answers to a provision that nothing else answers, by its id."
    )
    not_assessed: dict[str, Any] | None = Field(
        None, description="What a named person says in place of what no finding assessed: {value, by, date} each."
    )
    not_recorded: dict[str, Any] | None = Field(
        None, description="What a named person says in place of what the record does not hold: {value, by, date} each."
    )
    decisions: dict[str, Any] | None = Field(
        None, description="What named people decide on the audit's outcome: {value, by, date} each."
    )
    triggers: dict[str, Any] | None = Field(
        None, description="Whether a circumstance is at hand that asks for a data protection impact assessment."
    )
    ropa: dict[str, Any] | None = Field(None, description="The record of processing of Art. 30 GDPR, by moment.")
    special_categories: Any = Field(
        None, description="Which data are of a special category under Art. 9 GDPR, or by attribute."
    )
    risk_register: dict[str, Any] | None = Field(
        None, description="What named people set of each row of the risk register: {value, by, date} each."
    )
    columns: dict[str, Any] | None = Field(None, description="What columns are called: name, unit, values, source.")
    decision: Any = Field(None, description="What the system's classes are called: classes.")

    @field_validator(
        "annex_i",
        "annex_i_section",
        "annex_iii",
        "art_5",
        "art_6_3",
        "in_scope",
        "placed_on_market",
        "profiling",
        "roles",
        "safety_component",
        "third_party_assessment",
        mode="wrap",
    )
    @classmethod
    def _known_to_law(cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        """What the law cannot read and what is of a wrong kind, together: neither hides the other."""
        key = str(info.field_name)
        wrong = [] if value is None else list(problems(key, value))
        unread = [
            InitErrorDetails(type=PydanticCustomError("card", "{said}", {"said": said}), loc=place, input=value)
            for place, said in wrong
        ]
        try:
            made = read(value)
        except ValidationError as error:
            if not wrong:
                raise
            told = {place[0] for place, _ in wrong if place}
            inner = [each for each in error.errors(include_url=False) if len(each["loc"]) > 1]
            others = [_again(each) for each in inner if told.isdisjoint(each["loc"])]
            raise ValidationError.from_exception_data(cls.__name__, [*unread, *others]) from None
        if unread:
            raise ValidationError.from_exception_data(cls.__name__, unread)
        return made

    @field_validator("version", mode="before")
    @classmethod
    def _version_is_text(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise ValueError(f"a version is text: write it in quotes, '{value}'")
        return value


class PriceLine(_Part):
    """What the system's owner charges for tokens."""

    input_eur_per_million_tokens: Annotated[Number, Field(ge=0)] = Field(description="Euro for a million tokens read.")
    output_eur_per_million_tokens: Annotated[Number, Field(ge=0)] = Field(
        description="Euro for a million tokens written."
    )


class TargetLine(_Part):
    """The system under audit: its kind, and the keys of that kind."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    type: Text = Field(
        description="The kind of target: transformers, sklearn, onnx, xgboost, lightgbm, openai, oip, http, callable, "
        "log, replay."
    )
    price: PriceLine | None = Field(None, description="What tokens cost; a budget in euro needs it.")


class Data(_Part):
    """The rows that a tabular model is asked about."""

    path: Text = Field(description="A .csv or .parquet file.")
    label: Text | None = Field(None, description="The column of the outcome.")
    positive: Scalar = Field(1, description="The value of the label that the system tries to detect.")
    features: list[Text] = Field(default_factory=list, description="The columns that the model takes, in order.")
    missing: Literal["refuse", "keep"] = Field(
        "refuse",
        description="keep: a feature without a value in a row goes to the system as missing; refuse: it is an error.",
    )
    text: list[Text] = Field(
        default_factory=list, description="Features that are text in a .csv file even where cells look like numbers."
    )
    id: Text | None = Field(None, description="The column that names a row.")
    weight: Text | None = Field(
        None, description="The column of sampling weights: how many persons of the population a row stands for."
    )
    cluster: Text | None = Field(None, description="The column of the person that a row is about, where persons recur.")


class DecisionLine(_Part):
    """How a score becomes a decision, and which decision is good for the person."""

    favourable: Scalar = Field(
        description="The value of the decision that is good for the person; no default. Of a number: higher or lower."
    )
    outcome: Literal["numeric"] | None = Field(
        None, description="numeric: what the system decides is one number a row, such as a price or a rank score."
    )
    threshold: Number | None = Field(None, description="At or above it, the decision is the positive value.")


class Group(_Part):
    """One attribute whose groups are compared."""

    column: Text | None = Field(None, description="The column that holds it, by default of the attribute's name.")
    reference: Scalar | None = Field(
        None, description="The group that others are compared with; without it every ordered pair is judged."
    )
    bins: list[Number] | None = Field(None, description="Edges of intervals for a number; each holds its upper edge.")
    labels: list[Text] | None = Field(None, description="A name for each interval.")


class LimitLine(_Part):
    """One limit: a metric, exactly one of at_most, at_least and band, and whose number it is."""

    metric: Text = Field(description="probe/metric, such as bias.group-rates/impact-ratio.")
    at_most: Number | None = Field(None, description="The quantity may be this or less.")
    at_least: Number | None = Field(None, description="The quantity may be this or more.")
    band: Annotated[Number, Field(gt=0)] | None = Field(None, description="The quantity may be this far from around.")
    around: Number = Field(0.0, description="The middle of a band.")
    margin: Annotated[Number, Field(ge=0)] = Field(0.0, description="Widens the tolerated zone.")
    alpha: Annotated[Number, Field(gt=0, lt=0.5)] | None = Field(
        None, description="One-sided error rate of a FAIL over the whole family; by default the gate's."
    )
    source: Literal["law", "standard", "guideline", "foreign-guideline", "convention", "project"] = Field(
        "project", description="Where the number comes from; none comes from EU law."
    )
    citation: Text | None = Field(None, description="The source's citation.")
    set_by: Somebody | None = Field(None, description="Who set it.")
    set_on: datetime.date | None = Field(None, description="When it was set; it must precede the run.")
    reason: Text | None = Field(None, description="Why this number.")
    family: Text = Field("audit", description="The family that Holm's correction runs over.")
    groups: dict[str, Scalar] = Field(
        default_factory=dict, description="Only findings with these coordinates: attribute, group, reference, a facet."
    )

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        given = [name for name in ("at_most", "at_least", "band") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of at_most, at_least, band; got {', '.join(given) or 'none'}")
        parse_metric(self.metric)
        return self

    def direction(self) -> tuple[Direction, float]:
        """Which of the three it is, and its number."""
        if self.at_most is not None:
            return "at_most", self.at_most
        if self.at_least is not None:
            return "at_least", self.at_least
        assert self.band is not None
        return "band", self.band


class BudgetLine(_Part):
    """Where asking ends, whatever is left to ask. It keys no record: with a larger one the same audit goes on."""

    requests: Annotated[Whole, Field(ge=1)] | None = Field(
        None, description="Prompts, texts and rows, energy windows apart."
    )
    tokens: Annotated[Whole, Field(ge=1)] | None = Field(
        None, description="Tokens read and written; ends at the next pack."
    )
    seconds: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="Seconds that the system takes to answer, energy windows included; ends at the next pack."
    )
    money_eur: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="Euro, by target.price; ends at the next pack."
    )


class Execution(_Part):
    """How the audit computes: part of what keys the record, its budget apart."""

    seed: Whole = Field(0, description="The root of every random choice.")
    device: Text = Field("auto", description="auto, cpu, cuda or cuda:N.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="Precision of the model.")
    threads: Annotated[Whole, Field(ge=1)] | Literal["auto"] = Field(
        "auto", description="CPU threads; auto: as OMP_NUM_THREADS says, else one a usable core."
    )
    batch_tokens: Annotated[Whole, Field(ge=1)] = Field(8192, description="Tokens of one forward pass, at most.")
    batch_invariant: Truth = Field(
        False,
        description="Answer each input as if it were asked alone, to the bit; slower, and not for every target. Of one "
        "batch_tokens: a longer input is walked in passes of so many, whose size moves its numbers by about 1e-6.",
    )
    cache: Literal["off", "run", "shared"] = Field(
        "run", description="off: nothing is reused; run: an interrupted run resumes; shared: answers outlive the run."
    )
    budget: BudgetLine = Field(default_factory=lambda: BudgetLine(), description="Where asking ends; by default never.")


class Tier(_Part):
    """What one tier asks otherwise than the plan."""

    suites: dict[Text, dict[str, Any]] = Field(
        default_factory=dict, description="Options by probe that stand in place of the plan's, such as sample: 20."
    )


class Intensity(_Part):
    """How much CO2e a kWh of the machine's electricity stands for, in grams, in place of the table's figure."""

    mid: Annotated[Number, Field(ge=0)] = Field(description="The average, in grams of CO2e for a kWh.")
    low: Annotated[Number, Field(ge=0)] | None = Field(None, description="The lowest, such as the tenth percentile.")
    high: Annotated[Number, Field(ge=0)] | None = Field(None, description="The highest, such as the ninetieth.")
    year: Whole = Field(description="The year that the figures are of.")
    source: Text = Field(description="Whose figures they are; documents print it.")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        low, high = self.mid if self.low is None else self.low, self.mid if self.high is None else self.high
        if not low <= self.mid <= high:
            raise ValueError(f"expected low <= mid <= high, got {low:g}, {self.mid:g} and {high:g}")
        return self


class Embodied(_Part):
    """What making the hardware emitted, for the software carbon intensity."""

    kilograms: Annotated[Number, Field(gt=0)] = Field(description="Kilograms of CO2e of making all hardware in use.")
    years: Annotated[Number, Field(gt=0)] = Field(description="Over how many years the hardware is used.")
    source: Text = Field(description="Whose figures they are; documents print it.")


class Energy(_Part):
    """Which meter reads, and what turns joules into emissions."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        None, description="ISO 3166 alpha-3 code of the country whose grid powers the machine, such as DEU."
    )
    pue: Annotated[Number, Field(ge=1)] | None = Field(
        None, description="Power usage effectiveness of the facility, an assumption of yours."
    )
    intensity: Intensity | None = Field(None, description="The grid's CO2e for a kWh, in place of the table's.")
    embodied: Embodied | None = Field(
        None, description="What making the hardware emitted; without it no SCI is stated."
    )
    meter: Literal["auto", "nvml", "nvml-power", "rapl", "none"] = Field(
        "auto", description="auto takes the best sensor there is."
    )
    log: Text | None = Field(None, description="The log file of an external meter: CSV with time and watts.")
    replay: Text | None = Field(None, description="The record of an earlier audit whose readings are played back.")
    codecarbon: Truth = Field(True, description="Let codecarbon estimate the whole audit as a second opinion.")
    idle_seconds: Annotated[Number, Field(ge=0)] = Field(
        60.0, description="Seconds at rest, metered before the model is loaded and with it, where a meter reads."
    )
    warm_up_seconds: Annotated[Number, Field(ge=0)] = Field(
        30.0, description="Seconds of work at least before metered windows, until it is steady; none without a meter."
    )
    warm_up_at_most: Annotated[Number, Field(ge=0)] = Field(
        180.0, description="Seconds of warming up at most, steady or not."
    )


class Baselines(_Part):
    """The audits that changes are measured against; both, so that small steps do not add up unseen."""

    merged: Text | None = Field(None, description="The record of what was merged last.")
    release: Text | None = Field(None, description="The record of a pinned release.")

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.merged is None and self.release is None:
            raise ValueError("expected a record under merged, release, or both")
        return self


class Gate(_Part):
    """The gate: how strictly findings decide."""

    mode: Literal["release", "merge"] = Field(
        "release", description="release: inconclusive blocks; merge: it annotates, and FAIL needs stronger evidence."
    )
    baseline: Baselines | None = Field(None, description="The records that limits on METRIC/change are held against.")
    must_not_change: list[Text] | Text = Field(
        default_factory=list,
        description="Items whose answer may not change at all: their keys, or a file with one key a line.",
    )


class WaiverLine(_Part):
    """One finding that somebody accepts, for a while and within a bound."""

    finding: Text = Field(description="The finding's id.")
    owner: Somebody = Field(description="Who accepts it.")
    reason: Reason = Field(description="Why.")
    set_on: datetime.date = Field(description="When.")
    expires: datetime.date = Field(description="Until when; at most 90 days after set_on.")
    worst: Number | None = Field(None, description="The worst value that is still accepted.")


class PlanFile(_Part):
    """An audit file."""

    version: Literal[1] = Field(description="The version of this format.")
    system: Text | SystemCard = Field(description="The system card, or the path of a file that holds it.")
    target: TargetLine = Field(description="The system under audit.")
    data: Data | None = Field(None, description="The rows that a tabular model is asked about.")
    decision: DecisionLine | None = Field(None, description="How a score becomes a decision.")
    groups: dict[Text, Group] = Field(default_factory=dict, description="The attributes whose groups are compared.")
    suites: Annotated[dict[Text, dict[str, Any] | None], Field(min_length=1)] = Field(
        description="The probes to run, each with its options."
    )
    tiers: dict[Literal["pr", "nightly", "release"], Tier] = Field(
        default_factory=dict, description="What audit --tier NAME asks otherwise, such as smaller samples for a merge."
    )
    limits: list[LimitLine] = Field(default_factory=list, description="What counts as good enough, and who says so.")
    execution: Execution = Field(default_factory=lambda: Execution(), description="How the audit computes.")
    energy: Energy = Field(default_factory=lambda: Energy(), description="How energy is measured.")
    gate: Gate = Field(default_factory=lambda: Gate(), description="How strictly findings decide.")
    waivers: list[WaiverLine] = Field(default_factory=list, description="Findings that somebody accepts for a while.")
    documents: list[Text] = Field(
        default_factory=list, description="The documents to write, such as annex_iv, dpia; or all."
    )

    @classmethod
    def keys_at(cls, place: Sequence[str | int]) -> list[str]:
        """The keys that the mapping at ``place`` may hold."""
        model: type[BaseModel] = cls
        for part in place:
            if isinstance(part, str) and part in model.model_fields:
                inner = _model_in(model.model_fields[part].annotation)
                model = inner or model
        return sorted(model.model_fields)


def _model_in(hint: Any) -> type[BaseModel] | None:
    """The model that an annotation holds, in a list, a mapping, or beside None."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    if typing.get_origin(hint) in (list, dict, typing.Union, types.UnionType, Annotated, Mapping):
        found = [model for inner in typing.get_args(hint) if (model := _model_in(inner)) is not None]
        return found[-1] if found else None
    return None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of audit files, for editors."""
    schema = PlanFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "probandum audit file"
    schema["properties"]["extends"] = {"type": "string", "description": "Another audit file to inherit from."}
    return schema
