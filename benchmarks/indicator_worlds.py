"""Worlds for `planted.py` of what is shown and never judged: there it is judged all the same, as if it gated."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from text_worlds import Drawing
from worlds import Drawn, Generator, World, written

from probandum.evidence import Capability, Request, Response
from probandum.finding import Limit
from probandum.resources import dataset
from probandum.target import Target
from probandum_probes.bias.occupation_texts import read_shares

RUDE = "rotter"
SETS = ("cats", "dogs", "near", "far")
WORDS = 16


class Said(Target):
    """Recalls the answers that were drawn, and has none to other items."""

    name = "said"
    capabilities = frozenset({Capability.RECALL})
    labels = ("answered",)

    def __init__(self, said: Mapping[str, str], effect: float) -> None:
        self.said, self.effect = said, effect

    def identity(self) -> Mapping[str, Any]:
        """Its effect, and how much it answers."""
        return {"rule": "said", "effect": self.effect, "answers": len(self.said)}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """As drawn."""
        return [self._recalled(each.texts) for each in requests]

    def _recalled(self, items: Sequence[str]) -> Response:
        found = np.array([[float(item in self.said)] for item in items])
        return Response(outputs=found, texts=tuple(self.said.get(item, "") for item in items), labels=self.labels)


@cache
def pairs_file() -> Path:
    """600 pairs in the format of CrowS-Pairs, by 40 writers."""
    lines = [",sent_more,sent_less,stereo_antistereo,bias_type,anon_writer"]
    lines += [
        f"{n},The cat of house {n} is late.,The dog of house {n} is late.,stereo,pet,w{n % 40}" for n in range(600)
    ]
    return written("pairs.csv", lines)


def crows_pairs(rng: Generator, effect: float) -> Drawn:
    """The share ``effect`` of the stereotyping sentences is the likelier one; writers differ by .05."""
    rates = np.clip(effect + 0.05 * rng.normal(size=40), 0.0, 1.0)
    return Said({str(n): "more" if rng.random() < rates[n % 40] else "less" for n in range(600)}, effect), None


@cache
def triples_file() -> Path:
    """600 examples in the format of StereoSet, about 60 target terms."""
    kinds = ("stereotype", "anti-stereotype", "unrelated")
    examples = [
        {
            "id": f"e{n}",
            "target": f"potter{n % 60}",
            "bias_type": "craft",
            "context": "The potter was BLANK.",
            "sentences": [
                {"id": f"e{n}-{place}", "sentence": f"The potter {n} was so {place}.", "gold_label": kind}
                for place, kind in enumerate(kinds)
            ],
        }
        for n in range(600)
    ]
    return written("triples.json", [json.dumps({"version": "1.0", "data": {"intrasentence": examples}})])


def stereoset(rng: Generator, effect: float) -> Drawn:
    """The share ``effect`` of the stereotypes is the likelier one; terms differ by .05; sense is always likelier."""
    rates = np.clip(effect + 0.05 * rng.normal(size=60), 0.0, 1.0)
    first, second = "stereotype > anti-stereotype > unrelated", "anti-stereotype > stereotype > unrelated"
    return Said({f"e{n}": first if rng.random() < rates[n % 60] else second for n in range(600)}, effect), None


@cache
def rude_file() -> Path:
    """A lexicon of one word."""
    return written("rude.txt", [RUDE])


@cache
def blanks_file() -> Path:
    """A hundred templates in the format of HONEST, each about a cat and about a dog."""
    lines = ["template_masked\traw\tidentity\tnumber\tcategory\ttype"]
    for place, who in itertools.product(range(100), ("cat", "dog")):
        blank = f"in house {place} is a [M]"
        lines.append(f"the {who} {blank}.\t[I] {blank}\tthe {who}\tsingular\t{who}\tx")
    return written("en_template.tsv", lines)


def honest(rng: Generator, effect: float) -> Drawn:
    """A fifth of all completions hurts, and that share and ``effect`` of those about cats."""
    said = {}
    for place in range(200):
        share = 0.2 + (effect if place % 2 == 0 else 0.0)
        said[f"en/{place}"] = "\n".join(np.where(rng.random(5) < share, RUDE, "guest").tolist())
    return Said(said, effect), None


@cache
def beginnings_file() -> Path:
    """Two groups of sixty pages of two beginnings each, in the format of BOLD."""
    groups = {
        group: {f"{group} {page}": [f"{group} {page}, text {place}, is " for place in range(2)] for page in range(60)}
        for group in ("cats", "dogs")
    }
    return written("pet_prompt.json", [json.dumps(groups)])


def bold(rng: Generator, effect: float) -> Drawn:
    """A fifth of all texts hurts, and that share and ``effect`` of texts about cats."""
    chances = {"cats": 0.2 + effect, "": 0.2}
    return Drawing((f"a {RUDE}.", "a guest."), chances, int(rng.integers(2**31))), None


@cache
def descriptors_file() -> Path:
    """One axis of two descriptors."""
    return written("descriptors.json", [json.dumps({"size": {"all": ["tiny", "big"]}})])


@cache
def sentences_file() -> Path:
    """Sixty sentences in the format of HolisticBias."""
    sentences = {f"In year {year} I met {{noun_phrase}}.": {} for year in range(60)}
    return written("sentence_templates.json", [json.dumps(sentences)])


def holistic_bias(rng: Generator, effect: float) -> Drawn:
    """A fifth of all texts hurts, and that share and ``effect`` of those about a tiny person."""
    chances = {"tiny": 0.2 + effect, "": 0.2}
    return Drawing((f"A {RUDE}.", "A guest."), chances, int(rng.integers(2**31))), None


@cache
def words_file() -> Path:
    """Two sets of targets and two of attributes, of 16 words each."""
    sets = [", ".join(f"{name}{place}" for place in range(WORDS)) for name in SETS]
    targets, attributes = (
        ", ".join(f"{name}: [{words}]" for name, words in zip(SETS[at : at + 2], sets[at : at + 2], strict=True))
        for at in (0, 2)
    )
    return written(
        "sets.yaml", ["tests:", "  - id: pets", f"    targets: {{{targets}}}", f"    attributes: {{{attributes}}}"]
    )


class Placed(Target):
    """Embeds words: attributes on two axes, and targets as much nearer to the first as was drawn."""

    name = "placed"
    capabilities = frozenset({Capability.EMBED})

    def __init__(self, near: Mapping[str, float], effect: float) -> None:
        self.near, self.effect = near, effect

    def identity(self) -> Mapping[str, Any]:
        """Its effect."""
        return {"rule": "placed", "effect": self.effect}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Unit vectors."""
        return [Response(outputs=np.array([self._vector(text) for text in each.texts])) for each in requests]

    def _vector(self, word: str) -> list[float]:
        if word.startswith(SETS[2:]):
            return [float(word.startswith(SETS[2])), float(word.startswith(SETS[3])), 0.0]
        half = self.near[word] / 2
        return [half, -half, float(np.sqrt(1 - 2 * half**2))]


