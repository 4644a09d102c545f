"""What an audit will ask and take, said before it is asked, and held against what it then asked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from probandum import api, rehearsing
from probandum.calibrating import Cost, calibrate, extrapolated, scaled
from probandum.energy import NoMeter
from probandum.errors import UsageError
from probandum.estimating import Range
from probandum.evidence import Capability, Request, Response
from probandum.plan import Plan
from probandum.record import Record
from probandum.rehearsing import Counted, Counting, MeteredWork, Pack
from probandum.resting import Conduct
from probandum.target import Target, TargetContext
from probandum.targets.callable import CallableTarget
from probandum_probes.bias.name_swap import NameSwap
from records import LIMITS, PLAN, write_plan, write_sklearn_plan
from sensors import Watts, metered

CHOOSER = """\
import math

def choose(prompts, options, prefix):
    raise SystemExit("the model was asked")
"""
MODERATOR = """\
def score(texts):
    return [(sum(map(ord, text)) % 97 + 1) / 99 for text in texts]
"""
NAMES = """\
version: 1
system: {name: Panel, version: "1"}
target: {type: callable, function: "system:choose", kind: choose}
suites: {bias.name-swap: {}}
limits:
  - {metric: bias.name-swap/log-odds-difference, band: 0.1}
tiers: {pr: {suites: {bias.name-swap: {sample: 8}}}}
energy: {codecarbon: false}
"""
TEXTS = """\
version: 1
system: {name: Moderation, version: "1"}
target: {type: callable, function: "system:score", kind: classify}
suites: {bias.term-swap: {}, energy.inference: {repeats: 2, seconds: 0.05}}
limits:
  - {metric: bias.term-swap/flip-rate, at_most: 0.001}
