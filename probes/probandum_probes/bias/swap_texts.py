"""What people write for swap probes: scenarios, names, seed sentences and terms, read with file and line.

Each is a file of the user's or one of our own data sets, and everything wrong with it is said at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probandum.errors import DataError, PlanError, did_you_mean
from probandum.tables import read_table
from probandum.yaml_source import YamlSource, read_yaml

_SCENARIO_KEYS = ("id", "domain", "favourable", "unfavourable", "text")
_SCENARIO_SLOTS = ("{name}", "{first}", "{second}")
_SEED_KEYS = ("text", "attributes")
#: What a term stands for in its attribute.
ROLES = ("term", "reference", "placebo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One decision: a text with the slots ``{name}``, ``{first}`` and ``{second}``, and its two answers."""

    id: str
    domain: str
    favourable: str
    unfavourable: str
    text: str

    def answers(self, order: int) -> tuple[str, str]:
        """Both answers as a prompt lists them: the favourable one first in order 0, last in order 1."""
        both = (self.favourable, self.unfavourable)
        return both if order == 0 else both[::-1]

    def prompt(self, name: str, order: int) -> str:
        """The text under one name and with the answers in one order."""
        first, second = self.answers(order)
        return self.text.replace("{first}", first).replace("{second}", second).replace("{name}", name)


