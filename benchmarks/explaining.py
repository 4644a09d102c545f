"""Explanations against shap and lime, used as their documentation shows, on the same systems with the same draws.

    OMP_NUM_THREADS=1 python benchmarks/explaining.py            # writes benchmarks/results/explaining.md
    OMP_NUM_THREADS=1 python benchmarks/explaining.py --short    # few inputs, once each, prints alone

Texts are those of the embedded moderation audit, rows those of the credit audit, and rows of 200 boosted trees over 20
columns. Ours and theirs alternate, after a first run of each that is not counted (shap compiles then). Both explain the
log-odds of the class that an input was given, under the same seeds, so that attributions must be equal; where they need
not be, since the library's default leaves columns out, both are held against exact values. Seconds are of the CPU, of
all processes; the ratio is the median of those of pairs, theirs over ours.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pages
from captum_peer import captum_case
from paired import HEAD, Case

from probandum.api import load_plan
from probandum.asking import Asker
from probandum.evidence import Table
from probandum.preparing import context_of, subject_of, target_of
from probandum.subject import Subject
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.loading import model_path
from probandum_probes.explain.explaining import Explanation, make_explainer
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.texts import TextWorld, pieces, read_texts

PAGE = Path(__file__).parent / "results" / "explaining.md"
CREDIT, MODERATION = (pages.ROOT / "examples" / name / "audit.yaml" for name in ("credit", "moderation"))
PACKAGES = ("numpy", "scikit-learn", "shap", "lime", "lightgbm")
SEED = 7
_SAID = (
    "Ours through the target as an audit asks it, theirs with the model in the same process. One run of each is not "
    "counted: shap compiles in it. Medians, with the smallest and the largest."
)


def asked(world: Any, target: Target, subject: Subject | None = None) -> None:
    """Let a world ask anew: what was answered before is forgotten."""
    world.ask = Asker(target, seed=1, subject=subject).for_probe("explain.benchmark")


def ours(world: Any, target: Target, name: str, samples: int | None = None) -> Callable[[], list[np.ndarray]]:
    """All attributions of a world by one of our explainers."""

    def explain() -> list[np.ndarray]:
        asked(world, target)
        return [each.attributions for each in make_explainer(name, samples=samples).explain(world, seed=SEED)]

    return explain


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Of both classes, from their probabilities, shape (n, 2)."""
    first = np.log(probabilities[:, 0]) - np.log(probabilities[:, 1])
    return np.column_stack([first, -first])


def text_cases(count: int) -> Iterator[Case]:
    """LIME and SHAP of texts; theirs holds the model in this process."""
    import joblib
    import shap
    from lime.lime_text import LimeTextExplainer

    plan = load_plan(MODERATION)
    target = target_of(plan)
    vectorizer, model = (
        joblib.load(model_path(context_of(plan), str(plan.target_options[key]))) for key in ("vectorizer", "path")
    )

    def score(texts: Any) -> np.ndarray:
        return log_odds(model.predict_proba(vectorizer.transform([str(text) for text in texts])))

    def world_of(texts: Sequence[str]) -> TextWorld:
        ask = Asker(target, seed=1).for_probe("explain.benchmark")
        return TextWorld.open(ask, texts, inputs=count)

    def lime(world: TextWorld, samples: int) -> list[np.ndarray]:
        found = []
        for instance, text in zip(world.instances, world.texts, strict=True):
            explain = LimeTextExplainer(
                split_expression=r"\s+",
                bow=False,
                mask_string="",
                feature_selection="none",
                random_state=instance.seed(SEED),
            )
            width = len(instance)
            made = explain.explain_instance(
                text, score, labels=(instance.label,), num_features=width, num_samples=samples
            )
            found.append(_placed(made.local_exp[instance.label], width))
        return found

    def partition(world: TextWorld) -> list[np.ndarray]:
        masker = shap.maskers.Text(_words, mask_token="...", collapse_mask_token=False)
        made = shap.explainers.Partition(score, masker)(list(world.texts), silent=True)
        return [values[:, each.label] for values, each in zip(made.values, world.instances, strict=True)]

    lines = read_texts(None)
    short = world_of([line for line in lines if 6 <= len(line.split()) <= 12][:count])
    joined = [f"{first} {second}" for first, second in pairwise(lines) if len(f"{first} {second}".split()) == 19]
    long = world_of(joined[:count])
    samples = 5000
    for name, world, least in (("at most 12 words", short, 3.0), ("19 words", long, 1.6)):
        yield Case(
            name=f"LIME, texts of {name}",
            made=f"{len(world)} texts, 5,000 versions",
            ours=ours(world, target, "lime.text", samples),
            theirs=lambda world=world: lime(world, samples),  # type: ignore[misc]
            target=target,
            goal=("3a", least),
        )
    yield Case(
        name="SHAP, texts (Partition)",
        made=f"{len(short)} texts, 500 versions at most",
        ours=ours(short, target, "shap.partition"),
        theirs=lambda: partition(short),
        target=target,
        goal=("3b", 0.98),
    )


