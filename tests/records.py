"""Small real audits for tests: a log of decisions with a planted gap, and the plan that audits it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from probandum import api
from probandum.record import Record

LIMITS = """\
limits:
  - {metric: bias.group-rates/impact-ratio, at_least: 0.8, source: foreign-guideline, set_by: Board,
     set_on: 2026-11-01, reason: Screening}
"""

PLAN = """\
version: 1
system: {name: Loan desk, version: "1.0", purpose: Decides on loans}
target: {type: log, path: log.csv, decision: approved, favourable: 1, label: repaid}
groups:
  sex: {reference: M}
suites:
  bias.group-rates: {}
"""


def write_log(folder: Path, *, rows: int = 800, gap: float = 0.3, seed: int = 1) -> Path:
    """A CSV of decisions: M approved at 0.6, F at ``0.6 - gap``; repayment independent of sex."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["id,sex,approved,repaid"]
    for row in range(rows):
        sex = "FM"[row % 2]
        approved = int(rng.random() < (0.6 if sex == "M" else 0.6 - gap))
        lines.append(f"p{row},{sex},{approved},{int(rng.random() < 0.7)}")
    path = folder / "log.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def with_small_groups(log: Path) -> None:
    """Name 6 women of a log X and 30 others Y: X is too small to be shown, and Y would give it away."""
    head, *rows = log.read_text("utf-8").splitlines()
    women = iter(["X"] * 6 + ["Y"] * 30)
    named = [row.replace(",F,", f",{next(women, 'F')},") if ",F," in row else row for row in rows]
    log.write_text("\n".join([head, *named]) + "\n", "utf-8")


def write_plan(folder: Path, text: str = PLAN + LIMITS, *, name: str = "audit.yaml", gap: float = 0.3) -> Path:
    """The plan beside its log."""
    write_log(folder, gap=gap)
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def write_sklearn_plan(folder: Path, *, execution: str = "{}", suites: str = "bias.group-rates: {}") -> Path:
    """A logistic regression in a skops file, held-out rows, and the plan that audits it."""
    import skops.io
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    sex, income = rng.integers(0, 2, 600), rng.normal(size=600)
    repaid = (income + 0.3 * rng.normal(size=600) > 0).astype(int)
    skops.io.dump(LogisticRegression().fit(income[:300, None], repaid[:300]), folder / "model.skops")
    rows = [f"{'FM'[sex[row]]},{income[row]:.6f},{repaid[row]}" for row in range(300, 600)]
    (folder / "rows.csv").write_text("\n".join(["sex,income,repaid", *rows]) + "\n", "utf-8")
    plan = f"""\
version: 1
system: {{name: Scorer, version: "1.0"}}
target: {{type: sklearn, path: model.skops}}
data: {{path: rows.csv, label: repaid, features: [income]}}
decision: {{favourable: 1, threshold: 0.5}}
groups: {{sex: {{reference: M}}}}
suites: {{{suites}}}
execution: {execution}
energy: {{codecarbon: false}}
"""
    (folder / "audit.yaml").write_text(plan, "utf-8")
    return folder / "audit.yaml"


def broken(run: Path | Record, key: Path | None = None, *, render: bool = False) -> list[int]:
    """The numbers of the verification's steps that do not hold."""
    return [step.number for step in api.verify(run, key=key, render=render) if step.held is False]
