"""explain.randomisation on a small trained classifier: explanations must change as its weights go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explained_probes import by_place, found, held, planted, texts_file, value
from explained_worlds import asking
from fakes import KeywordClassifier, run_probe
from probandum.evidence import Capability, Floats
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import ProbeResult
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.explain.explaining import make_explainer
from probandum_probes.explain.quality.complexity import complexity
from probandum_probes.explain.quality.random_similarity import attributions
from probandum_probes.explain.quality.random_systems import with_random_weights
from probandum_probes.explain.quality.randomisation import Randomisation
from probandum_probes.explain.quality.weight_cascade import STEPS
from probandum_probes.explain.texts import TextWorld, read_texts
from probandum_probes.explain.worlds import World
from trained_classifier import save_trained

for package in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(package)
load_builtin()

LIMIT = Limit(
    metric="explain.randomisation/similarity-over-null", direction="at_most", threshold=0.1, groups={"layers": "all"}
)
GRADIENTS = ("gradients.input", "gradients.integrated")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and 130 texts."""
    made = save_trained(tmp_path_factory.mktemp("trained"))
    texts_file(made)
    return made


@pytest.fixture(scope="module")
def trained(folder: Path) -> Any:
    """The model, on the CPU with one thread."""
    return make_target("transformers", TargetContext(folder=folder, device="cpu", threads=1), {"path": str(folder)})


def probe(folder: Path, *names: str, inputs: int = 30, **more: Any) -> Randomisation:
    """Few points of an integral, which this small model does not need more of."""
    return Randomisation(texts=folder / "texts.txt", explainers=names, inputs=inputs, samples=16, **more)


@pytest.fixture(scope="module")
def result(folder: Path, trained: Any) -> ProbeResult:
    """Both kinds of gradients."""
    return run_probe(probe(folder, *GRADIENTS), trained)


def verdict(result: ProbeResult, limit: Limit, explainer: str) -> Verdict:
    """What the limit says of that explainer with all weights drawn anew."""
    facets = {"explainer": explainer, "layers": "all"}
    (said,) = [each for each in judge([result], [limit]) if (each.metric, each.facets) == (limit.metric, facets)]
    return said.verdict


def by_frequency(world: World, seed: int) -> list[Floats]:
    """More of words that more texts hold, and of the first places: an edge detector of texts."""
    every = [word for each in world.instances for word in each.features]
    return [
        np.array([every.count(word) + 0.01 * place for place, word in enumerate(each.features)])
        for each in world.instances
    ]


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_a_trained_classifier_pass(result: ProbeResult, name: str) -> None:
    """They were not applicable where no weights could be drawn; here they change with the weights."""
    assert [True, True] == held(result)
    assert Verdict.PASS is verdict(result, LIMIT, name)
    assert 30 == found(result, "similarity-over-null", explainer=name).estimate.n
    assert abs(value(result, "similarity", explainer=name, layers="all")) < 0.3


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_cascade_leads_from_alike_to_nothing_in_common(result: ProbeResult, name: str) -> None:
    """With the head drawn anew most is left, with all layers nothing; each step is shown and never judged."""
    steps = [found(result, "similarity", explainer=name, layers=step) for step in (*STEPS, "all")]

    assert {"disclosure"} == {each.mode for each in steps}
    head, every = (value(result, "similarity", explainer=name, layers=step) for step in ("head", "all"))
    assert head > every + 0.2


def test_explainers_that_ignore_the_weights_fail(folder: Path, trained: Any) -> None:
    """By frequency and by place: 1 at every step, and over a null that counts as .8 a fifth without any doubt."""
    with planted("planted.frequency", by_frequency) as first, planted("planted.place", by_place) as second:
        found_out = run_probe(probe(folder, first, second, masking_too=True), trained)

    for name in (first, second):
        assert Verdict.FAIL is verdict(found_out, LIMIT, name)
        assert pytest.approx(0.2) == value(found_out, "similarity-over-null", explainer=name, layers="all")
        assert [1.0] * 4 == pytest.approx([value(found_out, "similarity", explainer=name, layers=s) for s in STEPS])
        assert pytest.approx(0.0, abs=1e-12) == value(found_out, "entropy-rise", explainer=name)


