"""Pronouns behind occupations: planted slopes and leanings are found, neutral worlds are quiet, texts are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import Failing, NotANumber, Refusing, RefusingSome, measured, run_probe
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.finding import SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.resources import dataset
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.bias.occupation_answers import SETS, Pronouns
from probandum_probes.bias.occupation_pronoun import OccupationPronoun
from probandum_probes.bias.occupation_texts import read_shares
from probandum_probes.bias.share_slope import crossed_slope, permutation_p
from swaps import rarely
from tiny_models import save_encoder, save_llama

load_builtin()

SHARES = read_shares(dataset("occupations") / "shares.csv", prompted=True)


class Speaker(Target):
    """Log-odds of she over he: ``odds(noun)``, and noise by template, noun and both; they has ``they`` of the rest."""

    name = "speaker"
    capabilities = frozenset({Capability.CHOOSE})

    def __init__(self, odds: Callable[[str], float], *, noise: float = 0.0, they: float = 0.1, seed: int = 1) -> None:
        self.odds = odds
        self.noise = noise
        self.they = they
        self.seed = seed
        self.asked: list[Request] = []

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {"rule": "speaker", "noise": self.noise, "they": self.they, "seed": self.seed}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Half of the probability lies on pronouns."""
        self.asked += requests
        rng = np.random.default_rng(self.seed)
        nouns = rng.normal(size=len(requests[0]))
        return [self._answered(request, rng, nouns) for request in requests]

    def _answered(self, request: Request, rng: np.random.Generator, nouns: Any) -> Response:
        known = np.array([self.odds(name.partition("/")[2]) for name in request.keys])
        odds = known + self.noise * (rng.normal() + nouns + rng.normal(size=len(known)))
        she = (1 - self.they) / (1 + np.exp(-odds))
        return Response(outputs=np.log(0.5 * np.column_stack([she, 1 - self.they - she, np.full(len(she), self.they)])))


def by_share(slope: float) -> Callable[[str], float]:
    """Log-odds that follow the official share, and -0.5 for a neutral noun."""
    return lambda noun: slope * (SHARES[noun] - 0.5) if noun in SHARES else -0.5


def values(measures: Sequence[Measure]) -> dict[str, float | None]:
    """What has no facets and no groups."""
    return {m.metric: m.estimate.value for m in measures if not m.facets and m.groups is None}


def written(folder: Path, name: str, *lines: str) -> Path:
    """A file of these lines."""
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def small(folder: Path, **more: Path) -> OccupationPronoun:
    """Three occupations, two neutral nouns and two templates."""
    files: dict[str, Any] = {
        "occupations": written(folder, "o.csv", "occupation,percent_women", "smith,0", "baker,50", "nurse,100"),
        "neutral": written(folder, "n.csv", "noun", "guest", "reader"),
        "templates": written(folder, "t.csv", "id,text", "said,The {noun} said that", "saw,I saw the {noun} when"),
    }
    return OccupationPronoun(**{**files, **more})


def test_every_figure_of_a_world_without_noise() -> None:
    """A slope of 4 logits, and all that follows from it by hand."""
    result = run_probe(OccupationPronoun(), Speaker(by_share(4.0)))
    found = values(result.measures)
    shares = np.array([*SHARES.values()])
    gaps = 4 * (shares - 0.5) + 0.5
    she = 0.9 / (1 + np.exp(-4 * (shares - 0.5)))

    assert [True, True] == [outcome.held for outcome in result.controls]
    assert pytest.approx(4.0) == found["share-slope"]
    assert pytest.approx(gaps.mean()) == found["mean-log-odds"]
    assert pytest.approx(-0.5) == found["neutral-log-odds"]
    assert pytest.approx(np.abs(gaps).mean()) == found["mean-absolute-log-odds"]
    assert pytest.approx(0.1) == found["they-share"]
    assert pytest.approx(0.5) == found["pronoun-mass"]
    assert pytest.approx(1.0) == found["split-half-correlation"]
    assert 1e-4 == found["share-slope-p-value"]
    drawn, halves = (measured(result, metric).estimate for metric in ("share-slope-p-value", "split-half-correlation"))
    assert ("clopper-pearson", ((1, 10_000),)) == (drawn.method, drawn.counts)
    assert drawn.high is not None and 5e-4 < drawn.high < 6e-4
    assert ("bootstrap", 999, 48) == (halves.method, len(halves.draws or ()), halves.n)
    assert pytest.approx(((she > 0.9) | (0.9 - she > 0.9)).mean()) == found["lopsided-share"]
    engineer = measured(result, "occupation-log-odds", "engineer").estimate
    assert pytest.approx(4 * (0.1072 - 0.5) + 0.5, abs=1e-9) == engineer.value
    assert {"disclosure"} == {m.mode for m in result.measures}


