"""A real MLServer with three scikit-learn models, where one is installed: a matrix, a data frame, and texts.

It lives in an environment of its own, named by PROBANDUM_MLSERVER_PYTHON: mlserver and mlserver-sklearn 1.7.1 with the
scikit-learn of constraints/.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from real_openai import free_port

#: Numbers that a person can check: no model is trained, each is written down.
MAKING = """
import sys
from pathlib import Path
import joblib, numpy as np, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

def logistic(coefficients, classes):
    model = LogisticRegression()
    model.coef_, model.intercept_ = np.array([coefficients]), np.array([0.25])
    model.classes_, model.n_features_in_ = np.array(classes), len(coefficients)
    return model

towns = make_column_transformer((OneHotEncoder(categories=[["Bonn", "Ulm"]]), ["town"]), remainder="passthrough")
towns.fit(pd.DataFrame({"income": [0.0, 1.0], "town": ["Bonn", "Ulm"]}))
words = CountVectorizer(vocabulary=["bad", "good"]).fit(["good", "bad"])
models = {
    "matrix": logistic([1.5, -1.0], [0, 1]),
    "frame": make_pipeline(towns, logistic([0.5, -0.5, 1.5], ["bad", "good"])),
    "texts": make_pipeline(words, logistic([-2.0, 2.0], ["neg", "pos"])),
}
for name, model in models.items():
    joblib.dump(model, Path(sys.argv[1]) / name / "model.joblib")
"""


@contextmanager
def mlserver(python: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """The addresses of a running server: HTTP, and host and port of gRPC."""
    http, remote, metrics = free_port(), free_port(), free_port()
    settings = {"parallel_workers": 0, "host": "127.0.0.1", "debug": False}
    ports = {"http_port": http, "grpc_port": remote, "metrics_port": metrics}
    (folder / "settings.json").write_text(json.dumps({**settings, **ports}), "utf-8")
    for name in ("matrix", "frame", "texts"):
        (folder / name).mkdir()
        parameters = {"uri": "./model.joblib", "version": "v1"}
        said = {"name": name, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": parameters}
        (folder / name / "model-settings.json").write_text(json.dumps(said), "utf-8")
    subprocess.run([python, "-c", MAKING, folder], check=True, cwd=folder)
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [python, "-c", "from mlserver.cli import main; main()", "start", "."],
            cwd=folder,
            env=quiet,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, f"http://127.0.0.1:{http}/v2/models/texts/ready", folder / "log.txt")
            yield f"http://127.0.0.1:{http}", f"127.0.0.1:{remote}"
        finally:
            process.terminate()
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.2)
    raise AssertionError(f"no MLServer came up: {log.read_text('utf-8', 'replace')[-500:]}")