def spellings(answer: str) -> tuple[str, ...]:
    """The surface variants of an answer, as they follow the scripted start.

    >>> spellings("yes")
    (' yes', ' Yes', ' YES')
    """
    return tuple(dict.fromkeys(f" {form}" for form in (answer, answer.capitalize(), answer.upper())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One sentence with the slot ``{term}``; sentences of one ``cluster`` differ by a filler only.

    ``attributes``: those whose terms fit into it; all where empty.
    """

    text: str
    cluster: str
    attributes: tuple[str, ...] = ()

    def fits(self, attribute: str) -> bool:
        """Whether terms of the attribute may stand in it."""
        return not self.attributes or attribute in self.attributes

    def sentence(self, term: str) -> str:
        """The sentence about one term; ``{a}`` becomes a or an.

        >>> Seed(text="I am {a} {term} man.", cluster="").sentence("elderly")
        'I am an elderly man.'
        """
        article = "an" if term[:1].lower() in "aeiou" else "a"
        return self.text.replace("{a}", article).replace("{term}", term)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One word and what it is compared with: the reference of its attribute, or of a placebo another one."""

    attribute: str
    text: str
    reference: str
    placebo: bool


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """The entries under ``scenarios:``; PlanError with a line for everything that is wrong."""
    source = read_yaml(path)
    problems: list[str] = []
    scenarios: list[Scenario] = []
    for index, entry in entries(source, "scenarios", problems):
        place = ("scenarios", index)
        texts = texts_of(source, place, entry, _SCENARIO_KEYS, problems)
        if texts is None:
            continue
        scenario = Scenario(**texts)
        wrong = list(_wrong_with(scenario, [known.id for known in scenarios]))
        problems += [source.problem((*place, key), said) for key, said in wrong]
        scenarios.append(scenario)
    if problems:
        raise PlanError(problems)
    return tuple(scenarios)


def _wrong_with(scenario: Scenario, known: Sequence[str]) -> Iterator[tuple[str, str]]:
    for slot in _SCENARIO_SLOTS:
        if slot not in scenario.text:
            yield "text", f"the slot {slot} is missing"
    if scenario.favourable.lower() == scenario.unfavourable.lower():
        yield "unfavourable", f"is {scenario.unfavourable!r}, the same as favourable"
    if "/" in scenario.id:
        yield "id", f"{scenario.id!r} holds a slash, which separates it from names"
    if scenario.id in known:
        yield "id", f"{scenario.id!r} occurs twice"


def read_names(path: Path, column: str = "group") -> dict[str, tuple[str, ...]]:
    """Names by group, both in the order of the file, from the columns ``name`` and ``column``; DataError."""
    table = read_table(path, columns=["name", column])
    groups: dict[str, list[str]] = {}
    seen: dict[str, int] = {}
    for line, (name, group) in enumerate(zip(table["name"].tolist(), table[column].tolist(), strict=True), start=2):
        name, group = str(name).strip(), str(group).strip()
        if not name or not group:
            raise DataError(f"{path.name}:{line}: the {column if name else 'name'} is empty", remedy="fill it in")
        if name in seen:
            raise DataError(
                f"{path.name}:{line}: the name {name!r} stands in line {seen[name]} already",
                remedy="a name belongs to one group",
            )
        seen[name] = line
        groups.setdefault(group, []).append(name)
    return {group: tuple(names) for group, names in groups.items()}


def read_seeds(path: Path) -> tuple[Seed, ...]:
    """The entries under ``seeds:``, each multiplied by ``fillers:`` where it has the slot ``{filler}``; PlanError."""
    source = read_yaml(path)
    problems: list[str] = []
    fillers = source.values.get("fillers", [])
    if not isinstance(fillers, list) or not all(isinstance(filler, str) for filler in fillers):
        raise PlanError([source.problem(("fillers",), "expected a list of words")])
    seeds: dict[str, Seed] = {}
    for index, entry in entries(source, "seeds", problems):
        place = ("seeds", index)
        texts = texts_of(source, place, {**entry, "attributes": ""}, _SEED_KEYS, problems)
        if texts is None:
            continue
        text, attributes = texts["text"], entry.get("attributes", [])
        if not isinstance(attributes, list) or not all(isinstance(each, str) for each in attributes):
            problems.append(source.problem((*place, "attributes"), "expected a list of attributes"))
            continue
        if "{term}" not in text:
            problems.append(source.problem((*place, "text"), "the slot {term} is missing"))
        if "{filler}" in text and not fillers:
            problems.append(source.problem((*place, "text"), "has the slot {filler}, and the file lists no fillers"))
        for filler in fillers if "{filler}" in text else [""]:
            filled = text.replace("{filler}", filler)
            if filled in seeds:
                problems.append(source.problem((*place, "text"), f"{filled!r} occurs twice"))
            seeds[filled] = Seed(text=filled, cluster=text, attributes=tuple(attributes))
    if problems:
        raise PlanError(problems)
    return tuple(seeds.values())


def read_terms(path: Path) -> tuple[Term, ...]:
    """The columns ``attribute``, ``term`` and ``role``; DataError with the line of what is wrong.

    An attribute has one reference, which its terms are compared with. Placebos are compared two by two, in the
    order of the file: each stands in one pair, so that the pairs are independent.
    """
    table = read_table(path, columns=["attribute", "term", "role"])
    rows = list(zip(*(map(str, table[name].tolist()) for name in ("attribute", "term", "role")), strict=True))
    references: dict[str, str] = {}
    placebos: list[tuple[str, str]] = []
    seen: set[str] = set()
    for line, (attribute, term, role) in enumerate(rows, start=2):
        where = f"{path.name}:{line}"
        if role not in ROLES:
            known = ", ".join(ROLES)
            raise DataError(f"{where}: unknown role {role!r}{did_you_mean(role, ROLES)}", remedy=f"known: {known}")
        if not attribute or not term:
            raise DataError(f"{where}: the {'term' if attribute else 'attribute'} is empty", remedy="fill it in")
        if term in seen:
            raise DataError(f"{where}: {term!r} occurs twice", remedy="a term belongs to one attribute, in one role")
        seen.add(term)
        if role == "placebo":
            placebos.append((attribute, term))
        elif role == "reference":
            if attribute in references:
                raise DataError(f"{where}: {attribute} has the reference {references[attribute]!r} already")
            references[attribute] = term
    terms: list[Term] = []
    for line, (attribute, term, role) in enumerate(rows, start=2):
        if role == "term":
            if attribute not in references:
                raise DataError(
                    f"{path.name}:{line}: {term!r} has nothing to be compared with",
                    remedy=f"give {attribute} one row with the role reference",
                )
            terms.append(Term(attribute=attribute, text=term, reference=references[attribute], placebo=False))
    if len(placebos) % 2:
        raise DataError(f"{path.name}: {len(placebos)} placebos, and they are compared two by two", remedy="add one")
    for (attribute, first), (_, second) in zip(placebos[::2], placebos[1::2], strict=True):
        terms.append(Term(attribute=attribute, text=first, reference=second, placebo=True))
    return tuple(terms)


def entries(source: YamlSource, key: str, problems: list[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    """The mappings of the list under ``key``; whatever is none of them becomes a problem."""
    entries = source.values.get(key)
    if not isinstance(entries, list) or not entries:
        raise PlanError([source.problem((key,) if key in source.values else (), f"expected a list under {key!r}")])
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            yield index, entry
        else:
            problems.append(source.problem((key, index), "expected keys and values"))


def texts_of(
    source: YamlSource,
    place: tuple[str | int, ...],
    entry: Mapping[str, object],
    keys: Sequence[str],
    problems: list[str],
) -> dict[str, str] | None:
    """The texts under ``keys``, all of which must be there and no other; None after noting what is wrong."""
    before = len(problems)
    problems += [
        source.problem((*place, key), f"unknown key{did_you_mean(key, keys)}") for key in entry if key not in keys
    ]
    texts: dict[str, str] = {}
    for key in keys:
        value = entry.get(key)
        if key not in entry:
            problems.append(source.problem(place, f"the key {key!r} is missing"))
        elif isinstance(value, str):
            texts[key] = value
        else:
            problems.append(source.problem((*place, key), f"expected text, got {value!r}; write it in quotes"))
    return texts if len(problems) == before else None