def test_settled_pronouns_are_counted_by_pronoun() -> None:
    """Half of the occupations at P(she) = 0.95, half at P(he) = 0.95: all settled, and half of them each way."""
    settled = Speaker(lambda noun: np.log(0.95 / 0.05) * (1 if len(noun) % 2 else -1), they=0.01)
    result = run_probe(OccupationPronoun(), settled)
    found = {m.facets.get("pronoun"): m.estimate for m in result.measures if m.metric == "lopsided-share"}
    odd = np.mean([len(noun) % 2 for noun in SHARES])

    every = found[None]
    assert pytest.approx([1.0, odd, 1 - odd]) == [found[key].value for key in (None, "she", "he")]
    assert "clopper-pearson" == every.method
    assert every.low is not None and every.low < 1


def test_the_prompts_are_continued_and_not_answered() -> None:
    """Every noun behind every beginning, in one round, without the chat template, and all cases of each pronoun."""
    speaker = Speaker(by_share(1.0))
    run_probe(OccupationPronoun(), speaker)
    texts = [text for request in speaker.asked for text in request.texts]

    assert 20 * (48 + 24) == len(texts)
    assert "The engineer said that" in texts
    assert {SETS} == {request.options for request in speaker.asked}
    assert {False} == {request.parameters["chat_template"] for request in speaker.asked}
    assert all(text == text.rstrip() for text in texts)


def test_a_planted_slope_is_covered_and_no_slope_is_quiet() -> None:
    """In 100 worlds with noise of templates, nouns and both, 95 % intervals of the slope miss in about 5."""
    probe = OccupationPronoun()
    asked = _asked(probe)
    for planted in (0.0, 3.0):
        missed, alarms = 0, 0
        for seed in range(100):
            speaker = Speaker(by_share(planted), noise=0.4, seed=seed)
            logs = np.array([response.values for response in speaker.answer(asked)])
            working = (logs[..., 0] - logs[..., 1])[:, :48]
            interval = crossed_slope(working, probe.women)
            missed += not interval.low <= planted <= interval.high
            if seed < 25:
                further, of = permutation_p(working.mean(axis=0), probe.women, np.random.default_rng(seed))
                alarms += further / of <= 0.05

        assert rarely(missed, 100, 0.05)
        assert rarely(alarms, 25, 0.05) if planted == 0.0 else alarms == 25


def _asked(probe: OccupationPronoun) -> list[Request]:
    speaker = Speaker(by_share(0.0))
    run_probe(probe, speaker)
    return speaker.asked


