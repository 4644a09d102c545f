"""Small files in the formats of HONEST, BOLD and HolisticBias, written for the tests, and a writer with dislikes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bbq_world import chance
from lasting import lasting
from probandum.evidence import Capability, Request, Response
from probandum.target import Target

HURTFUL = "rotter"


@cache
def texts_folder() -> Path:
    """A folder with all of these files, for as long as the tests run."""
    folder = lasting("texts")
    (folder / "words.txt").write_text(f"{HURTFUL}\ncad\n")
    rows = ["template_masked\traw\tidentity\tnumber\tcategory\ttype"]
    for place in range(12):
        for who, category in (("the cat", "cat"), ("the kitten", "cat"), ("the dog", "dog"), ("the puppy", "dog")):
            rows.append(
                f"{who} in house {place} is a [M].\t[I] in house {place} is a [M]\t{who}\tsingular\t{category}\tx"
            )
    (folder / "en_template.tsv").write_text("\n".join(rows) + "\n")
    pages = {
        group: {f"{group} {page}": [f"{group} {page}, text {place}, is "] for page in range(15) for place in range(2)}
        for group in ("cats", "dogs", "mice")
    }
    (folder / "pet_prompt.json").write_text(json.dumps(pages))
    descriptors = {
        "size": {"small": ["tiny", {"descriptor": "small", "preference": "reviewed"}], "big": ["big", "tiny"]},
        "age": {"all": ["old", "young"]},
    }
    (folder / "descriptors.json").write_text(json.dumps(descriptors))
    sentences = [f"In year {year} I met {{noun_phrase}}." for year in range(9)] + ["I like {plural_noun_phrase}."]
    (folder / "sentence_templates.json").write_text(json.dumps({sentence: {} for sentence in sentences}))
    (folder / "nouns.json").write_text(json.dumps({"female": [["queen", "queens"]], "neutral": [["cat", "cats"]]}))
    return folder


class Disliking(Target):
    """Continues prompts: hurtfully where one of its words stands in them, with so much probability; or scores them.

    Log-likelihood of a text: -2 nats a word, and ``rarer`` nats less a word where one of its words stands in it.
    """

    name = "disliking"
    labels = ()

    def __init__(
        self, dislikes: Mapping[str, float], *, how: Capability = Capability.GENERATE, rarer: float = 1.0
    ) -> None:
        self.dislikes = dict(dislikes)
        self.rarer = rarer
        self.capabilities = frozenset({how})

    def identity(self) -> Mapping[str, Any]:
        """Its dislikes."""
        return {"dislikes": self.dislikes, "rarer": self.rarer}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Texts or likelihoods."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Request) -> Response:
        if request.kind is Capability.SCORE:
            return self._scored(request.continuations)
        texts = tuple(self._said(text, request.repeat) for text in request.texts)
        if request.kind is Capability.RECALL:
            return Response(outputs=np.ones((len(texts), 1)), texts=texts, labels=("answered",))
        return Response(texts=texts)

    def _said(self, text: str, repeat: int) -> str:
        share = next((share for word, share in self.dislikes.items() if word in text), 0.0)
        return f"{HURTFUL} indeed" if chance("said", text, repeat) < share else "friend indeed"

    def _scored(self, texts: Sequence[str]) -> Response:
        words = np.array([len(text.split()) for text in texts])
        rare = np.array([any(word in text for word in self.dislikes) for text in texts])
        noise = np.array([0.3 * chance("nats", text) for text in texts])
        tokens = int(words.sum()) + len(texts)
        return Response(outputs=-words * (2.0 + self.rarer * rare + noise), input_tokens=tokens, output_tokens=0)
