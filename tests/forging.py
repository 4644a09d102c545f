"""What whoever can write a record's folder can put there, with its key or without: other words under matching seals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.record import Record
from probandum.sealing import STATEMENT, SUMS, contents, judgement_name, seal
from probandum.signing import open_envelope


def reseal(folder: Path, predicate: str, by: Path | None = None, **facts: Any) -> None:
    """A seal over what stands in ``folder`` now, its facts as they were but for ``facts``: what a forger can write."""
    body, _ = open_envelope(folder / STATEMENT)
    told = codec.decode(dict[str, Any], body)["predicate"]
    files = contents(folder / "ask") if predicate == "ask" else contents(folder)
    files = [path for path in files if path.name not in (SUMS, STATEMENT)]
    seal(folder, files, predicate=predicate, facts={**told, **facts}, key=by)


def judgement(run: Path) -> Path:
    """The folder of the present judgement."""
    return Record.open(run).judgement()


def restate(run: Path, **said: Any) -> Path:
    """The present judgement says something else of how it was judged, and is sealed, named and present again."""
    place = judgement(run)
    told, card = (json.loads((place / name).read_text()) for name in ("judging.json", "card.json"))
    told |= said
    (place / "judging.json").write_bytes(codec.pretty(told))
    stated = {name: told[name] for name in ("number", "before", "tool", "mode", "as_of")}
    reseal(place, "judgement", **stated)
    made = place.rename(place.with_name(judgement_name(told, card)))
    (run / "judgement").write_text(f"{made.name}\n")
    return made


def paste_signature(folder: Path, of: Path) -> None:
    """The statement in ``folder`` carries the signature of another one, as whoever lacks the key can write it."""
    outer = json.loads((folder / STATEMENT).read_text())
    outer["signatures"] = json.loads((of / STATEMENT).read_text())["signatures"]
    (folder / STATEMENT).write_bytes(codec.encode(outer))


def forge_verdict(run: Path, by: Path | None = None) -> None:
    """The broken limit passes in findings.json and gate.json, and the judgement is sealed again."""
    findings = json.loads((run / "findings.json").read_text())
    assert "FAIL" in [finding["verdict"] for finding in findings]
    for finding in findings:
        finding["verdict"] = finding["verdict"].replace("FAIL", "PASS")
    gate = json.loads((judgement(run) / "gate.json").read_text())
    files = {"findings.json": findings, "gate.json": {**gate, "code": 0, "causes": []}}
    place = judgement(run)
    (run / "findings.json").write_bytes(codec.pretty(findings))
    for name, value in files.items():
        (place / name).write_bytes(codec.pretty(value))
    reseal(place, "judgement", by)
