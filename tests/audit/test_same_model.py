"""One scikit-learn model, asked in six ways: a skops file, ONNX, a Python function, two protocols, and its own log.

Every way gives the same findings, byte for byte, but for what names the way itself. Two ways differ, and say how:

- ONNX computes in single precision. Its probabilities lie within 1e-6 of the others; the decisions, and with them all
  findings of group rates, are the same as long as no row lies that near to the threshold, which a test makes sure of.
- A log is asked about its columns of decisions and not about features, so the digests of its evidence are others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum import api, codec
from probandum.errors import UsageError
from probandum.evidence import Floats
from probandum.finding import Finding
from probandum.record import Record
from probandum.tables import read_table
from records import write_sklearn_plan

for package in ("grpc", "httpx2", "onnxruntime", "skl2onnx", "skops"):
    pytest.importorskip(package)

from oip_server import serving  # noqa: E402  after the checks above

THRESHOLD = 0.4
LIMITS = """\
limits:
  - {metric: bias.group-rates/impact-ratio, at_least: 0.8, source: foreign-guideline, set_by: Board,
     set_on: 2026-11-01, reason: Screening}
  - {metric: bias.group-rates/tpr-difference, band: 0.1, source: project, set_by: Board, set_on: 2026-11-01,
     reason: Board decision 14}
"""
FUNCTION = """\
from pathlib import Path
import numpy as np
import skops.io

def score(rows):
    model = skops.io.load(Path(__file__).parent / "model.skops")
    return model.predict_proba(np.column_stack(list(rows.values())))
"""
MODELS = ("file", "onnx", "callable", "http", "grpc", "batches")
WAYS = (*MODELS, "log")
Audited = dict[str, Record]


def _onnx(folder: Path, model: Any) -> None:
    from skl2onnx import to_onnx

    converted = to_onnx(model, np.zeros((1, 1), dtype=np.float32), options={"zipmap": False})
    (folder / "model.onnx").write_bytes(converted.SerializeToString())


def _log(folder: Path, model: Any) -> None:
    """The decisions of the model, written down beside its rows."""
    rows = read_table(folder / "rows.csv")
    scores = model.predict_proba(rows["income"][:, None])[:, 1]
    lines = [
        f"{sex},{int(score >= THRESHOLD)},{int(repaid)}"
        for sex, score, repaid in zip(rows["sex"], scores, rows["repaid"], strict=True)
    ]
    (folder / "log.csv").write_text("\n".join(["sex,approved,repaid", *lines]) + "\n", "utf-8")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """The records of the six ways, and of HTTP once more in batches of seven rows."""
    import skops.io

    folder = tmp_path_factory.mktemp("same")
    plan = write_sklearn_plan(folder)
    model = skops.io.load(folder / "model.skops")
    _onnx(folder, model)
    _log(folder, model)
    (folder / "scoring.py").write_text(FUNCTION, "utf-8")
    base = plan.read_text("utf-8").replace("threshold: 0.5", f"threshold: {THRESHOLD}") + LIMITS
    with ExitStack() as stack:
        server = stack.enter_context(serving(model))
        oip = "type: oip, model: credit, outputs: {name: predict_proba}"
        targets = {
            "file": "type: sklearn, path: model.skops",
            "onnx": "type: onnx, path: model.onnx, labels: ['0', '1']",
            "callable": "type: callable, function: 'scoring:score', kind: predict, files: [model.skops]",
            "http": f"{oip}, url: {server.url!r}",
            "grpc": f"{oip}, url: {server.grpc_url!r}, protocol: grpc",
            "batches": f"{oip}, url: {server.url!r}, batch: 7",
        }
        texts = {way: base.replace("type: sklearn, path: model.skops", said) for way, said in targets.items()}
        texts["log"] = _of_the_log(base)
        yield {way: _audit(folder, way, text) for way, text in texts.items()}


def _of_the_log(base: str) -> str:
    lines = [line for line in base.splitlines() if not line.startswith(("data:", "decision:"))]
    said = "type: log, path: log.csv, decision: approved, favourable: 1, label: repaid"
    return "\n".join(lines).replace("type: sklearn, path: model.skops", said) + "\n"


def _audit(folder: Path, way: str, text: str) -> Record:
    plan = folder / f"{way}.yaml"
    plan.write_text(text, "utf-8")
    return api.audit(plan, out=folder / way, documents=False)


def findings(record: Record, *, evidence: bool = True) -> bytes:
    """All findings as canonical bytes, without the line of a limit, which is the plan's; ``evidence``: with digests."""
    return codec.encode([_bare(each, evidence) for each in record.findings])


