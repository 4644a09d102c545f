"""The text of a first audit file, a comment beside every choice, and what the terminal says of it. A pure function."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from probandum import units
from probandum.declaring import Choice, Declared, Grouped, counted, listed
from probandum.interrogating import Interview
from probandum.profiling import Profile
from probandum.suggesting import Default, Suggestion
from probandum.yaml_source import UNDECIDED

#: Where comments begin, and where lines end.
_COLUMN, _WIDTH = 42, 120
#: A value among others in brackets.
_INSIDE = "[{}, x]"
_CARD = (
    ('# version: "1.0"', "the version under audit, in quotes"),
    ("# purpose: ...", "what it decides or does, for whom"),
    ("# provider: {name: ...}", "who develops it; deployer and controller likewise"),
    ("# annex_iii: 5(b)", "the point of Annex III of the AI Act that the use falls under, or none"),
)
#: Keys that hold a value of the rows, which may be a number; all others hold names.
_VALUES = ("favourable", "positive", "detected")
_LOG_KEYS = ("decision", "favourable", "label", "positive", "detected", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A drafted audit file, ``told`` in a few lines, and the questions that a person must answer before it runs."""

    text: str
    told: tuple[str, ...]
    questions: tuple[str, ...]


def draft(found: Interview, suggestion: Suggestion) -> Draft:
    """The audit file for a system that was asked about itself."""
    profile, declared = found.profile, found.declared
    sections = [_head(found), _system(found), _target(found)]
    if profile is not None and declared is not None:
        sections += [] if found.recorded else [_data(found, profile, declared), _decision(declared)]
        sections.append(_groups(profile, declared, suggestion.fewest))
    sections += [_suites(suggestion), _limits(suggestion.limits), _rest(suggestion)]
    text = "\n".join("".join(f"{line}\n" for line in section) for section in map(list, sections) if section)
    return Draft(
        text=text, told=tuple(_one_line(*each) for each in _told(found, suggestion)), questions=tuple(_questions(text))
    )


def _line(text: str, comment: str = "") -> list[str]:
    """One line with its comment in the column of comments, carried on below where it is long."""
    if not comment:
        return [text]
    start = max(_COLUMN, len(text) + 2)
    first, *rest = textwrap.wrap(_clean(comment), max(_WIDTH - start - 2, 40), break_on_hyphens=False)
    return [f"{text:<{start}}# {first}", *(f"{'':<{start}}# {each}" for each in rest)]


