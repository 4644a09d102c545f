"""What the answer to one text rests on, word by word: the line N of the texts that the plan's explanations are of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from probandum import codec
from probandum.errors import ProbeError, UsageError
from probandum.evidence import Capability, Request
from probandum.probe import Ask
from probandum.reasons import Alternative, Answered, Reasons, Shift, Told, Wanted, place_of
from probandum_probes.explain.counterfactual.text_search import FoundTexts, text_counterfactuals
from probandum_probes.explain.counterfactual.words import NEUTRAL, Edit, Wording, deciding_texts
from probandum_probes.explain.explainers.exact import MOST_FEATURES
from probandum_probes.explain.explaining import make_explainer, residual
from probandum_probes.explain.person.standing import factors_of, spread
from probandum_probes.explain.texts import TextWorld, pieces, read_texts, reworded, words_of
from probandum_probes.explain.worlds import Instance, answered, class_scores

#: The largest share of the score that attributions may miss, in single precision.
LARGEST_RESIDUAL = 1e-4
#: Alternatives that are looked for, and how many words each may change.
WANTED, MOST_CHANGES = 3, 3


def text_reasons(ask: Ask, wanted: Wanted) -> Reasons:
    """What the answer to text number ``wanted.row`` rests on; UsageError where there is no such text.

    Words are masked by three dots, so that no chance is in it: intervals have no width. Words of the other texts may
    stand in the edits that give another answer.
    """
    texts = [text for text in read_texts(wanted.texts) if text.strip()]
    place = place_of(wanted.row, texts, ids=False, called="text")
    if place is None:
        raise UsageError(
            f"--row {wanted.row}: no text is called so", remedy=f"texts are counted from 1 to {len(texts):,}"
        )
    request = Request(kind=Capability.CLASSIFY, inputs=tuple(texts))
    (answer,) = ask([request])
    probabilities = answered(answer, "texts")
    label = int(probabilities[place].argmax())
    names = ask.labels or tuple(str(index) for index in range(probabilities.shape[1]))
    scores = class_scores(probabilities[[place]], np.array([label]))
    cut = pieces(texts[place])
    words = tuple(piece.strip() for piece in cut)
    instance = Instance(
        key=codec.digest(texts[place].encode()),
        features=words,
        label=label,
        stratum=names[label],
        probability=float(scores.probability[0]),
        score=float(scores.log_odds[0]),
    )
    name = "shap.exact" if len(words) <= MOST_FEATURES else "shap.partition"
    explainer = make_explainer(name)
    world = TextWorld(ask, [instance], [texts[place]])
    (run,) = explainer.explain(world, seed=int(ask.rng("seeds", "0").integers(2**31)))
    missed = residual(run.attributions, run.base or 0.0, instance.score)
    if missed > LARGEST_RESIDUAL:
        raise ProbeError(f"{name}: attributions miss what they explain by {missed:.2g} of it: nothing is said")
    told = [Told(name=word, value=at) for word, at in zip(words, _places(cut), strict=True)]
    factors, rest = factors_of(told, run.attributions[None])
    alternatives, why_none, asked = _alternatives(ask, texts, place, wanted.neutral)
    return Reasons(
        row=f"text {place + 1}",
        answer=Answered(
            request=request.digest, place=place, probabilities=tuple(probabilities[place].tolist()), labels=names
        ),
        label=names[label],
        favourable=None,
        shown=names[label],
        probability=instance.probability,
        threshold=0.5 if len(names) == 2 else None,
        score=instance.score,
        base=spread(np.array([run.base or 0.0])),
        rest=rest,
        factors=factors,
        method=name,
        kind=explainer.kind,
        runs=1,
        background=0,
        noise=0.0,
        residual=missed,
        alone=None,
        alternatives=alternatives,
        why_none=why_none,
        asked=asked,
        fixed=(),
        flips=(),
        near=None,
        requests=0,
        evidence="",
        text=True,
    )


def _places(cut: Sequence[str]) -> Iterator[str]:
    """Where each piece of a text stands, by its words, counted from 1.

    >>> list(_places(("You ", "are very ", "kind.")))
    ['word 1', 'words 2 to 3', 'word 4']
    """
    last = 0
    for piece in cut:
        first, last = last + 1, last + len(piece.split())
        yield f"word {first}" if first == last else f"words {first} to {last}"


def _alternatives(
    ask: Ask, texts: Sequence[str], place: int, neutral: tuple[str, ...] | None
) -> tuple[tuple[Alternative, ...], str | None, int]:
    """The smallest edits that give another answer, each asked once more; why there are none; texts that were asked."""
    answers = deciding_texts(ask)
    text = texts[place]
    wording = Wording.of(answers, [text], texts, neutral=NEUTRAL if neutral is None else neutral)
    found = text_counterfactuals(answers, [text], wording, wanted=WANTED, most_words=MOST_CHANGES)
    made = tuple(_again(ask, text, found))
    why = None if made else found.why[0] or "what was found did not hold when it was asked again"
    return made, why, found.asked[0] + len(wording.words)


def _again(ask: Ask, text: str, found: FoundTexts) -> Iterator[Alternative]:
    """What held when it was asked again."""
    edits = [each for each in found.of_text[0] if each.valid]
    if not edits:
        return
    request = Request(kind=Capability.CLASSIFY, inputs=tuple(each.text for each in edits), fresh=True)
    (answer,) = ask([request])
    own, names = found.labels[0], ask.labels
    for each, probabilities in zip(edits, answered(answer, "a changed text"), strict=True):
        label = int(probabilities.argmax())
        if label != own:
            yield Alternative(
                shifts=tuple(_shift(words_of(text), edit) for edit in each.edits),
                label=names[label] if names else str(label),
                probability=float(probabilities[label]),
                unusual=False,
            )


def _shift(words: Sequence[str], edit: Edit) -> Shift:
    """A word that is deleted, or what stands in its place."""
    own = words[edit.place]
    after = reworded(own, edit.word).strip() if edit.word else ""
    return Shift(name=f"word {edit.place + 1}", before=own.strip(), after=after)