energy: {codecarbon: false, meter: none}
"""


def plan_of(folder: Path, text: str, system: str) -> Path:
    """The plan beside its system."""
    (folder / "system.py").write_text(system, "utf-8")
    (folder / "audit.yaml").write_text(text, "utf-8")
    return folder / "audit.yaml"


def inputs_of(record: Record) -> Counter[str]:
    """Inputs by the probe that asked for them first."""
    found: Counter[str] = Counter()
    for each in record.observations():
        found[each.probe] += int(each.asked["n"])
    return found


def test_counting_never_asks_the_model(tmp_path: Path) -> None:
    """The function would end the process; 20 applications under the shipped names in both orders, 50 of them thrice."""
    found = api.estimate(plan_of(tmp_path, NAMES, CHOOSER), calibrated=False)
    source = NameSwap().source

    assert 2 * len(source.cases) * len(source.attributes[0].persons) + 2 * 50 == found.requests.value
    assert found.requests.exact
    assert (None, None) == (found.cost, found.joules)


def test_a_tier_asks_less_and_says_that_it_allows_no_verdict(tmp_path: Path) -> None:
    """Eight scenarios are too few, whatever is answered."""
    plan = plan_of(tmp_path, NAMES, CHOOSER)
    whole, few = (api.estimate(plan, tier=tier, calibrated=False) for tier in (None, "pr"))

    assert 8 * (whole.requests.value - 100) == 20 * (few.requests.value - 100)
    assert ["8 scenarios; a verdict about groups needs 20"] == [line.split("as planned: ")[1] for line in few.hopeless]
    assert few.hopeless[0].startswith("bias.name-swap/log-odds-difference within 0.1 of 0 (line 6) cannot PASS")


def test_a_limit_beyond_what_the_design_reaches_is_named_without_asking(tmp_path: Path) -> None:
    """Errors of 20 scenarios and 20 names reach past a tenth of a logit, and not past a quarter."""
    assert 1 == len(api.hopeless_limits(plan_of(tmp_path, NAMES, CHOOSER)))
    assert () == api.hopeless_limits(plan_of(tmp_path, NAMES.replace("0.1", "0.25"), CHOOSER))


def test_what_is_predicted_is_what_is_asked(tmp_path: Path) -> None:
    """Requests to the input, with controls; energy windows by their seconds."""
    plan = plan_of(tmp_path, TEXTS, MODERATOR)
    found = api.estimate(plan)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    terms, energy = found.probes

    assert terms.requests.exact
    assert inputs_of(record) == Counter({"bias.term-swap": terms.requests.value})
    assert 2 == energy.windows
    assert 0.1 == pytest.approx(energy.window_seconds)
    assert (energy.window_inputs or 0) > 0
    assert found.cost is not None and found.cost.cpu_seconds > 0.1
    assert None is found.joules
    assert any("flip-rate" in line and "even the best possible answers" in line for line in found.hopeless)


def test_a_probe_whose_questions_follow_the_answers_gets_a_range(tmp_path: Path) -> None:
    """A greedy search asks about what it found last; what it then asks lies in the range."""
    plan = write_sklearn_plan(
        tmp_path, suites="explain.faithfulness: {inputs: 6, explainers: [occlusion]}, bias.group-rates: {}"
    )
    text = plan.read_text("utf-8").replace("features: [income]", "features: [income, sex_code, age]")
    plan.write_text(text, "utf-8")
    _with_more_columns(tmp_path)
    found = {each.probe: each.requests for each in api.estimate(plan).probes}
    asked = inputs_of(api.audit(plan, out=tmp_path / "run", documents=False))

    assert found["explain.faithfulness"].low <= asked["explain.faithfulness"] <= found["explain.faithfulness"].high


def _with_more_columns(folder: Path) -> None:
    """A model of three columns in place of one, and rows that hold them."""
    import skops.io
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(5)
    values = rng.normal(size=(300, 3)).round(3)
    repaid = (values @ [1.0, -0.5, 0.3] + rng.normal(size=300) > 0).astype(int)
    skops.io.dump(LogisticRegression().fit(values, repaid), folder / "model.skops")
    lines = [
        f"{'FM'[row % 2]},{a},{b},{c},{label}"
        for row, ((a, b, c), label) in enumerate(zip(values, repaid, strict=True))
    ]
    (folder / "rows.csv").write_text("\n".join(["sex,income,sex_code,age,repaid", *lines]) + "\n", "utf-8")


def test_recorded_decisions_are_counted_exactly_and_their_limits_are_looked_at(tmp_path: Path) -> None:
    """A log answers for itself in the dry run."""
    found = api.estimate(write_plan(tmp_path, PLAN + LIMITS))

    assert (800, True) == (found.requests.value, found.requests.exact)
    assert (1, ()) == (found.limits, found.hopeless)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ("{requests: 100000}", {"requests": True}),
        ("{requests: 10}", {"requests": False}),
        ("{tokens: 10}", {"tokens": None}),
    ],
)
def test_a_budget_is_compared_with_what_is_needed(
    tmp_path: Path, budget: str, expected: dict[str, bool | None]
) -> None:
    """This system counts no tokens: nothing can be said of a budget of them."""
    path = plan_of(tmp_path, NAMES + f"execution: {{budget: {budget}}}\n", CHOOSER)
    found = api.estimate(path, calibrated=False).suffices()

    assert expected == {resource: enough for resource, (_, enough) in found.items()}


def test_invented_answers_are_sound_and_the_same_every_time(tmp_path: Path) -> None:
    """Another world answers otherwise."""
    plan_of(tmp_path, NAMES, CHOOSER)
    target = CallableTarget(TargetContext(folder=tmp_path), function="system:choose", kind="choose")
    request = Request(kind=Capability.CHOOSE, inputs=("a", "b"), options=((" yes",), (" no",)))
    one, again, two = (Counting(target, world=world, known={}).answer([request])[0] for world in (1, 1, 2))

    assert one.digest == again.digest != two.digest
    assert [1.0, 1.0] == pytest.approx(np.exp(one.values).sum(axis=1).tolist())


class Writer(Target):
    """Writes a text in ``pause`` seconds, one after another, and remembers how many it was asked for at once."""

    name = "writer"
    capabilities = frozenset({Capability.GENERATE})

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.asked: list[int] = []

    def identity(self) -> dict[str, float]:
        """Its pause."""
        return {"pause": self.pause}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """A text each."""
        self.asked.append(sum(map(len, requests)))
        time.sleep(self.pause * self.asked[-1])
        return [Response(texts=("text",) * len(each)) for each in requests]


def counted(*sizes: int) -> Counted:
    """One probe whose packs hold so many prompts each, in two requests."""
    found = Counted()
    for place, size in enumerate(sizes):
        halves = range(size // 2), range(size // 2, size)
        requests = tuple(
            Request(kind=Capability.GENERATE, inputs=tuple(f"{place}/{number}" for number in half)) for half in halves
        )
        found.add(Pack(name=str(place), inputs=size, tokens=None, written=None, requests=requests))
    return found


def test_metered_windows_take_their_rest_and_their_warming_up_beside_their_seconds() -> None:
    """Two windows of a second; with a meter 60 s at rest, twice, and 30 s of work, without one none of these."""
    found = counted()
    request = Request(kind=Capability.GENERATE, inputs=("a b", "c"))
    found.windows.append(MeteredWork(repeats=2, seconds=1.0, warm_up=0, requests=(request,)))
    conduct = Conduct(idle_seconds=60.0, warm_up_seconds=30.0, warm_up_at_most=90.0)
    metered_one, bare = (
        calibrate(Writer(0.001), {"energy.a": found}, meter, seconds=0.1, conduct=conduct).windows["energy.a"].seconds
        for meter in (metered(Watts(5.0)), NoMeter())
    )

    assert 2.0 == pytest.approx(bare, rel=0.3)
    assert 150.0 == pytest.approx(metered_one - bare, abs=1.0)


def test_a_pack_that_takes_minutes_is_timed_by_a_part_of_it() -> None:
    """Of 4,000 texts some are written, as many as the seconds allow, and the rest is taken to cost as much a text."""
    writer = Writer(0.01)
    found = calibrate(writer, {"bias.long": counted(2000, 2000)}, NoMeter(), seconds=0.6)

    assert [1, 1, 4, 16] == writer.asked
    assert 22 == found.timed["bias.long"]
    assert 4000 * 0.01 == pytest.approx(found.packs["bias.long"].seconds, rel=0.5)
    assert {} == found.answers


def test_a_system_that_is_slow_from_the_first_input_on_is_asked_for_few() -> None:
    """One input takes the whole share: one more is timed, and that is all."""
    writer = Writer(0.1)
    found = calibrate(writer, {"bias.long": counted(50)}, NoMeter(), seconds=0.05)

    assert [1, 1] == writer.asked
    assert 50 * 0.1 == pytest.approx(found.packs["bias.long"].seconds, rel=0.3)


def test_whole_packs_count_once_they_are_reached() -> None:
    """Of a quick system parts show that whole packs can be timed; only these are scaled, and their answers are kept."""
    found = calibrate(Writer(0.0), {"bias.long": counted(40, 30, 20)}, NoMeter())

    assert {"0", "1", "2"} == set(found.answers)
    assert 1 + 1 + 4 + 16 + 40 + 30 + 20 == found.timed["bias.long"]


def test_what_a_pass_takes_whatever_it_holds_is_not_told_of_every_input() -> None:
    """A model that writes 40 texts in little more time than one is not told at forty times as much."""

    class Together(Writer):
        """Takes 1,000 CPU-seconds a pass and 100 an input, in a process of its own; pauses over more than one."""

        @property
        def cpu_seconds_apart(self) -> float:
            """By what it was asked."""
            return sum(1000.0 + 100.0 * inputs for inputs in self.asked)

        def answer(self, requests: Sequence[Request]) -> list[Response]:
            self.pause = 0.15 * (sum(map(len, requests)) > 1)
            return super().answer(requests)

    found = calibrate(Together(0.0), {"bias.long": counted(40)}, NoMeter(), seconds=2.0)

    assert 1 + 1 + 4 == found.timed["bias.long"]
    assert 2.5 * 1000 + 40 * 100 == pytest.approx(found.packs["bias.long"].cpu_seconds, abs=10)  # passes of 16


def test_parts_are_extrapolated_by_passes_and_inputs() -> None:
    """1 s a pass and 0.1 s an input, found from two parts: of 16 inputs in one pass, and of 32 in two."""
    parts = [
        (Pack(name="", inputs=n, tokens=None, written=0), Cost(cpu_seconds=1 + n / 10, seconds=2 + n / 5))
        for n in (1, 4)
    ]
    packs = [Pack(name=str(n), inputs=n, tokens=None, written=0) for n in (10, 16, 32)]
    found = extrapolated(parts, packs)

    assert 4 + 5.8 == pytest.approx(found.cpu_seconds)
    assert 8 + 11.6 == pytest.approx(found.seconds)
    assert 58 * 1.4 / 4 == pytest.approx(extrapolated(parts[1:], packs).cpu_seconds)


class Spelling(CallableTarget):
    """Reads a token for each letter, and five more an input."""

    def tokens(self, requests: Sequence[Request]) -> list[int | None]:
        """By letters."""
        return [sum(5 + len(text) for text in each.texts) for each in requests]


def test_tokens_of_a_great_many_requests_are_counted_in_some_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By so many an input and a letter: here the guess is right, and says all the same that it is one."""
    plan_of(tmp_path, NAMES, CHOOSER)
    target = Spelling(TargetContext(folder=tmp_path), function="system:choose", kind="choose")
    monkeypatch.setattr(rehearsing, "COUNTED", 40)
    counting = Counting(target, world=1, known={})
    requests = [
        Request(kind=Capability.CHOOSE, inputs=tuple("x" * (3 * n + k) for k in range(9)), options=((" y",), (" n",)))
        for n in range(60)
    ]
    for each in requests:
        counting.answer([each])
    exact = sum(count or 0 for count in target.tokens(requests))

    assert exact == counting.counted.tokens
    assert exact / 2 < counting.counted.guessed < exact
    assert Range(value=1000, low=980, high=1020) == Range.of(1000, 1000, same=True, guessed=400)