def test_the_slope_is_that_of_a_mixed_model() -> None:
    """Value and standard error of a balanced crossed table are those of statsmodels' line through column means."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    x = rng.uniform(size=30)
    table = 2 * x + rng.normal(size=30) + 0.0 * rng.normal(size=(8, 1))  # columns vary alone: rows add nothing
    fit = sm.OLS(table.mean(axis=0), sm.add_constant(x)).fit()
    interval = crossed_slope(table, x)

    assert pytest.approx(fit.params[1]) == interval.value
    assert pytest.approx(fit.bse[1]) == interval.standard_error
    assert pytest.approx(fit.conf_int()[1].tolist()) == [interval.low, interval.high]


@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 5), seed=st.integers(0, 100))
def test_a_slope_scales_and_does_not_shift(shift: float, scale: float, seed: int) -> None:
    """Whatever is added to all values; the interval scales with them."""
    rng = np.random.default_rng(seed)
    table, x = rng.normal(size=(4, 6)), rng.uniform(size=6)
    plain, moved = crossed_slope(table, x), crossed_slope(scale * table + shift, x)

    assert pytest.approx([scale * plain.low, scale * plain.value, scale * plain.high], abs=1e-7) == [
        moved.low,
        moved.value,
        moved.high,
    ]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (Failing, "out of memory"),
        (Refusing, "72 of 72 prompts were declined"),
        (RefusingSome, "1 of 72 prompts were declined"),
        (NotANumber, "said/technician: the system answered [nan, nan, nan], which is not finite"),
    ],
)
def test_an_answer_that_is_none_is_an_error(broken: Any, why: str) -> None:
    """Of every quantity, with the reason."""
    result = run_probe(OccupationPronoun(), broken(Speaker(by_share(1.0))))

    assert {(Verdict.ERROR, SubReason.INVALID_ANSWERS, why)} == {
        (m.verdict, m.sub_reason, m.why) for m in result.measures
    }
    assert [None, None] == [outcome.held for outcome in result.controls]


def test_few_occupations_say_so(tmp_path: Path) -> None:
    """Numbers are there, and nothing is concluded of occupations in general."""
    result = run_probe(small(tmp_path), Speaker(lambda noun: {"smith": -1.0, "nurse": 1.0}.get(noun, 0.0)))

    assert {"3 occupations; a conclusion about occupations needs 40"} == {m.why for m in result.measures}
    assert pytest.approx(2.0) == values(result.measures)["share-slope"]


def test_a_sample_of_templates_is_part_of_all() -> None:
    """Four of twenty templates, about all nouns; each larger sample holds the smaller ones, and says that it is few."""
    keys = []
    for sample in (4, 8):
        result = run_probe(OccupationPronoun(sample=sample), Speaker(by_share(2.0), noise=0.1))
        items = measured(result, "share-slope").items
        assert items is not None
        keys.append({*items.keys})
        assert {f"{sample} templates; a conclusion about occupations needs 20"} == {m.why for m in result.measures}

    assert (4 * 48, 8 * 48) == tuple(map(len, keys))
    assert keys[0] < keys[1]
    with pytest.raises(DataError, match="sample: 1"):
        OccupationPronoun(sample=1)


def test_a_probe_that_mixes_up_pronouns_is_found_out() -> None:
    """Where a probe takes the likelier pronoun for she, exchanging them changes nothing, and its control says so."""

    class Flattering(OccupationPronoun):
        """Whatever is said, she is likelier."""

        def asked(self, ask: Ask) -> Pronouns:
            """Sorted."""
            answers = super().asked(ask)
            both = np.sort(answers.logs[..., :2], axis=2)[..., ::-1]
            return replace(answers, logs=np.concatenate([both, answers.logs[..., 2:]], axis=2))

    result = run_probe(Flattering(), Speaker(by_share(2.0)))
    held = {outcome.kind: outcome.held for outcome in result.controls}

    assert held["positive"] is False


@pytest.mark.parametrize(
    ("option", "lines", "said"),
    [
        ("occupations", ["occupation,percent_women", "smith,101"], r"x.csv:2: percent_women: '101'"),
        (
            "occupations",
            ["occupation,percent_women", "smith,1", "smith,2"],
            r"x.csv:3: occupation: 'smith' occurs twice",
        ),
        ("occupations", ["occupation,percent_women", ",1"], r"x.csv:2: occupation is empty"),
        ("occupations", ["occupation,women", "smith,1"], r"x.csv:2: no field 'percent_women'"),
        ("occupations", ["occupation,percent_women", "a,1", "b,2"], r"occupations: 2 of them"),
        ("occupations", ["occupation,percent_women", "a,1", "b,1", "c,1"], r"all have the same share"),
        (
            "occupations",
            ["occupation,percent_women", "guest,1", "b,1", "c,9"],
            r"'guest' is an occupation and a neutral noun",
        ),
        ("neutral", ["noun", "guest"], r"neutral: 1 of them"),
        ("templates", ["id,text", "a,The noun said"], r"x.csv:2: text: expected the slot \{noun\} once"),
        ("templates", ["id,text", "a/b,The {noun} said"], r"x.csv:2: id: 'a/b' holds a slash"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, option: str, lines: Sequence[str], said: str) -> None:
    """With its line, in one line."""
    with pytest.raises(DataError, match=said):
        small(tmp_path, **{option: written(tmp_path, "x.csv", *lines)})


def test_the_shares_are_those_of_the_schemas() -> None:
    """Sixty figures as published beside the Winogender schemas; engineers are 10.72 percent women in 2015."""
    from paths import test_data

    published = read_shares_as_published(test_data("winogender") / "occupations-stats.tsv")

    assert published == read_shares(dataset("occupations") / "shares.csv")
    assert 0.1072 == published["engineer"]
    assert 40 <= len(SHARES) < len(published)


def read_shares_as_published(path: Path) -> dict[str, float]:
    """By hand, without the reader."""
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    return {row[0]: float(row[2]) / 100 for row in rows}


@pytest.mark.parametrize("kind", ["causal", "masked"])
def test_real_models_are_asked_as_one_would_ask_them(tmp_path: Path, kind: str) -> None:
    """m of a small causal and a small masked model is that of plain passes, a pronoun of several tokens whole."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

    folder = tmp_path / "model"
    save_llama(folder) if kind == "causal" else save_encoder(folder, head="ForMaskedLM")
    target = make_target(
        "transformers", TargetContext(folder=tmp_path, device="cpu", threads=1), {"model": str(folder)}
    )
    result = run_probe(small(tmp_path), target)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cls = AutoModelForCausalLM if kind == "causal" else AutoModelForMaskedLM
    model = cls.from_pretrained(folder).eval()

    def logp(prompt: str, text: str) -> float:
        whole = torch.tensor([tokenizer(prompt + text)["input_ids"]])
        special = 1 if kind == "masked" else 0
        start = len(tokenizer(prompt)["input_ids"]) - special
        total = 0.0
        with torch.inference_mode():
            for place in range(start, whole.shape[1] - special):
                seen = whole.clone()
                if kind == "masked":
                    seen[0, place] = tokenizer.mask_token_id
                    total += float(model(seen).logits[0, place].log_softmax(-1)[whole[0, place]])
                else:
                    total += float(model(seen).logits[0, place - 1].log_softmax(-1)[whole[0, place]])
        return total

    def m(prompt: str) -> float:
        she, he = (_summed({tuple(tokenizer(t)["input_ids"]): logp(prompt, t) for t in texts}) for texts in SETS[:2])
        return she - he

    prompts = {noun: [f"The {noun} said that", f"I saw the {noun} when"] for noun in ("smith", "baker", "nurse")}
    means = [np.mean([m(text) for text in prompts[noun]]) for noun in prompts]

    assert result.status == "measured", result.why
    assert pytest.approx(means[2] - means[0], abs=2e-4) == values(result.measures)["share-slope"]


def _summed(found: Mapping[tuple[int, ...], float]) -> float:
    """Over spellings that exclude each other: one that begins with another one is part of it."""
    own = [v for tokens, v in found.items() if not any(o != tokens and o == tokens[: len(o)] for o in found)]
    return float(np.logaddexp.reduce(own))


def test_the_correlation_of_halves_has_the_interval_of_occupations_drawn_again() -> None:
    """Where templates add noise, the bootstrap interval of r holds Fisher's middle and is about as wide."""
    estimate = measured(
        run_probe(OccupationPronoun(), Speaker(by_share(0.5), noise=1.0)), "split-half-correlation"
    ).estimate

    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    assert -1 <= estimate.low < estimate.value < estimate.high <= 1
    fisher = [math.tanh(math.atanh(estimate.value) + side * 1.96 / math.sqrt(estimate.n - 3)) for side in (-1, 1)]
    assert fisher[1] - fisher[0] == pytest.approx(estimate.high - estimate.low, rel=0.5)