def test_explainers_that_mask_are_tested_against_weights_where_that_is_wanted(folder: Path, trained: Any) -> None:
    """Beside the systems that answer by a digest: two quantities, one limit each."""
    both = run_probe(probe(folder, "occlusion", masking_too=True), trained)
    one = run_probe(probe(folder, "occlusion"), trained)

    judged = [each.facets for each in both.measures if each.metric == "similarity-over-null"]
    assert [{"explainer": "occlusion", "layers": "all"}, {"explainer": "occlusion"}] == judged
    assert Verdict.PASS is verdict(both, LIMIT, "occlusion")
    assert [{"explainer": "occlusion"}] == [e.facets for e in one.measures if e.metric == "similarity-over-null"]
    assert "entropy-rise" not in {each.metric for each in one.measures}


def test_entropy_rises_by_what_the_explanations_say(folder: Path, trained: Any) -> None:
    """The mean over random models of their explanations' entropy, less that of the model's own, input by input."""
    result = run_probe(probe(folder, "occlusion", inputs=4, masking_too=True), trained)
    rise = found(result, "entropy-rise").items
    world = TextWorld.open(asking(trained), read_texts(folder / "texts.txt"), inputs=4)
    (own,) = [complexity(phi).entropy for phi in attributions(world.first(1), make_explainer("occlusion"), seed=0)]

    assert rise is not None and "nat" == rise.unit and 4 == len(rise.values)
    assert all(-own <= each <= np.log(11) for each in rise.values)


def test_the_class_that_is_explained_stays_and_its_score_is_the_random_models(folder: Path, trained: Any) -> None:
    """Integrated gradients add up to the log-odds that the model has with other weights."""
    world = TextWorld.open(asking(trained), read_texts(folder / "texts.txt"), inputs=6)
    changed = with_random_weights(world, layers=1.0, seed=3)
    said = make_explainer("gradients.integrated").explain(changed, seed=0)

    assert [each.label for each in world.instances] == [each.label for each in changed.instances]
    assert [each.score for each in world.instances] != [each.score for each in changed.instances]
    for instance, each in zip(changed.instances, said, strict=True):
        assert each.base is not None
        assert pytest.approx(instance.score, abs=1e-3) == float(each.attributions.sum()) + each.base


def test_a_random_model_is_not_taken_for_another_or_for_the_system(folder: Path, trained: Any) -> None:
    """Asked again, each gives what it gave; the system in between answers as ever."""
    world = TextWorld.open(asking(trained), read_texts(folder / "texts.txt"), inputs=3)
    occlusion = make_explainer("occlusion")
    worlds = [world, *(with_random_weights(world, layers=share, seed=3) for share in (0.0, 1.0)), world]
    said = [np.concatenate(attributions(each, occlusion, seed=0)) for each in worlds]

    np.testing.assert_array_equal(said[0], said[3])
    assert len({each.tobytes() for each in said[:3]}) == 3


def test_fewer_than_30_inputs_are_inconclusive(folder: Path, trained: Any) -> None:
    """An estimate, and no verdict."""
    few = run_probe(probe(folder, "gradients.input", inputs=10), trained)

    assert Verdict.INCONCLUSIVE is verdict(few, LIMIT, "gradients.input")


def test_a_classifier_without_weights_here_gives_no_such_answers(folder: Path) -> None:
    """Explainers that ask the system itself stay not applicable, and say why; masking ones have one quantity."""
    result = run_probe(probe(folder, "gradients.input", "occlusion", masking_too=True), KeywordClassifier())
    measure = found(result, "similarity-over-null", explainer="gradients.input")

    assert Capability.RANDOMISE not in KeywordClassifier.capabilities
    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (measure.verdict, measure.sub_reason)
    assert "gives none with its weights drawn anew" in str(measure.why)
    assert {} == {key: name for key, name in measure.facets.items() if key == "layers"}