def _bare(finding: Finding, evidence: bool) -> dict[str, Any]:
    limit = None if finding.limit is None else replace(finding.limit, line=0)
    said: dict[str, Any] = codec.builtins(replace(finding, limit=limit))
    if not evidence:
        del said["evidence"]
    return said


def probabilities(record: Record) -> Floats:
    """What the system answered to all rows."""
    return np.concatenate([observation.answer.values for observation in record.observations()])


@pytest.mark.parametrize("way", MODELS)
def test_the_same_model_has_the_same_findings(audited: Audited, way: str) -> None:
    """Byte for byte, the digests of what was asked among them: all ways were asked the same."""
    assert findings(audited["file"]) == findings(audited[way])


def test_its_log_has_the_same_findings(audited: Audited) -> None:
    """Byte for byte but for the digests of evidence: its own columns were asked."""
    assert findings(audited["file"], evidence=False) == findings(audited["log"], evidence=False)
    assert findings(audited["file"]) != findings(audited["log"])


def test_the_findings_say_something(audited: Audited) -> None:
    """Both limits are judged, and on more than nothing: two empty lists would be the same as well."""
    judged = [each for each in audited["file"].findings if each.limit is not None]

    assert {"bias.group-rates/impact-ratio", "bias.group-rates/tpr-difference"} == {each.metric for each in judged}
    assert all(each.estimate.value is not None and each.estimate.n > 100 for each in judged)


@pytest.mark.parametrize("way", ["callable", "http", "grpc", "batches"])
def test_double_precision_gives_the_same_bytes(audited: Audited, way: str) -> None:
    """A function, JSON and gRPC hand every bit of a probability on, however rows are batched."""
    assert np.array_equal(probabilities(audited["file"]), probabilities(audited[way]))


def test_rows_that_were_asked_in_parts_are_replayed_and_verified_as_one_block(audited: Audited) -> None:
    """Each part names the block, which is what findings rest on."""
    record = audited["batches"]
    folder = record.folder.parent
    text = (folder / "batches.yaml").read_text("utf-8")
    again = _audit(folder, "again", re.sub(r"target: {.*}\n", "target: {type: replay, record: batches}\n", text))

    assert 6 == len(list(record.observations()))
    assert 1 == len(list(again.observations()))
    assert findings(record) == findings(again)
    assert [] == [step.title for step in api.verify(record) if step.held is False]
    api.report(record, documents=["annex_iv"])
    (page,) = (record.reports / "evidence").glob("bias.group-rates.jsonl")
    assert 6 == page.read_text("utf-8").count('"block":')


def test_onnx_differs_by_single_precision_alone(audited: Audited) -> None:
    """It differs, by less than 1e-6, and no row lies so near to the threshold that this could turn its decision."""
    exact, single = probabilities(audited["file"]), probabilities(audited["onnx"])

    assert not np.array_equal(exact, single)
    assert np.allclose(exact, single, atol=1e-6, rtol=0)
    assert 1e-5 < np.abs(exact[:, 1] - THRESHOLD).min()


@pytest.mark.parametrize("way", WAYS)
def test_each_way_says_what_it_is(audited: Audited, way: str) -> None:
    """Only the identity tells the records apart; an endpoint's has no digest of weights."""
    identities = {codec.encode(each.environment["target"]["identity"]) for each in audited.values()}
    weights = {"file", "onnx", "callable", "log"}

    assert len(WAYS) == len(identities)
    assert (way in weights) == ("sha256" in audited[way].environment["target"]["identity"])


def test_classes_alone_have_the_same_findings(tmp_path: Path) -> None:
    """Without a threshold a model's own classes decide as its probabilities do at a half; only scores are lacking."""
    import skops.io

    plan = write_sklearn_plan(tmp_path)
    base = plan.read_text("utf-8") + LIMITS
    with serving(skops.io.load(tmp_path / "model.skops")) as server:
        said = f"type: oip, model: credit, outputs: {{kind: label}}, url: {server.url!r}"
        text = base.replace("type: sklearn, path: model.skops", said)
        labels = _audit(tmp_path, "labels", text.replace(", threshold: 0.5", ""))

        with pytest.raises(UsageError, match=r"leaves no room for decision\.threshold"):
            _audit(tmp_path, "both", text)

    assert findings(_audit(tmp_path, "file", base)) == findings(labels)
    assert "favourable" in labels.environment["target"]["labels"]
