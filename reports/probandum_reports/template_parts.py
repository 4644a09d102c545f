"""What every piece of a template is read as: no unknown key, no empty words, no figure, problems with their place."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from probandum.errors import PlanError
from probandum.yaml_source import YamlSource
from probandum_reports import measured_form

Words = Annotated[str, StringConstraints(min_length=1, strict=True, strip_whitespace=True)]


class Part(BaseModel):
    """A piece of a template."""

    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=Part)


def checked(kind: type[P], source: YamlSource) -> P:
    """``source`` as a ``kind``; PlanError with every problem as ``file:line:column: path: message``."""
    try:
        made = kind.model_validate(source.values)
    except ValidationError as error:
        found = [(each["loc"], _said(each)) for each in error.errors(include_url=False)]
        around = {place[:length] for place, _ in found for length in range(len(place))}
        raise PlanError([source.problem(place, text) for place, text in found if place not in around]) from None
    measured_form.refuse(source)
    return made


def _said(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    return "unknown key" if error["type"] == "extra_forbidden" else text