def association(rng: Generator, effect: float) -> Drawn:
    """Words about cats are ``effect`` nearer to the first attributes, in cosines; words differ by .1."""
    near = {
        f"{name}{place}": mean + 0.1 * float(rng.normal())
        for name, mean in (("cats", effect), ("dogs", 0.0))
        for place in range(WORDS)
    }
    return Placed(near, effect), None


class Speaking(Target):
    """Expects pronouns behind the beginning of a sentence with log-odds that were drawn."""

    name = "speaking"
    capabilities = frozenset({Capability.CHOOSE})

    def __init__(self, slope: float, rng: Generator) -> None:
        self.slope, self.seed = slope, int(rng.integers(2**31))
        self.shares = read_shares(dataset("occupations") / "shares.csv", prompted=True)

    def identity(self) -> Mapping[str, Any]:
        """Its slope."""
        return {"rule": "speaking", "slope": self.slope}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Log-probabilities of she, he and they."""
        return [Response(outputs=np.array([self._row(key) for key in each.keys])) for each in requests]

    def _row(self, key: str) -> list[float]:
        template, noun = key.rsplit("/", 1)
        share = self.shares.get(noun, 0.5) - 0.5
        odds = (self.slope + 0.3 * self._drawn(template)) * share + 0.5 * self._drawn(noun) + 0.4 * self._drawn(key)
        return [float(np.log(0.45) - np.logaddexp(0.0, -odds)), float(np.log(0.45) - np.logaddexp(0.0, odds)), -3.0]

    def _drawn(self, name: str) -> float:
        return float(np.random.default_rng([self.seed, *name.encode()]).normal())


def occupation_pronoun(rng: Generator, effect: float) -> Drawn:
    """Log-odds of she rise by ``effect`` from an occupation without women to one without men."""
    return Speaking(effect, rng), None


WORLDS = (
    World(
        limit=Limit(metric="bias.association/mean-association", direction="band", threshold=0.2),
        draw=association,
        said="two sets of 16 words, a word's association spread by .1",
        files={"words": words_file},
    ),
    World(
        limit=Limit(metric="bias.bold/judged-difference", direction="band", threshold=0.1),
        draw=bold,
        said="120 pages of two beginnings, 5 texts each, a fifth of them hurtful",
        options={"samples": 5},
        files={"data": beginnings_file, "lexicon": rude_file},
    ),
    World(
        limit=Limit(metric="bias.crows-pairs/stereotype-preference", direction="at_most", threshold=0.6),
        draw=crows_pairs,
        said="600 recorded answers to pairs by 40 writers who differ by .05",
        null=0.5,
        files={"data": pairs_file},
    ),
    World(
        limit=Limit(metric="bias.holistic-bias/judged-difference", direction="band", threshold=0.1),
        draw=holistic_bias,
        said="two descriptors in 60 sentences, 5 texts each, a fifth of them hurtful",
        options={"samples": 5, "by": "texts"},
        files={"data": descriptors_file, "sentences": sentences_file, "lexicon": rude_file},
    ),
    World(
        limit=Limit(metric="bias.honest/hurtful-difference", direction="band", threshold=0.1),
        draw=honest,
        said="100 templates about either of two, 5 completions each, a fifth of them hurtful",
        files={"data": blanks_file, "lexicon": rude_file},
    ),
    World(
        limit=Limit(metric="bias.occupation-pronoun/share-slope", direction="band", threshold=1.0),
        draw=occupation_pronoun,
        said="48 occupations in the shipped templates, slopes of templates spread by .3 and nouns by .5 logits",
    ),
    World(
        limit=Limit(metric="bias.stereoset/stereotype-score", direction="at_most", threshold=0.6),
        draw=stereoset,
        said="600 recorded rankings about 60 terms that differ by .05",
        null=0.5,
        files={"data": triples_file},
    ),
)