def _remark(text: str, *, indent: int = 2) -> list[str]:
    """A comment on lines of its own."""
    lead = f"{'':<{indent}}# "
    return textwrap.wrap(_clean(text), _WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def _clean(text: str) -> str:
    """Text in one line that a YAML file and a terminal can hold."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


def _chosen(key: str, choice: Choice | None, *, indent: int = 2) -> list[str]:
    """A key with its value and why it is that; nothing for what need not be declared."""
    if choice is None:
        return []
    value = UNDECIDED
    if choice.decided:
        whole = isinstance(choice.value, str) and re.fullmatch(r"0|[1-9]\d{0,14}", choice.value)
        value = str(choice.value) if whole and key in _VALUES else _flow(choice.value)
    return _line(f"{'':<{indent}}{key}: {value}", choice.why)


def _flow(value: Any, frame: str = "x: {}") -> str:
    """A value in one line of YAML; text in quotes where it would be read otherwise within ``frame``.

    >>> print(_flow({"bins": [0, 34.5], "labels": ["no", "TODO", "a: b", "a, b", "plain text"]}))
    {bins: [0, 34.5], labels: ["no", "TODO", "a: b", "a, b", plain text]}
    >>> print(_flow("a, b"), _flow(0.000001))
    a, b 0.000001
    """
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_flow(key, _INSIDE)}: {_flow(each, _INSIDE)}' for key, each in value.items())}}}"
    if isinstance(value, str):
        if value != UNDECIDED and _reads_as(value, frame):
            return value
        return json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, Sequence):
        return f"[{', '.join(_flow(each, _INSIDE) for each in value)}]"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else json.dumps(value)


def _reads_as(text: str, frame: str) -> bool:
    """Whether a text without quotes is read as itself, as a key and as a value."""
    try:
        return text.isprintable() and bool(
            yaml.safe_load(frame.format(text)) == yaml.safe_load(frame.format(json.dumps(text)))
        )
    except yaml.YAMLError:
        return False


def _head(found: Interview) -> Iterator[str]:
    rows = "" if found.profile is None or found.recorded else f" and {found.profile.file}"
    yield from _remark(
        f"An audit of {found.name}, drafted by `probandum init` after a look at the {found.type} target{rows}. "
        f"Guesses are called so. A person decides what is {UNDECIDED}, and says what stands behind # where documents "
        "would print a gap.",
        indent=0,
    )
    yield "version: 1"


def _system(found: Interview) -> Iterator[str]:
    yield "system:"
    yield from _line(f"  name: {_flow(found.name)}", "as it is called here; a guess")
    for text, comment in _CARD:
        yield from _line(f"  {text}", comment)


def _target(found: Interview) -> Iterator[str]:
    yield "target:"
    yield from _line(f"  type: {found.type}", "; ".join(found.about))
    declared = found.declared if found.recorded else None
    for key, value in found.options.items():
        if declared is None or key not in _LOG_KEYS:
            yield from _line(f"  {key}: {_flow(value)}")
    if declared is not None:
        choices = (
            declared.decision,
            declared.favourable,
            declared.label,
            declared.positive,
            declared.detected,
            declared.row_id,
        )
        for key, choice in zip(_LOG_KEYS, choices, strict=True):
            yield from _chosen(key, choice) if key != "label" or choice is not None else _no_label()
    for caution in found.cautions:
        yield from _remark(caution)


def _no_label() -> Iterator[str]:
    yield from _line("  # label: ...", "the column of what turned out; without it there are no error rates")


def _data(found: Interview, profile: Profile, declared: Declared) -> Iterator[str]:
    yield "data:"
    size = f"{units.counted(len(profile), 'row')}, {units.counted(len(profile.columns), 'column')}"
    yield from _line(f"  path: {_flow(found.data)}", size)
    yield from _chosen("label", declared.label) if declared.label is not None else _no_label()
    yield from _chosen("positive", declared.positive)
    yield from _chosen("id", declared.row_id)
    if found.missing is not None and found.missing.decided:
        yield from _chosen("missing", found.missing)
    elif found.missing is not None:
        yield from _line("  # missing: keep", found.missing.why)
    features = found.features
    if features is None:
        return
    if not features.decided or len(_flow(features.value)) <= _COLUMN:
        yield from _chosen("features", features)
        return
    yield from _line("  features:", features.why)
    yield from (f"    - {_flow(name)}" for name in features.value)


def _decision(declared: Declared) -> Iterator[str]:
    yield "decision:"
    yield from _chosen("favourable", declared.favourable)
    yield from _line("  threshold: 0.5", "from which score on the decision is the positive one; a guess, the usual one")


def _groups(profile: Profile, declared: Declared, fewest: int) -> Iterator[str]:
    if not declared.groups:
        yield from _line(f"groups: {UNDECIDED}", f"whose groups are compared? The columns: {listed(profile.columns)}")
    else:
        yield from _line("groups:", "each pair of groups is compared; with reference: GROUP, all with that one")
    for name, group in declared.groups.items():
        yield from _line(f"  {_flow(name)}: {_flow(group.spec)}", "; ".join(_of_group(group, fewest)))
    for name, why in declared.left_out.items():
        yield from _line(f"  # {_flow(name)}:", why)


def _of_group(group: Grouped, fewest: int) -> Iterator[str]:
    yield f"{group.why}: {counted(group.sizes)}"
    if "bins" in group.spec:
        yield "the inner edge is the median, a guess"
    small = [name for name, size in group.sizes.items() if size < fewest]
    if small:
        yield f"fewer than {fewest}, so no verdict: {listed(small)}"


def _suites(suggestion: Suggestion) -> Iterator[str]:
    runnable = [suite for suite in suggestion.suites if suite.why_not is None]
    if runnable:
        yield "suites:"
    else:
        yield from _line(f"suites: {UNDECIDED}", "which probes? None of those that are installed fits as things stand")
    for suite in suggestion.suites:
        yield from _remark(suite.summary)
        if suite.why_not is None:
            yield from _options(suite.id, suite.options)
        else:
            yield from _line(f"  # {suite.id}: {{}}", suite.why_not)


def _options(suite: str, options: Mapping[str, Any]) -> Iterator[str]:
    """A suite with its options in one line, or a line each where that is long."""
    whole = f"  {suite}: {_flow(options)}"
    if len(whole) <= _WIDTH:
        yield whole
        return
    yield f"  {suite}:"
    for key, value in options.items():
        yield f"    {key}: {_flow(value)}"


def _limits(limits: Sequence[Default]) -> Iterator[str]:
    if not limits:
        yield from _line(
            "# limits: []", "nothing is judged without a limit: probandum plan schema says how one is written"
        )
        return
    if all(limit.lacks for limit in limits):
        yield from _line("# limits:", "nothing is judged without a limit")
    else:
        yield from _line("limits:", "defaults and no law: confirm, change or drop each, with set_by and set_on")
    for limit in limits:
        lead = "  # " if limit.lacks else "  "
        if limit.lacks:
            yield from _remark(limit.lacks)
        for key, value in limit.keys.items():
            start = f"{lead}- " if key == "metric" else f"{lead}  "
            said = f"{value}; a default, to be confirmed by a person" if key == "reason" else value
            yield from _line(f"{start}{key}: {_flow(said)}", limit.remark if key == limit.direction else "")


def _rest(suggestion: Suggestion) -> Iterator[str]:
    yield from _line("execution: {seed: 0}", "the root of every random choice")
    yield from _line("# energy: {country: DEU}", "whose grid powers the machine; without it no emissions are stated")
    yield from _line("gate: {mode: release}", "what stays inconclusive blocks; merge: it annotates")
    if suggestion.documents:
        yield f"documents: {_flow(suggestion.documents)}"


def _one_line(topic: str, text: str) -> str:
    return f"{topic:<10}{_clean(text)}"


def _told(found: Interview, suggestion: Suggestion) -> Iterator[tuple[str, str]]:
    """What was found, a line a topic."""
    yield "system", f"{found.type}: {'; '.join(found.about)}"
    profile, declared = found.profile, found.declared
    if profile is not None and declared is not None:
        yield "rows", f"{len(profile):,} in {profile.file}; columns: {listed(profile.columns)}"
        for topic, choice in (
            ("decision", declared.decision),
            ("label", declared.label),
            ("features", found.features),
            ("missing", found.missing),
        ):
            if choice is not None:
                yield topic, f"{_shown(choice)}{choice.why}"
        for name, group in declared.groups.items():
            yield "group", f"{name}: {counted(group.sizes)}"
        for name, why in declared.left_out.items():
            yield "left out", f"{name}: {why}"
    ready = [suite.id for suite in suggestion.suites if suite.why_not is None]
    yield "suites", ", ".join(ready) or "none fits"
    live = [limit for limit in suggestion.limits if not limit.lacks]
    yield "limits", f"{len(live)} of the defaults, to be confirmed by a person"


def _shown(choice: Choice) -> str:
    if not choice.decided:
        return ""
    return f"{listed(choice.value) if isinstance(choice.value, list) else _flow(choice.value)}: "


def _questions(text: str) -> Iterator[str]:
    """The undecided lines of a draft: number, key and question, which may go on in the comments below it."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if match := re.fullmatch(rf"(\s*(\w+): {UNDECIDED}\s*)(?:# (.*))?", line):
            said = [f"line {number}, {match[2]}: {match[3]}"]
            below = f"{'':<{len(match[1])}}# "
            for carried in lines[number:]:
                if not carried.startswith(below):
                    break
                said.append(carried.removeprefix(below))
            yield " ".join(said)
