"""A language model, text classifier or encoder in the format of transformers, run here, offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from probandum.errors import TooLittleMemory, UsageError, did_you_mean
from probandum.evidence import Capability, Floats, Request, Response
from probandum.keywords import Text
from probandum.packing import name_of
from probandum.target import Problem, Target, TargetContext, target
from probandum.targets.answering import Inputs, answered, unable
from probandum.targets.checkpoints import (
    CAUSAL,
    CLASSIFICATION,
    MASKED,
    TASKS,
    Checkpoint,
    Place,
    parts,
    problems_from_outside,
)
from probandum.targets.classifying import TextClassifier
from probandum.targets.compiling import compile_body, steady
from probandum.targets.devices import (
    device_named,
    dtype_named,
    enough_memory,
    gpu_named,
    threads_said,
    usable_cores,
)
from probandum.targets.explained import Classes, Explained, Options
from probandum.targets.generating import Decoding, Draft, MostTokens, drafts
from probandum.targets.hugging import endpoint, transformers
from probandum.targets.loading import need
from probandum.targets.parts import parts_of
from probandum.targets.placing import DeviceMap, Placing, problems
from probandum.targets.pooling import Pooled, Pooling
from probandum.targets.prompting import Asked, Prompter, Unanswerable, attempt, responses_of
from probandum.targets.quantising import Bits, Quantisation
from probandum.targets.scoring import Scorer
from probandum.targets.shaping import shape_of
from probandum.targets.tries import Scored
from probandum.targets.weights import limit_of, load, stops_of
from probandum.targets.writing import write
from probandum.versions import installed

#: Batches are not halved below so many tokens: what does not fit then is no matter of batches.
_LEAST_TOKENS = 16


@target("transformers")
class TransformersTarget(Target):
    """Option probabilities, likelihoods and text of a language model, classes or vectors of texts, and attributions.

    ``model``: a folder, a GGUF file (converted to float32 once a machine; ``package:NAME/path`` lies in an
    installed package), or the id of a hub model that is in the user's hub cache; ``path`` is another name for
    it. Nothing is fetched unless ``download: true``; ``revision`` is the commit of a hub model. ``task``:
    causal, masked, sequence-classification or encoder, by default what the model says. ``device`` (auto, cpu, cuda) and
    ``dtype`` (auto: float32 on a CPU, bfloat16 on CUDA) override those of ``execution``. ``chat_template``:
    whether prompts go through the tokenizer's, by default where it has one; ``system``: the message before
    them. ``max_new_tokens``: of texts whose request does not say. ``pooling``: how a vector is made of the tokens'
    (``mean``, ``cls`` the first, ``last``), by default as the model's folder states, else last for a causal model and
    mean for others; vectors are never normalised. ``quantisation``: 8bit or 4bit weights, made by bitsandbytes as the
    model is loaded. ``device_map``: auto, balanced or sequential over all GPUs, or a device by module. ``compile``:
    whether torch.compile makes kernels of the model's body first.

    A scored continuation counts as input tokens, since the model reads it; output tokens are those it writes.
    """

    shareable = True
    batch_invariant = True

    def __init__(
        self,
        context: TargetContext,
        *,
        model: Text | None = None,
        path: Text | None = None,
        revision: Text | None = None,
        download: bool = False,
        task: str = "auto",
        dtype: Text | None = None,
        device: Text | None = None,
        chat_template: bool | None = None,
        system: str | None = None,
        max_new_tokens: MostTokens = 128,
        pooling: Pooled | None = None,
        quantisation: Bits | None = None,
        device_map: DeviceMap | None = None,
        compile: bool = False,
    ) -> None:
        place = Place.of(context, {"model": model, "path": path, "revision": revision, "download": download})
        self._batch_tokens = context.batch_tokens
        self._alone = context.batch_invariant
        self._notice = context.notice
        self._max_new_tokens = max_new_tokens
        self._system = system
        self._library = transformers(download=download)
        self._torch = need("torch", needed_for="target transformers", extra="hf")
        self._device = device_named(self._torch, device or context.device)
        self._dtype = dtype_named(dtype or context.dtype, self._device.type)
        self._placing = Placing.of(self._torch, self._device, device_map)
        self._compiled = compile
        self._torch.set_num_threads(context.threads or threads_said() or usable_cores())
        self._checkpoint = Checkpoint.read(place, task=task, notice=context.notice)
        self._pooling = self._pooled(pooling)
        self._quantisation = Quantisation.of(
            self._checkpoint.config, quantisation, name=self._checkpoint.name, download=download
        )
        if compile and (self._quantisation or device_map):
            told = "target.compile: only a model with plain weights on one device is compiled"
            raise UsageError(told, remedy="leave it out, or quantisation and device_map")
        self.endpoints = (endpoint(),) if download else ()
        self._load(chat_template)
        self.cautions = tuple(self._cautions())

    def _load(self, chat_template: bool | None) -> None:
        """The weights, where and as the plan says, and what stands around them."""
        known, dtype = self._checkpoint, getattr(self._torch, self._dtype)
        where = self._placing.loading(straight=self._quantisation is not None)
        what = f"the {'quantised' if self._quantisation else self._dtype} weights of {known.name}"
        with enough_memory(self._torch, self._placing.devices, what):
            self._model, tokenizer = load(self._library, known, dtype, self._quantisation, where)
            self._devices = self._placing.used(self._torch, self._model)
            if not where:
                self._model.to(self._device)
            if self._compiled:
                self._notice(f"{known.name}: torch.compile takes minutes before the first answer")
                compile_body(self._torch, self._model, name=known.name)
            self._prepare(tokenizer, chat_template)

    def _pooled(self, wanted: Pooled | None) -> Pooling | None:
        """How vectors are made; None of a classifier, which gives none."""
        task = self._checkpoint.task
        if task != CLASSIFICATION:
            return Pooling.of(self._checkpoint.folder, wanted, "last" if task == CAUSAL else "mean")
        if wanted is not None:
            raise UsageError("target.pooling: a text classifier gives no vectors", remedy="leave it out")
        return None

    def _prepare(self, tokenizer: Any, chat_template: bool | None) -> None:
        """What stands around the model: prompts and scoring, classes, vectors, and what explains them."""
        task, limit = self._checkpoint.task, limit_of(self._model, tokenizer)
        self._tokenizer = tokenizer
        self.shape = shape_of(self._model) if task in (CAUSAL, CLASSIFICATION) else Target.shape
        explained: Explained | None = None
        if task == CAUSAL:
            self.capabilities = frozenset({Capability.CHOOSE, Capability.SCORE, Capability.GENERATE})
            self._prompter = Prompter(tokenizer, template=chat_template, system=self._system, limit=limit)
            self._scorer = Scorer(self._model, batch_tokens=self._batch_tokens)
            self._stops = stops_of(self._model, tokenizer)
            self.batching = self._batching(self._scorer.apart, "nats a token")
            explained = Options(self._model, self._prompter)
        elif chat_template or self._system is not None:
            raise UsageError(f"target.chat_template, target.system: a model for {task} reads texts as they are")
        if task == CLASSIFICATION:
            self.capabilities = frozenset({Capability.CLASSIFY})
            self._classifier = TextClassifier(
                self._model, tokenizer, name=self._checkpoint.name, limit=limit, batch_tokens=self._batch_tokens
            )
            self.labels = self._classifier.labels
            self.batching = self._batching(self._classifier.apart, "of a probability")
            if self._alone:
                self._classifier.use_batches(0)
            explained = Classes(self._model, tokenizer, labels=self.labels, limit=limit)
        more = parts_of(
            task,
            self._model,
            tokenizer,
            explained=explained,
            pooling=self._pooling,
            limit=limit,
            batch_tokens=self._batch_tokens,
            alone=self._alone,
            answer=self._answered,
            count=self._read,
        )
        self._parts = dict(more.of)
        self._layers = more.layers
        self.why_not = more.why_not
        self.capabilities |= frozenset(self._parts)
        if more.unit:
            self.batching = self._batching(more.apart, more.unit)

    def _batching(self, apart: float | None, unit: str) -> Mapping[str, Any]:
        return {"invariant": True} if self._alone else {"invariant": False, "apart": apart, "unit": unit}

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the task, and a map of modules to devices."""
        task = options.get("task", "auto")
        if task not in TASKS:
            yield Problem(("task",), f"{task!r}{did_you_mean(task, TASKS)}; expected {', '.join(TASKS)}")
        yield from problems(options.get("device_map"))

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What a folder or GGUF file that lies here shows before its weights are loaded; nothing is fetched."""
        return problems_from_outside(context, options)

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The model's files: weights, configuration, tokenizer; of a converted model the GGUF file."""
        return parts(Place.of(context, options).path)

    def identity(self) -> Mapping[str, Any]:
        """Digests of every file, the chat template, precision and its origin, device, card and versions."""
        known = self._checkpoint
        precision = known.origin.precision(self._dtype) if known.origin else self._dtype
        found: dict[str, Any] = {
            "model": known.name,
            "revision": known.revision,
            "task": known.task,
            "class": type(self._model).__name__,
            "parameters": int(self._model.num_parameters()),
            "files": dict(known.files),
            "precision": self._quantisation.precision(precision) if self._quantisation else precision,
            "dtype": self._dtype,
            "device": self._device.type,
            "batching": "each input alone" if self._alone else "inputs together",
            "converted_from": known.origin and {"file": known.origin.file, "sha256": known.origin.sha256},
            "quantisation": self._quantisation and self._quantisation.identity(self._dtype, self._device.type),
            "device_map": self._placing.told,
            "compiled": self._compiled,
            "versions": installed(("torch", "transformers", "tokenizers", "safetensors")),
        }
        if self._quantisation is not None:
            found["versions"] |= installed((self._quantisation.method, "accelerate"))
        if self._device.type == "cuda":
            found["gpu"] = " + ".join(gpu_named(self._torch, device) for device in self._devices)
        if known.task == CAUSAL:
            found["chat_template"] = self._prompter.digest
            found["system"] = self._system
            found["max_new_tokens"] = self._max_new_tokens
            found["scoring"] = "shared prefixes" if self._scorer.shares_prefixes else "rows of equal length"
        if self._pooling is not None:
            found["pooling"] = self._pooling.way
        if self._layers:
            found["layers"] = list(self._layers)
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
        own = [self.__dict__[name] for name in ("_scorer", "_classifier") if name in self.__dict__]
        for part in (*own, *self._parts.values()):
            part.use_batches(tokens)
        self.cautions = tuple(self._cautions())

    def tokens(self, requests: Sequence[Request]) -> list[int | None]:
        """As its answers count them; 0 for a request that cannot be asked."""
        return [self._read(request) for request in requests]

    def _read(self, request: Request) -> int:
        if request.kind in self._parts:
            return self._parts[request.kind].count(request)
        if unable(self, request):
            return 0
        if request.kind is Capability.CLASSIFY:
            return self._classifier.count(request.texts)
        if request.kind is Capability.GENERATE:
            drafted = attempt(self._drafts, request)
            return 0 if isinstance(drafted, str) else sum(len(draft.context) for draft in drafted)
        asked = attempt(self._prompter.asked, request)
        return 0 if isinstance(asked, str) else asked.input_tokens

    def synchronise(self) -> None:
        """Wait for every GPU that holds a part of the model."""
        for device in self._devices:
            if device.type == "cuda":
                self._torch.cuda.synchronize(device)

    def close(self) -> None:
        """Let go of the weights."""
        for name in ("_model", "_scorer", "_classifier"):
            self.__dict__.pop(name, None)
        self._parts.clear()
        if self._device.type == "cuda":
            self._torch.cuda.empty_cache()

    @contextmanager
    def _enough_memory(self, requests: Sequence[Request]) -> Iterator[None]:
        """TargetError naming the pack that does not fit the device, or the model that does not stay compiled."""
        kinds = ", ".join(dict.fromkeys(str(request.kind) for request in requests))
        first = f" from {name_of(requests[0], 0)}" if requests else ""
        what = f"a pack of {sum(map(len, requests))} {kinds} inputs of {self._checkpoint.name}{first}"
        with ExitStack() as stack:
            stack.enter_context(enough_memory(self._torch, self._devices, what))
            if self._compiled:
                stack.enter_context(steady(self._checkpoint.name))
            yield

    def _answered(self, requests: Sequence[Request]) -> list[Response]:
        """Each kind of request its own way; a kind that this model cannot answer is an error in its place."""
        ways: dict[Capability, Callable[[Sequence[Request]], list[Response]]] = {
            Capability.CHOOSE: self._scored,
            Capability.SCORE: self._scored,
            Capability.GENERATE: self._written,
            Capability.CLASSIFY: self._classified,
            **{kind: part.answer for kind, part in self._parts.items()},
        }
        responses = [Response(error=unable(self, request)) for request in requests]
        for kind, way in ways.items():
            places = [place for place, request in enumerate(requests) if request.kind is kind]
            if not places or kind not in self.capabilities:
                continue
            for place, response in zip(places, way([requests[place] for place in places]), strict=True):
                responses[place] = response
        return responses

    def _scored(self, requests: Sequence[Request]) -> list[Response]:
        asked = [attempt(self._prompter.asked, request) for request in requests]
        return responses_of(requests, asked, self._likelihoods([each for each in asked if isinstance(each, Asked)]))

    def _likelihoods(self, asked: Sequence[Asked[Scored]]) -> Floats:
        """Of every sequence; those of one input share what they have in common, and no more where each goes alone."""
        if not self._alone:
            return self._scorer.score([sequence for each in asked for sequence in each.sequences])
        parts = [self._scorer.score(sequences) for each in asked for sequences in each.by_input()]
        return np.concatenate([np.zeros(0), *parts])

    def _written(self, requests: Sequence[Request]) -> list[Response]:
        asked = [attempt(self._drafts, request) for request in requests]
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
        if self._quantisation is not None:
            found.append(self._quantisation.caution)
        if known.task == CAUSAL and self._prompter.dated:
            found.append(
                "The chat template writes the current date into every prompt: answers may change with the day."
            )
        if known.task == MASKED:
            found.append(
                "The likelihoods of a masked model are of each token given all others (pseudo-log-likelihoods): they "
                "rank texts, and are no log-probabilities of them."
            )
        found += self._pooling.cautions if self._pooling is not None else ()
        if self.smaller_batches is not None:
            found.append(
                f"The device had too little memory for the batches that the plan allows: in the end they had at most "
                f"{self.smaller_batches:,} tokens, which moves numbers by their rounding."
            )
        if self._dtype != "float32":
            found.append(f"The model ran in {self._dtype}: its probabilities differ from those in float32.")
        return found
