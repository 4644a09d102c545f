"""A scoring service on loopback: rows or texts in, probabilities, decisions, choices or texts out, as JSON."""

from __future__ import annotations

import math
from typing import Any

from endpoints import Handler


class Scorer(Handler):
    """Scores ``{"instances": [[income], ...]}``, ``{"row": {...}}``, ``{"texts": [...]}`` or ``{"text": ...}``.

    The name of the served model decides how it answers: "mirror" turns every score around, as another model would.
    """

    def do_GET(self) -> None:  # noqa: N802 - the standard library's name
        """What it says of itself."""
        self.served.paths.append(self.path)
        if self.path != "/version":
            return self.send_json({"detail": "no such page"}, 404)
        return self.send_json({"model": {"name": self.served.model.name, "digest": "abc"}})

    def answer(self, body: dict[str, Any]) -> None:
        """One answer an input."""
        if self.served.key is not None and self.headers["Authorization"] != f"Bearer {self.served.key}":
            return self.send_json({"detail": f"no right to ask: {self.headers['Authorization']}"}, 401)
        if "options" in body:
            share = 0.9 if "Ann" in body["text"] else 0.6
            return self.send_json({"choices": {body["options"][0]: share, body["options"][1]: 1 - share}})
        if "prompt" in body:
            return self.send_json({"text": f"{body['prompt']}, {body['settings'].get('max_new_tokens', 'any')}"})
        many = "instances" in body or "texts" in body
        inputs = body.get("instances", body.get("texts", [body.get("row", body.get("text"))]))
        if any("cross" in str(each) for each in inputs):
            return self.send_json({"detail": "no crosses"}, 422)
        shares = [self.share(each) for each in inputs]
        found = [
            {"probabilities": [1 - p, p], "label": "good" if p >= 0.5 else "bad", "score": p, "declined": each == "no"}
            for each, p in zip(inputs, shares, strict=True)
        ]
        return self.send_json({"predictions": found} if many else found[0])

    def share(self, given: Any) -> float:
        """The probability of the second class."""
        if isinstance(given, str):
            return min(len(given) / 100, 1.0)
        income = given["income"] if isinstance(given, dict) else given[0]
        slope = -4.0 if self.served.model.name == "mirror" else 4.0
        return 1.0 / (1.0 + math.exp(-slope * income))
