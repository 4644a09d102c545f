"""By which digests the audited model and the data of its test are told from every other."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dossiers import make_dossier
from probandum import api, reporting
from probandum.document import Fact
from probandum.dossier import Dossier
from probandum_reports import facts
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.nodes import walk
from records import write_plan, write_sklearn_plan


def of_identity(identity: dict[str, Any], **environment: Any) -> str:
    """What the facts of the run call the model of a target with this identity."""
    dossier = make_dossier()
    told = {**dossier.environment, "target": {"type": "t", "identity": identity}, **environment}
    return facts.run_facts(replace(dossier, environment=told))["digest.model"]


@pytest.mark.parametrize("name", sorted(templates()))
def test_every_document_states_the_digests_of_model_and_data(dossier: Dossier, name: str) -> None:
    """On the cover: which model was asked, and on which rows."""
    said = {fact.path: fact.value for fact in walk(build(name, dossier).front) if isinstance(fact, Fact)}

    assert said["run.digest.model"].startswith("model.pkl sha256:")
    assert said["run.digest.data"].startswith("heldout.csv sha256:")
    assert said["run.digest.data"].endswith(", 1,000 rows")


def test_the_record_holds_the_digest_and_the_rows_of_each_file_of_data(tmp_path: Path) -> None:
    """The rows of a model are a file beside it; the model is no data."""
    plan = write_sklearn_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    digest = hashlib.sha256((tmp_path / "rows.csv").read_bytes()).hexdigest()
    said = facts.run_facts(reporting.dossier(record))
    model = hashlib.sha256((tmp_path / "model.skops").read_bytes()).hexdigest()

    assert [{"file": "rows.csv", "sha256": f"sha256:{digest}", "rows": 300}] == record.environment["data"]
    assert f"rows.csv sha256:{digest}, 300 rows" == said["digest.data"]
    assert f"model.skops sha256:{model}" == said["digest.model"]


def test_of_a_log_the_recording_is_the_data(tmp_path: Path) -> None:
    """A log has no model whose digest could be told; its own stands under data."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    digest = hashlib.sha256((tmp_path / "log.csv").read_bytes()).hexdigest()
    said = facts.run_facts(reporting.dossier(record))

    assert f"log.csv sha256:{digest}, 800 rows" == said["digest.data"]
    assert "none: answers were recorded before, and the recording is the data" == said["digest.model"]


def test_of_many_files_the_weights_are_told_and_of_a_converted_one_its_origin() -> None:
    """The first line of a model is the one that a person can check against what was published."""
    files = {"config.json": "sha256:aa", "model.safetensors": "sha256:bb", "tokenizer.json": "sha256:cc"}
    origin = {"file": "m.gguf", "sha256": "sha256:dd"}

    assert "model.safetensors sha256:bb, and 2 further files that the record names" == of_identity({"files": files})
    assert "m.gguf sha256:dd" == of_identity({"files": files, "converted_from": origin})
    assert "m.gguf sha256:dd" == of_identity(
        {"sha256": "sha256:ee", "recorded_identity": {"files": files, "converted_from": origin}}
    )
    assert "none: the system shows no file of its model" == of_identity({"url": "http://localhost", "model": "m"})


def test_without_a_file_of_data_what_was_asked_stands_for_it(dossier: Dossier) -> None:
    """Probes that bring their own texts ask them as recorded, and the recording has a digest."""
    told = {**dossier.environment, "data": []}
    asked = replace(dossier, environment=told, digests={**dossier.digests, "observations": "sha256:ff"})

    assert "the probes' own, as asked: observations.jsonl.zst sha256:ff" == facts.run_facts(asked)["digest.data"]
    assert "none: no file of data was named" == facts.run_facts(replace(dossier, environment=told))["digest.data"]
