"""lm-evaluation-harness as a process that is asked by `harness.py`; it runs in an environment of its own.

    python harness_peer.py MODEL_FOLDER

A line of JSON asks: ``{"pairs": [[context, continuation], ...], "batch": 16}``; the line that answers has the
log-likelihoods, the CPU-seconds of ``HFLM.loglikelihood`` and the bytes that its peak of memory lies above what was
held before. The model is loaded once, before the first line.
"""

import ctypes
import json
import os
import re
import sys
import time
from pathlib import Path

sys.path.pop(0)  # this folder, none of whose names may stand for a package

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM


def held(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the harness prints is no answer
    made = {"1": HFLM(pretrained=sys.argv[1], device="cpu", dtype="float32", batch_size=1)}
    first = made["1"]
    for line in sys.stdin:
        asked = json.loads(line)
        batch = asked["batch"]
        if str(batch) not in made:
            made[str(batch)] = HFLM(pretrained=first.model, tokenizer=first.tokenizer, batch_size=batch)
        requests = [
            Instance(request_type="loglikelihood", doc={}, arguments=(context, continuation), idx=0)
            for context, continuation in asked["pairs"]
        ]
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # freed memory is handed back, and the peak counts from here on
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        before, began = held("VmRSS"), time.process_time()
        values = made[str(batch)].loglikelihood(requests, disable_tqdm=True)
        cpu = time.process_time() - began
        found = {"values": [value for value, _ in values], "cpu": cpu, "extra": held("VmHWM") - before}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
