"""Trains the credit scorer of this example on German Credit, with a fixed seed, and writes what the audit needs.

    python examples/credit/train.py [FOLDER]

``model.skops`` is the scorer: every input is cut into bins, and a logistic regression weighs the bins, which is how
scorecards are built. It takes any number for any input, as a code between two codes falls into a bin too.
``heldout.csv`` holds the loans that it has not seen: ``id`` (line of the source file), ``credit_risk`` (1 repaid,
0 not) and the inputs. Sex and foreign worker are no inputs: the card of the data set says why they mean little.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from probandum.resources import dataset

SEED = 20261101
TRAINING_SHARE = 0.5
LEFT_OUT = ("personal_status_sex", "foreign_worker")
LABEL = "credit_risk"
#: Bins of an input that is a number; a coded input has one bin a code.
BINS = 5

Matrix = npt.NDArray[np.float64]
Lines = npt.NDArray[np.int64]


def read_loans(folder: Path) -> dict[str, npt.NDArray[np.int64]]:
    """The columns of german.data by name, shape (1000,) each; codes as the numbers after the column's prefix.

    ``credit_risk`` is 1 where the file says 1 (repaid as agreed) and 0 where it says 2.
    """
    names = [column["name"] for column in yaml.safe_load((folder / "card.yaml").read_text("utf-8"))["columns"]]
    rows = [line.split() for line in (folder / "german.data").read_text("ascii").splitlines()]
    loans = {
        name: np.array([int(row[place].removeprefix(f"A{place + 1}")) for row in rows])
        for place, name in enumerate(names)
    }
    loans[LABEL] = (loans[LABEL] == 1).astype(np.int64)
    return loans


def splitting(label: npt.NDArray[np.int64]) -> tuple[Lines, Lines]:
    """Row numbers to train on and to hold out, in file order, with the same share of good loans in both."""
    generator = np.random.default_rng(SEED)
    chosen = []
    for value in np.unique(label):
        rows = generator.permutation(np.flatnonzero(label == value))
        chosen.append(rows[: round(len(rows) * TRAINING_SHARE)])
    training = np.sort(np.concatenate(chosen))
    return training, np.setdiff1d(np.arange(len(label)), training)


def fitting(inputs: Matrix, label: npt.NDArray[np.int64], numbers: list[int], codes: list[int]) -> Any:
    """The pipeline fitted on ``inputs``, shape (loans, features); ``numbers`` and ``codes`` are column indices."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import KBinsDiscretizer

    # dtype is said so that the file holds a type that skops trusts, not the numpy.dtype object that it does not.
    quantiles = KBinsDiscretizer(
        BINS,
        encode="onehot-dense",
        strategy="quantile",
        quantile_method="averaged_inverted_cdf",
        dtype=np.float64,
    )
    one_a_code = KBinsDiscretizer(
        [int(np.ptp(inputs[:, place])) + 1 for place in codes],
        encode="onehot-dense",
        strategy="uniform",
        dtype=np.float64,
    )
    binning = ColumnTransformer([("numbers", quantiles, numbers), ("codes", one_a_code, codes)])
    pipeline = Pipeline([("bins", binning), ("weights", LogisticRegression(C=0.1, max_iter=2000))])
    return pipeline.fit(inputs, label)


def training(folder: Path) -> Any:
    """Writes ``heldout.csv`` and ``model.skops`` into ``folder`` and returns the fitted model."""
    import skops.io

    source = dataset("german_credit")
    kinds = {column["name"]: column["kind"] for column in yaml.safe_load((source / "card.yaml").read_text())["columns"]}
    loans = read_loans(source)
    features = [name for name in loans if name not in (*LEFT_OUT, LABEL)]
    inputs = np.column_stack([loans[name] for name in features]).astype(np.float64)
    numbers = [place for place, name in enumerate(features) if kinds[name] == "number"]
    codes = [place for place, name in enumerate(features) if kinds[name] != "number"]
    train, held_out = splitting(loans[LABEL])
    model = fitting(inputs[train], loans[LABEL][train], numbers, codes)

    lines = [",".join(["id", LABEL, *features])]
    lines += [
        ",".join([f"loan-{row + 1:04d}", str(loans[LABEL][row]), *(str(loans[name][row]) for name in features)])
        for row in held_out
    ]
    (folder / "heldout.csv").write_bytes(("\n".join(lines) + "\n").encode("ascii"))
    skops.io.dump(model, folder / "model.skops")
    return model


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    training(target)
    for name in ("model.skops", "heldout.csv"):
        print(f"{target / name}: {(target / name).stat().st_size} bytes")
