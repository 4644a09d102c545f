"""A language model or text classifier in the format of transformers, run here, offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from probandum.errors import TargetError, TooLittleMemory, UsageError
from probandum.evidence import Capability, Floats, Request, Response
from probandum.target import Target, TargetContext, target
from probandum.targets.answering import Inputs, answered, unable
from probandum.targets.checkpoints import CAUSAL, Checkpoint, Place, parts
from probandum.targets.classifying import TextClassifier
from probandum.targets.devices import (
    device_named,
    dtype_named,
    enough_memory,
    gpu_named,
    usable_cores,
)
from probandum.targets.generating import Decoding, Draft, drafts, write
from probandum.targets.hugging import endpoint, transformers
from probandum.targets.loading import need, said, versions
from probandum.targets.prompting import Asked, Prompter, Unanswerable, name_of
from probandum.targets.scoring import Scorer

T = TypeVar("T")

#: Tokenizers write a number of this size where they know no limit.
_NO_LIMIT = 10**9
#: Batches are not halved below so many tokens: what does not fit then is no matter of batches.
_LEAST_TOKENS = 16


@target("transformers")
class TransformersTarget(Target):
    """Option log-probabilities, log-likelihoods and text of a causal model, or class probabilities of a classifier.

    ``model``: a folder, a GGUF file (converted to float32 once a machine; ``package:NAME/path`` lies in an
    installed package), or the id of a hub model that is in the user's hub cache; ``path`` is another name for
    it. Nothing is fetched unless ``download: true``; ``revision`` is the commit of a hub model. ``task``:
    causal or sequence-classification, by default what the model says. ``device`` (auto, cpu, cuda) and
    ``dtype`` (auto: float32 on a CPU, bfloat16 on CUDA) override those of ``execution``. ``chat_template``:
    whether prompts go through the tokenizer's, by default where it has one; ``system``: the message before
    them. ``max_new_tokens``: of texts whose request does not say.

    A scored continuation counts as input tokens, since the model reads it; output tokens are those it writes.
    """

    shareable = True
    batch_invariant = True

    def __init__(
        self,
        context: TargetContext,
        *,
        model: str | None = None,
        path: str | None = None,
        revision: str | None = None,
        download: bool = False,
        task: str = "auto",
        dtype: str | None = None,
        device: str | None = None,
        chat_template: bool | None = None,
        system: str | None = None,
        max_new_tokens: int = 128,
    ) -> None:
        place = Place.of(context, {"model": model, "path": path, "revision": revision, "download": download})
        if max_new_tokens < 1:
            raise UsageError(f"target.max_new_tokens: {max_new_tokens}, expected at least 1")
        self._batch_tokens = context.batch_tokens
        self._alone = context.batch_invariant
        self._notice = context.notice
        self._max_new_tokens = max_new_tokens
        self._system = system
        self._library = transformers(download=download)
        self._torch = need("torch", needed_for="target transformers", extra="hf")
        self._device = device_named(self._torch, device or context.device)
        self._dtype = dtype_named(dtype or context.dtype, self._device.type)
        self._torch.set_num_threads(context.threads or usable_cores())
        self._checkpoint = Checkpoint.read(place, task=task, notice=context.notice)
        self.endpoints = (endpoint(),) if download else ()
        self._model, tokenizer = _load(self._library, self._checkpoint, getattr(self._torch, self._dtype))
        what = f"the {self._dtype} weights of {self._checkpoint.name}"
        with enough_memory(self._torch, self._device, what, "use dtype: bfloat16, a smaller model, or device: cpu"):
            self._model.to(self._device)
            self._prepare(tokenizer, chat_template)
        self.cautions = tuple(self._cautions())

    def _prepare(self, tokenizer: Any, chat_template: bool | None) -> None:
        """What stands around the model: prompts and scoring of a causal one, the classes of a classifier."""
        limit = _limit(self._model.config, tokenizer)
        if self._checkpoint.task == CAUSAL:
            self.capabilities = frozenset({Capability.CHOOSE, Capability.SCORE, Capability.GENERATE})
            self._tokenizer = tokenizer
            self._prompter = Prompter(tokenizer, template=chat_template, system=self._system, limit=limit)
            self._scorer = Scorer(self._model, batch_tokens=self._batch_tokens)
            self._stops = _stops(self._model, tokenizer)
            self.batching = self._batching(self._scorer.apart, "nats a token")
            return
        if chat_template or self._system is not None:
            raise UsageError("target.chat_template, target.system: a text classifier reads texts as they are")
        self.capabilities = frozenset({Capability.CLASSIFY})
        self._classifier = TextClassifier(
            self._model, tokenizer, name=self._checkpoint.name, limit=limit, batch_tokens=self._batch_tokens
        )
        self.labels = self._classifier.labels
        self.batching = self._batching(self._classifier.apart, "of a probability")
        if self._alone:
            self._classifier.use_batches(0)

    def _batching(self, apart: float | None, unit: str) -> Mapping[str, Any]:
        return {"invariant": True} if self._alone else {"invariant": False, "apart": apart, "unit": unit}

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The model's files: weights, configuration, tokenizer; of a converted model the GGUF file."""
        return parts(Place.of(context, options).path)

    def identity(self) -> Mapping[str, Any]:
        """Digests of every file, the chat template, precision and its origin, device, card and versions."""
        known = self._checkpoint
        found: dict[str, Any] = {
            "model": known.name,
            "revision": known.revision,
            "task": known.task,
            "class": type(self._model).__name__,
            "parameters": int(self._model.num_parameters()),
            "files": dict(known.files),
            "precision": known.origin.precision(self._dtype) if known.origin else self._dtype,
            "dtype": self._dtype,
            "device": self._device.type,
            "batching": "each input alone" if self._alone else "inputs together",
            "converted_from": known.origin and {"file": known.origin.file, "sha256": known.origin.sha256},
            "quantisation": known.config.get("quantization_config"),
            "versions": dict(versions(("torch", "transformers", "tokenizers", "safetensors"))),
        }
        if self._device.type == "cuda":
            found["gpu"] = gpu_named(self._torch, self._device)
        if known.task == CAUSAL:
            found["chat_template"] = self._prompter.digest
            found["system"] = self._system
            found["max_new_tokens"] = self._max_new_tokens
            found["scoring"] = "shared prefixes" if self._scorer.shares_prefixes else "rows of equal length"
        return found

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request; all prompts of a pack share what they have in common.

        Where memory does not hold a pass, batches are halved from then on, and that is said.
        """
        while True:
            try:
                with self._enough_memory(requests):
                    return self._answered(requests)
            except TooLittleMemory as error:
                if self._alone or self._batch_tokens < 2 * _LEAST_TOKENS:
                    raise
                self.use_smaller_batches(self._batch_tokens // 2)
                self._notice(f"{error.message}; batches have at most {self._batch_tokens:,} tokens from here on")

    def use_smaller_batches(self, tokens: int) -> None:
        """Take at most ``tokens`` a pass from now on."""
        self._batch_tokens = self.smaller_batches = tokens
        part = self._scorer if self._checkpoint.task == CAUSAL else self._classifier
        part.use_batches(tokens)
        self.cautions = tuple(self._cautions())

    def tokens(self, requests: Sequence[Request]) -> list[int | None]:
        """As its answers count them; 0 for a request that cannot be asked."""
        return [self._read(request) for request in requests]

    def _read(self, request: Request) -> int:
        if self._checkpoint.task != CAUSAL:
            return self._classifier.count(request.texts)
        if request.kind is Capability.GENERATE:
            drafted = _attempt(self._drafts, request)
            return 0 if isinstance(drafted, str) else sum(len(draft.context) for draft in drafted)
        asked = _attempt(self._prompter.asked, request)
        return 0 if isinstance(asked, str) else asked.input_tokens

    def synchronise(self) -> None:
        """Wait for the GPU."""
        if self._device.type == "cuda":
            self._torch.cuda.synchronize(self._device)

    def close(self) -> None:
        """Let go of the weights."""
        for name in ("_model", "_scorer", "_classifier"):
            self.__dict__.pop(name, None)
        if self._device.type == "cuda":
            self._torch.cuda.empty_cache()

    def _enough_memory(self, requests: Sequence[Request]) -> AbstractContextManager[None]:
        """TargetError naming the pack where it does not fit the device."""
        kinds = ", ".join(dict.fromkeys(str(request.kind) for request in requests))
        first = f" from {name_of(requests[0], 0)}" if requests else ""
        what = f"a pack of {sum(map(len, requests))} {kinds} inputs of {self._checkpoint.name}{first}"
        remedy = "use dtype: bfloat16, a smaller model, or device: cpu"
        return enough_memory(self._torch, self._device, what, remedy)

    def _answered(self, requests: Sequence[Request]) -> list[Response]:
        """Each kind of request its own way; a kind that this model cannot answer is an error in its place."""
        if self._checkpoint.task != CAUSAL:
            return self._classified(requests)
        ways = {Capability.CHOOSE: self._scored, Capability.SCORE: self._scored, Capability.GENERATE: self._written}
        responses = [Response(error=unable(self, request)) for request in requests]
        for kind, way in ways.items():
            places = [place for place, request in enumerate(requests) if request.kind is kind]
            for place, response in zip(places, way([requests[place] for place in places]), strict=True):
                responses[place] = response
        return responses

    def _scored(self, requests: Sequence[Request]) -> list[Response]:
        asked = [_attempt(self._prompter.asked, request) for request in requests]
        values = self._likelihoods([each for each in asked if isinstance(each, Asked)])
        responses, first = [], 0
        for request, each in zip(requests, asked, strict=True):
            if isinstance(each, str):
                responses.append(Response(error=each))
                continue
            responses.append(_summed(request, each, values[first : first + len(each.sequences)]))
            first += len(each.sequences)
        return responses

    def _likelihoods(self, asked: Sequence[Asked]) -> Floats:
        """Of every sequence; those of one input share what they have in common, and no more where each goes alone."""
        if not self._alone:
            return self._scorer.score([sequence for each in asked for sequence in each.sequences])
        parts = [self._scorer.score(sequences) for each in asked for sequences in each.by_input()]
        return np.concatenate([np.zeros(0), *parts])

    def _written(self, requests: Sequence[Request]) -> list[Response]:
        asked = [_attempt(self._drafts, request) for request in requests]
        every = [draft for each in asked if not isinstance(each, str) for draft in each]
        padded = self._scorer.shares_prefixes
        tokens = 0 if self._alone else self._batch_tokens
        texts = iter(write(self._model, every, stops=self._stops, batch_tokens=tokens, padded=padded))
        return [
            Response(error=each) if isinstance(each, str) else self._text(each, [next(texts) for _ in each])
            for each in asked
        ]

    def _drafts(self, request: Request) -> list[Draft]:
        decoding = Decoding.of(request.parameters, max_new_tokens=self._max_new_tokens)
        return drafts(request, self._prompter.contexts(request, room=decoding.max_new_tokens), decoding)

    def _text(self, asked: Sequence[Draft], written: Sequence[tuple[int, ...] | Unanswerable]) -> Response:
        failed = [each for each in written if isinstance(each, Unanswerable)]
        if failed:
            return Response(error=str(failed[0]))
        tokens = [each for each in written if not isinstance(each, Unanswerable)]
        return Response(
            texts=tuple(self._tokenizer.decode(list(each), skip_special_tokens=True) for each in tokens),
            input_tokens=sum(len(draft.context) for draft in asked),
            output_tokens=sum(map(len, tokens)),
        )

    def _classified(self, requests: Sequence[Request]) -> list[Response]:
        def asked(inputs: Inputs) -> Floats:
            with self._enough_memory(requests):  # here, since what else goes wrong is an answer's error
                return self._classifier.probabilities(inputs)

        responses = answered(self, requests, asked)
        return [
            response if response.error else replace(response, input_tokens=self._classifier.count(request.texts))
            for request, response in zip(requests, responses, strict=True)
        ]

    def _cautions(self) -> list[str]:
        known, found = self._checkpoint, []
        if known.origin is not None:
            kinds = ", ".join(known.origin.quantisation)
            found.append(
                f"What ran is {known.origin.precision(self._dtype)} ({known.origin.file}): energy and speed say "
                f"nothing of the kernels that run {kinds} as it is."
            )
        if known.task == CAUSAL and self._prompter.dated:
            found.append(
                "The chat template writes the current date into every prompt: answers may change with the day."
            )
        if self.smaller_batches is not None:
            found.append(
                f"The device had too little memory for the batches that the plan allows: in the end they had at most "
                f"{self.smaller_batches:,} tokens, which moves numbers by their rounding."
            )
        if self._dtype != "float32":
            found.append(f"The model ran in {self._dtype}: its probabilities differ from those in float32.")
        return found


def _summed(request: Request, asked: Asked, values: Floats) -> Response:
    """The log-probability of every option, over its variants; the error of the first input without a number."""
    with np.errstate(invalid="ignore"):  # NaN is named below
        outputs = np.array([[np.logaddexp.reduce(values[list(each)]) for each in options] for options in asked.options])
    sound = np.isfinite(outputs).all(axis=1)
    if not sound.all():
        name = name_of(request, int(np.argmin(sound)))
        return Response(error=f"{name}: the model's numbers are not finite")
    if request.kind is Capability.SCORE:
        outputs = outputs[:, 0]
    return Response(outputs=outputs, input_tokens=asked.input_tokens, output_tokens=0)


def _attempt(make: Callable[[Request], T], request: Request) -> T | str:
    """What ``make`` gives, or why it cannot: the error of one response, while the others are answered."""
    try:
        return make(request)
    except (Unanswerable, TypeError) as error:
        return str(error)


def _load(library: Any, known: Checkpoint, dtype: Any) -> tuple[Any, Any]:
    """Model and tokenizer, on the CPU; TargetError where weights are missing or do not fit."""
    if known.config["model_type"] not in library.CONFIG_MAPPING:
        what = "needs code of its own (trust_remote_code)" if "auto_map" in known.config else "is not known"
        raise TargetError(
            f"{known.name}: a model of type {known.config['model_type']!r} {what}",
            remedy="code from model folders is never run; use a newer transformers, or serve it behind an endpoint",
        )
    head = library.AutoModelForCausalLM if known.task == CAUSAL else library.AutoModelForSequenceClassification
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(known.folder, **local)
        model, report = head.from_pretrained(
            known.folder, dtype=dtype, use_safetensors=True, output_loading_info=True, **local
        )
    except Exception as error:  # damaged weights and configurations fail in many ways
        raise TargetError(f"{known.name}: cannot be loaded: {said(error)}") from None
    for key in ("missing_keys", "mismatched_keys", "error_msgs"):
        if report.get(key):
            example = sorted(map(str, report[key]))[0]
            raise TargetError(
                f"{known.name}: the weights do not fit the model: {key.replace('_', ' ')} such as {example}"
            )
    if model.config.is_encoder_decoder:
        raise TargetError(f"{known.name}: an encoder-decoder model; expected a decoder or a text classifier")
    return model.eval().requires_grad_(False), tokenizer


def _limit(config: Any, tokenizer: Any) -> int | None:
    """The most tokens a model takes; a classifier's tokenizer knows it better where positions are offset."""
    most = getattr(config.get_text_config(), "max_position_embeddings", None)
    said_most = tokenizer.model_max_length
    known = [int(each) for each in (most, said_most) if each is not None and each < _NO_LIMIT]
    return min(known, default=None)


def _stops(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a text."""
    named = model.generation_config.eos_token_id
    ends = named if isinstance(named, list) else [named]
    return frozenset(int(token) for token in (*ends, tokenizer.eos_token_id) if token is not None)
