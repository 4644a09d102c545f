"""What `bias.triage` confirms of worlds whose slices are known: gaps in one slice, everywhere alike, and nowhere.

    OMP_NUM_THREADS=1 python benchmarks/triage.py [--runs N]   # writes benchmarks/results/triage.md

1,500 rows of two groups each in six columns: two texts of four values, four numbers in quartiles. Half of everybody is
selected; of A in one of the four towns fewer by an excess, at which the slice's own interval in one half of the rows
has its stated power. A slice that says nothing is confirmed falsely; at most 5 % of runs may have any (Holm).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pages
from worlds import Listed

from probandum.asking import Asker
from probandum.evidence import Table
from probandum.plugins import load_plugins
from probandum.probe import make_probe
from probandum.stats import proportion_interval
from probandum.subject import Decision, Grouping, Subject

RESULTS = Path(__file__).parent / "results" / "triage.md"
ROWS = 3000
ALPHA, POWER = 0.05, 0.95
TOWNS = np.array(["Ayr", "Bath", "Cork", "Deal"])
#: The effect that half the rows of a slice of a quarter show with 80 % power at one-sided 5 %: about 188 of each group
#: in it and 562 outside, of which half are selected.
DETECTABLE = (1.645 + 0.842) * float(np.sqrt(0.25 * (2 / 187.5 + 2 / 562.5)))


def drawn(rng: np.random.Generator, excess: float, everywhere: float) -> Subject:
    """Rows of which those of A in Bath are selected less by ``excess``, and all of A by ``everywhere``."""
    codes = np.repeat([0, 1], ROWS // 2)
    town, job = (rng.integers(0, 4, ROWS) for _ in range(2))
    rate = 0.5 - np.where(codes == 0, everywhere + excess * (town == 1), 0.0)
    numbers = {f"number {place}": rng.normal(size=ROWS) for place in range(4)}
    return Subject(
        table=Table(
            {"p": np.where(rng.random(ROWS) < rate, 0.9, 0.1), "town": TOWNS[town], "job": TOWNS[job], **numbers}
        ),
        features=("p", "town", "job", *numbers),
        groupings={"g": Grouping(attribute="g", codes=codes, names=("A", "B"), reference="B")},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )


def confirmed(excess: float, everywhere: float, seed: int) -> set[str]:
    """The slices that one audit confirms."""
    subject = drawn(np.random.default_rng([seed, 11]), excess, everywhere)
    columns = tuple(name for name in subject.features if name != "p")
    ask = Asker(Listed(), seed=seed, subject=subject).for_probe("bias.triage")
    found = make_probe("bias.triage", {"columns": columns}).measure(ask)
    return {
        each.facets["slice"]
        for each in found
        if each.metric == "slice-p" and each.estimate.value is not None and each.estimate.value <= ALPHA
    }


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    load_plugins()
    start, table, kept = time.process_time(), [], True
    worlds = (
        ("in one slice", 2 * DETECTABLE, 0.0),
        ("everywhere alike", 0.0, 0.2),
        ("nowhere", 0.0, 0.0),
    )
    for place, (name, excess, everywhere) in enumerate(worlds):
        found = [confirmed(excess, everywhere, 100_000 * place + number) for number in range(chosen.runs)]
        hits = sum(any("town Bath" in each for each in slices) for slices in found) if excess else 0
        false = sum(any("town Bath" not in each or not excess for each in slices) for slices in found)
        interval = proportion_interval(false, chosen.runs, method="clopper-pearson")
        held = interval.low <= ALPHA and (not excess or hits >= POWER * chosen.runs)
        kept = kept and held
        power = f"{hits / chosen.runs:.3f}" if excess else "none is there"
        wrong = f"{false / chosen.runs:.3f} ({interval.low:.3f} to {interval.high:.3f}){'' if held else ': BROKEN'}"
        table.append(f"| {name} | {0.0 - excess:+.3f} | {power} | {wrong} |")
        print(table[-1], flush=True)
    promise = "held" if kept else "BROKEN"
    print(f"{promise}; {time.process_time() - start:.0f} CPU s")
    text = f"""# Slices of known worlds

{pages.header("python benchmarks/triage.py", f"{chosen.runs:,} runs a line, seeded", packages=("numpy",))}

In brackets exact 95 % intervals. {ROWS:,} rows of two groups, half of whom are selected; columns: two texts of four
values, four numbers in quartiles. "Found": runs in which a slice of the town was confirmed where it is wider by twice
the effect that one half of the rows shows with 80 % power ({DETECTABLE:.3f}); at least {POWER:g} are wanted. "False":
runs in which any other slice was confirmed; at most {ALPHA:g} are wanted, since Holm's correction runs over the
slices that were picked.

| gap | excess | found | false |
| --- | --- | --- | --- |
"""
    text += "\n".join(table) + f"\n\nBoth as wanted on every line: {promise}.\n"
    chosen.out.write_text(text + pages.noted(chosen.out), encoding="utf-8")


if __name__ == "__main__":
    main()
