"""A Python function as the audited system."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from probandum.errors import TargetError, UsageError, did_you_mean
from probandum.evidence import Capability, Request, Response, Table
from probandum.gaps import with_missing
from probandum.keywords import Text
from probandum.target import Problem, Target, TargetContext, kind_of, target
from probandum.targets.answering import Inputs, Labels, answered, class_names, unable
from probandum.targets.forms import given_names
from probandum.targets.loading import ModelFile, said
from probandum.versions import installed

_KINDS = ("predict", "classify", "choose")


@target("callable")
class CallableTarget(Target):
    """A function ``pkg.mod:fn``, found in the plan's folder first and among the installed packages second.

    ``kind`` says what it is called with and what it returns, for n inputs in order:

    - ``predict``: a dict of columns (arrays of length n); probabilities (n, classes), or (n,) of the second
      of two classes. With ``data.missing: keep`` a missing value is NaN, and texts are arrays of objects.
    - ``classify``: a list of n texts; probabilities as above.
    - ``choose``: a list of n prompts, a list of options, each a list of its variants, and the scripted start
      of the answer; log-probabilities (n, options) in nats.

    ``labels``: class names in the order of the columns. ``files``: other files that the function reads, such
    as its weights: their digests key the record beside that of its source.
    """

    def __init__(
        self,
        context: TargetContext,
        *,
        function: str,
        kind: str,
        labels: Labels = ("0", "1"),
        files: Sequence[Text] = (),
    ) -> None:
        module, name = _parts(function)
        self._folder = context.folder
        self._described = function
        self._features, self._missing = context.features, context.missing
        self._source = ModelFile.read(_module_file(context.folder, module))
        self._files = [ModelFile.read(context.resolve(path)) for path in files]
        self._names = _local_names(context.folder, module)
        self._modules: dict[str, Any] = {}
        self._function = self._load(module, name)
        self.capabilities = frozenset({Capability(kind)})
        self.labels = () if kind == "choose" else class_names(labels)
        covered = "its own source file and the files named in the plan, not what they import"
        self.cautions = (f"The system is the Python function {function}: its identity covers {covered}.",)

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the kind, and the form of the function's name."""
        kind = options["kind"]
        if kind not in _KINDS:
            yield Problem(("kind",), f"{kind!r}{did_you_mean(kind, _KINDS)}; expected {', '.join(_KINDS)}")
        try:
            _parts(options["function"])
        except UsageError as error:
            yield Problem.of(error)

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """A source file that is no Python, or that gives the name to nothing: it is read, not run."""
        module, name = _parts(options["function"])
        path = _module_file(context.folder, module)
        try:
            names = given_names(path.read_bytes(), path.name)
        except (SyntaxError, ValueError) as error:
            yield Problem(("function",), f"{options['function']} cannot be imported: {said(error)}")
            return
        if names is not None and name not in names:
            yield Problem(("function",), _no_function(module, name, names, path))

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The function's source file, found without importing it, and the files named beside it."""
        module, _ = _parts(str(options["function"]))
        return (_module_file(context.folder, module), *(context.resolve(path) for path in options.get("files", ())))

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """The kind that the plan says."""
        return kind_of(options)

    def identity(self) -> Mapping[str, Any]:
        """The digests of the function's source file and of the files named beside it."""
        return {
            "function": self._described,
            "sha256": self._source.digest,
            "files": {file.path.name: file.digest for file in self._files},
            "versions": installed(("numpy",)),
        }

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """What the function returns; what it raises is the error of the block that it was asked."""
        with self._at_home():
            if Capability.CHOOSE in self.capabilities:
                return [self._choose(request) for request in requests]
            return answered(self, requests, self._ask)

    def _ask(self, inputs: Inputs) -> Any:
        """The function gets copies, so that it cannot change the rows under audit."""
        if not isinstance(inputs, Table):
            return self._function(list(inputs))
        rows = inputs.select(self._features) if self._features else inputs
        given = {name: with_missing(column) if self._missing else column for name, column in rows.columns.items()}
        return self._function({name: column.copy() for name, column in given.items()})

    def _choose(self, request: Request) -> Response:
        if why := unable(self, request):
            return Response(error=why)
        try:
            options = [list(variants) for variants in request.options]
            values = np.asarray(self._function(list(request.texts), options, request.prefix), dtype=np.float64)
            if values.shape != (len(request), len(options)):
                raise ValueError(
                    f"expected log-probabilities of shape {(len(request), len(options))}, got {values.shape}"
                )
            if (values > 0).any():
                raise ValueError("a log-probability above 0")
        except (Exception, SystemExit) as error:
            return Response(error=said(error))
        return Response(outputs=values)

    def _load(self, module: str, name: str) -> Callable[..., Any]:
        try:
            with self._at_home():
                loaded = importlib.import_module(module)
        except (Exception, SystemExit) as error:  # importing runs the user's code
            raise TargetError(f"target.function: {self._described} cannot be imported: {said(error)}") from None
        function = getattr(loaded, name, None)
        if not callable(function):
            raise TargetError(f"target.function: {_no_function(module, name, vars(loaded), self._source.path)}")
        found: Callable[..., Any] = function
        return found

    @contextmanager
    def _at_home(self) -> Iterator[None]:
        """The plan's folder comes first on the path, and its modules, now or later imported, are this target's alone.

        Two plans may each have a ``helper.py``, and neither may answer with the other's.
        """
        outer = _taken_out(self._names)
        sys.modules.update(self._modules)
        place = str(self._folder)
        sys.path.insert(0, place)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            if place in sys.path:
                sys.path.remove(place)
            self._modules = _taken_out(self._names)
            sys.modules.update(outer)


def _parts(function: str) -> tuple[str, str]:
    module, colon, name = function.partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise UsageError(f"target.function: {function!r}, expected module:function", remedy="such as scorer:score")
    return module, name


def _no_function(module: str, name: str, names: Iterable[str], path: Path) -> str:
    return f"{module} has no function {name!r}{did_you_mean(name, names)}; looked in {path.name}"


def _module_file(folder: Path, module: str) -> Path:
    """The source file of a module, found without importing it or its parents; UsageError where there is none."""
    top, *inner = module.split(".")
    found = _in_folder(folder, [top, *inner])
    spec = importlib.util.find_spec(top) if found is None else None
    if spec is not None and inner:
        places = [Path(place) for place in spec.submodule_search_locations or ()]
        found = next((file for place in places if (file := _in_folder(place, inner))), None)
    elif spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
        found = Path(spec.origin)
    if found is None:
        raise UsageError(
            f"target.function: no source file of module {module!r}",
            remedy="put it beside the plan, or install its package",
        )
    return found


def _in_folder(folder: Path, parts: Sequence[str]) -> Path | None:
    base = folder.joinpath(*parts)
    return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)


def _local_names(folder: Path, module: str) -> set[str]:
    """What can be imported from ``folder``: its modules and packages, and the one of ``module`` where it lies there."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    parts = module.split(".")
    return (names - {"__main__"}) | (set(parts[:1]) if _in_folder(folder, parts) else set())


def _taken_out(names: Collection[str]) -> dict[str, Any]:
    """The loaded modules of these names and below them, removed from those that an import would find."""
    found = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in found}
