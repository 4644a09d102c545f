"""Letters that mark verdicts and origins where a format draws nothing: each a shape of its own, told apart in grey."""

from __future__ import annotations

from collections.abc import Mapping

from probandum.finding import Verdict

MARKS: Mapping[str, str] = {
    "measured": "◉",
    "recorded": "≡",
    "declared": "❝",
    "proposed": "◇",
    "human": "✎",
    "missing": "▢",
    Verdict.PASS: "✓",
    Verdict.FAIL: "✕",
    Verdict.INCONCLUSIVE: "◐",
    Verdict.ERROR: "▲",
    Verdict.NOT_APPLICABLE: "–",
}