def _words(text: str, return_offsets_mapping: bool = True) -> dict[str, Any]:
    """Words with the blanks behind them, as a tokenizer that shap takes."""
    cut = pieces(text)
    ends = np.cumsum([0, *map(len, cut)]).tolist()
    return {"input_ids": list(cut), "offset_mapping": list(pairwise(ends))}


def _placed(pairs: Sequence[tuple[int, float]], width: int) -> np.ndarray:
    found = np.zeros(width)
    for place, weight in pairs:
        found[int(place)] = weight
    return found


def row_cases(count: int) -> Iterator[Case]:
    """LIME, permutations and Kernel SHAP of rows of the credit audit."""
    import shap
    import skops.io
    from lime.lime_tabular import LimeTabularExplainer

    plan = load_plan(CREDIT)
    target = target_of(plan)
    subject = subject_of(plan, target)
    assert subject is not None
    names = subject.features
    model = skops.io.load(CREDIT.with_name("model.skops"), trusted=[])
    world = RowWorld.open(Asker(target, seed=1, subject=subject).for_probe("explain.benchmark"), inputs=count)
    background, rows = world.background.matrix(), world.rows.matrix()

    def score(matrix: np.ndarray) -> np.ndarray:
        return log_odds(model.predict_proba(matrix))[:, 1]

    signs = [1.0 if each.label == 1 else -1.0 for each in world.instances]
    seeds = [each.seed(SEED) for each in world.instances]
    few = [place for place in range(len(names)) if len(np.unique(background[:, place])) <= 10]
    levels = {place: np.unique(np.concatenate([background[:, place], rows[:, place]])) for place in few}

    def coded(matrix: np.ndarray) -> np.ndarray:
        found = matrix.copy()
        for place, values in levels.items():
            found[:, place] = np.searchsorted(values, matrix[:, place])
        return found

    def decoded(matrix: np.ndarray) -> np.ndarray:
        found = matrix.copy()
        for place, values in levels.items():
            found[:, place] = values[matrix[:, place].astype(int)]
        return found

    def lime() -> list[np.ndarray]:
        explain = LimeTabularExplainer(
            coded(background), mode="regression", feature_selection="none", categorical_features=few
        )
        found = []
        for row, seed, sign in zip(coded(rows), seeds, signs, strict=True):
            explain.random_state = explain.discretizer.random_state = np.random.RandomState(seed)
            made = explain.explain_instance(
                row, lambda matrix: score(decoded(matrix)), num_features=len(names), num_samples=5000
            )
            found.append(sign * _placed(made.local_exp[1], len(names)))
        return found

    def permutation() -> list[np.ndarray]:
        masker = shap.maskers.Independent(background, max_samples=len(background))
        width = len(names)
        return [
            sign * shap.explainers.Permutation(score, masker, seed=seed)(row[None], max_evals=2 * width + 1).values[0]
            for row, seed, sign in zip(rows, seeds, signs, strict=True)
        ]

    yield Case(
        name="LIME, rows",
        made=f"{count} rows, 5,000 drawn around each",
        ours=ours(world, target, "lime.tabular", 5000),
        theirs=lime,
        target=target,
        goal=("4", 1.8),
    )
    yield Case(
        name="SHAP, rows (Permutation)",
        made=f"{count} rows, one permutation there and back",
        ours=ours(world, target, "shap.permutation"),
        theirs=permutation,
        target=target,
    )
    some = world.first(max(2, count // 10))
    yield Case(
        name="SHAP, rows (Kernel, no selection of columns)",
        made=f"{len(some)} rows, 2,084 versions",
        ours=ours(some, target, "shap.kernel"),
        theirs=lambda: _kernel(score, background, rows[: len(some)], seeds, signs, l1_reg=False),
        target=target,
    )


def _kernel(score: Any, background: Any, rows: Any, seeds: Any, signs: Any, **options: Any) -> list[np.ndarray]:
    """shap's KernelExplainer, which draws from numpy's global generator."""
    import shap

    explain = shap.KernelExplainer(score, background)
    found = []
    for row, seed, sign in zip(rows, seeds, signs, strict=False):
        np.random.seed(seed)
        found.append(sign * explain.shap_values(row, silent=True, **options))
    return found


def tree_cases(folder: Path, count: int) -> Iterator[Case]:
    """Kernel SHAP at its defaults against ours of fewer versions, and TreeExplainer, of 200 boosted trees."""
    import lightgbm
    import shap

    names = tuple(f"x{place}" for place in range(20))
    rng = np.random.default_rng(1)
    values = rng.normal(size=(20_000, len(names)))
    curved = np.sin(values[:, 0] * values[:, 1]) + values[:, 2] * values[:, 3] + values[:, 4:] @ np.linspace(1, 0, 16)
    classes = rng.random(len(values)) < 1 / (1 + np.exp(-curved))
    options = {"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(values, label=classes), 200)
    booster.save_model(folder / "trees.txt")
    target = make_target(
        "lightgbm", TargetContext(folder=folder, features=names, threads=1), {"path": "trees.txt", "labels": [0, 1]}
    )
    subject = Subject(table=Table.from_matrix(values[:2000], names), features=names)
    world = RowWorld.open(Asker(target, seed=1, subject=subject).for_probe("explain.benchmark"), inputs=10 * count)
    background, rows = world.background.matrix(), world.rows.matrix()
    signs = [1.0 if each.label == 1 else -1.0 for each in world.instances]
    seeds = [each.seed(SEED) for each in world.instances]

    def score(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))

    def trees(data: np.ndarray | None) -> list[np.ndarray]:
        explain = shap.TreeExplainer(
            booster, data=data, feature_perturbation="tree_path_dependent" if data is None else "interventional"
        )
        found = np.asarray(explain.shap_values(rows))
        return [sign * row for sign, row in zip(signs, found if found.ndim == 2 else found[..., -1], strict=True)]

    some = world.first(max(2, count // 10))
    yield Case(
        name="SHAP, rows (Kernel at its defaults; ours 256 versions)",
        made=f"{len(some)} rows of 200 trees, 20 columns",
        ours=ours(some, target, "shap.kernel", 256),
        theirs=lambda: _kernel(score, background, rows[: len(some)], seeds, signs),
        target=target,
        goal=("4", 5.0),
        exact=[each.attributions for each in _exact(some, target)],
    )
    for name, explainer, data in (
        ("interventional", "shap.tree", background),
        ("path-dependent", "shap.tree-path-dependent", None),
    ):
        yield Case(
            name=f"SHAP, trees ({name})",
            made=f"{len(world)} rows of 200 trees, 20 columns",
            ours=ours(world, target, explainer),
            theirs=lambda data=data: trees(data),  # type: ignore[misc]
            target=target,
            goal=("4", 1.0),
        )


def _exact(world: RowWorld, target: Target) -> list[Explanation]:
    asked(world, target)
    return make_explainer("shap.tree").explain(world, seed=SEED)


def gradient_cases(folder: Path, count: int) -> Iterator[Case]:
    """Integrated gradients, where captum is there: it is no part of the toolkit's environment."""
    if importlib.util.find_spec("captum") is not None:
        texts = [line for line in read_texts(None) if len(line.split()) >= 6]
        yield captum_case(folder / "classifier", texts[:count])


def measured(*, count: int, repeats: int, folder: Path) -> list[Case]:
    """All cases, each with its runs."""
    done = []
    for cases in (text_cases(count), row_cases(count), tree_cases(folder, count), gradient_cases(folder, count)):
        for case in cases:
            case.run(repeats)
            done.append(case)
            print(" | ".join(case.line()), flush=True)
    return done


def main() -> None:
    """Measure, and write the page unless it is a short run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="few inputs, once each; prints alone")
    arguments = parser.parse_args()
    before = pages.load()
    load_builtin()
    count, repeats = (2, 1) if arguments.short else (20, 5)
    with tempfile.TemporaryDirectory() as folder:
        done = measured(count=count, repeats=repeats, folder=Path(folder))
    table = pages.table(HEAD, [case.line() for case in done])
    goals = pages.table(pages.GOALS, [case.goal_line() for case in done if case.goal is not None])
    if arguments.short:
        print(table, goals, sep="\n\n")
        return
    pages.write(
        PAGE,
        "Explanations against shap and lime",
        "python benchmarks/explaining.py",
        before,
        [*PACKAGES, *(["captum"] if any(case.goal == ("3c", 1.0) for case in done) else [])],
        [
            _SAID,
            table,
            f"## Goals\n\n{goals}",
        ],
        repeats=f"each {repeats} times, in turn",
    )


if __name__ == "__main__":
    main()