def test_costs_are_scaled_by_packs_and_inputs() -> None:
    """0.1 s a pack and 1 ms an input, found from three packs."""
    timed = [
        (Pack(name=str(n), inputs=n, tokens=None, written=0), Cost(cpu_seconds=0.1 + n / 1000)) for n in (10, 50, 90)
    ]
    whole = [Pack(name=str(n), inputs=100, tokens=None, written=0) for n in range(20)]

    assert 20 * 0.2 == pytest.approx(scaled(timed, whole).cpu_seconds)


def test_an_endpoint_is_not_asked_for_an_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may charge for every answer: only who says so has some packs timed."""
    monkeypatch.setattr(CallableTarget, "endpoints", ("https://models.example.org",))
    plan = plan_of(tmp_path, TEXTS, MODERATOR)

    assert (0, None) == (api.estimate(plan).timed, api.estimate(plan).cost)
    assert 0 < api.estimate(plan, calibrated=True).timed


def test_an_unknown_tier_is_an_error(tmp_path: Path) -> None:
    """There are three."""
    with pytest.raises(UsageError, match="no tier 'weekly'"):
        Plan.load(write_plan(tmp_path)).at_tier("weekly")


def test_a_tier_is_another_question_and_another_record(tmp_path: Path) -> None:
    """Its options stand in *ask*; without any, the digest is the plan's own."""
    plan = Plan.load(plan_of(tmp_path, NAMES, CHOOSER))

    assert plan.digests["ask"] == plan.at_tier("nightly").digests["ask"] != plan.at_tier("pr").digests["ask"]
    assert plan.digests["judge"] == plan.at_tier("pr").digests["judge"]
    assert "tier pr: asks bias.name-swap with sample 8" == plan.at_tier("pr").tier_in_words()
    assert "only the gate follows it" in plan.at_tier("nightly").tier_in_words()
    assert ["release", "release", "merge"] == [plan.mode, plan.at_tier("nightly").mode, plan.at_tier("pr").mode]
