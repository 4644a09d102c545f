"""Values in words: pure functions, so that every renderer says a finding in the same words.

Shares and ratios carry no unit; a difference of shares is said in shares of 1, never in per cent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from probandum.finding import Finding, Groups, Verdict, notation
from probandum.speech import ENGLISH, begun
from probandum_reports import card_names, metric_names, titles, wording
from probandum_reports.messages import counted, said, tag

_MANY_DECIMALS = re.compile(r"(?<![\w.])-?\d+\.\d{6,}(?:e-?\d+)?(?!\w|\.\d)")
#: Hyphens that stand for minus signs, before a number or in its exponent.
_HYPHENS = re.compile(r"(?<![\w.)-])-(?=\d)|(?<=\de)-(?=\d)")


def verdict(value: Verdict) -> str:
    """A verdict as one word or two.

    >>> verdict(Verdict.NOT_APPLICABLE)
    'Not judged'
    """
    return wording.VERDICTS[value]


def unit(name: str) -> str:
    """What stands behind a number of this unit; '' for a pure number, the name itself where it is not known.

    >>> unit("watt-hour"), unit("share"), unit("joule per request"), unit("furlong")
    ('Wh', '', 'J per request', 'furlong')
    """
    first, _, what = name.partition(" per ")
    known = wording.UNITS.get(first, first)
    return said("{unit} per {what}", unit=known, what=what) if what else known


def quantities(name: str) -> str:
    """What a chart of several quantities of one unit shows.

    >>> quantities("share"), quantities("ratio"), quantities("joule")
    ('shares and differences', 'ratios', 'J')
    """
    return wording.PLURALS.get(name, unit(name) or name)


def figures(numbers: Sequence[float], unit_name: str) -> list[str]:
    """Numbers of one unit that are said together, all in the notation of the largest.

    >>> figures([0.832, 0.7444, 0.9], "ratio"), figures([12.3456], "joule"), figures([8.15e-14, 0.0], "score")
    (['0.832', '0.744', '0.900'], ['12.3'], ['8.2e−14', '0'])
    >>> figures([1.0], "rank")
    ['1']
    """
    whole = unit_name.partition(" per ")[0] in wording.COUNTED
    places = unit_name == "rank" and all(float(each).is_integer() for each in numbers)
    how = ",.0f" if places else notation(numbers, significant=3 if whole else None)
    return [figure(number, how) for number in numbers]


def figure(value: float, how: str) -> str:
    """A number by a format specification, with minus signs that are some, and at which no line breaks.

    >>> figure(-0.0416, ",.3f"), figure(12345.678, ",.1f"), figure(-0.0001, ",.3f"), figure(0, ".1e")
    ('−0.042', '12,345.7', '0.000', '0')
    """
    if value == 0 and how.endswith("e"):
        return "0"
    text = f"{value:{how}}"
    if text.startswith("-") and float(text.replace(",", "")) == 0:
        text = text[1:]
    return text.replace("-", "−")


def number(value: float) -> str:
    """A declared number, such as a limit, in the shortest form.

    >>> number(0.8), number(-0.05), number(1000000), number(0.000001)
    ('0.8', '−0.05', '1,000,000', '1e−06')
    """
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:.6g}"
    return text.replace("-", "−")


def legible(text: str) -> str:
    """A sentence of a probe with its numbers in four digits where they have six decimals and more, and minus signs.

    >>> legible("difference 0.8000737867518019, removed -0.7737516526326059, of 0.05, -0.2353 on 2026-11-01, 8.4e-06")
    'difference 0.8001, removed −0.7738, of 0.05, −0.2353 on 2026-11-01, 8.4e−06'
    """
    told = _MANY_DECIMALS.sub(lambda found: figure(float(found[0]), notation([float(found[0])], significant=4)), text)
    return _HYPHENS.sub("\N{MINUS SIGN}", told)


def amount(value: float, unit_name: str) -> str:
    """A number with its unit.

    >>> amount(0.832, "ratio"), amount(12.3456, "joule"), amount(0.31249, "logit")
    ('0.832', '12.3 J', '0.312 logits')
    """
    return f"{figures([value], unit_name)[0]} {unit(unit_name)}".rstrip()


def no_value() -> str:
    """What stands where a value would.

    >>> no_value()
    'no value'
    """
    return said("no value")


def metric(name: str) -> str:
    """A metric in plain words.

    >>> metric("bias.group-rates/impact-ratio"), metric("bias.group-rates/fpr-difference")
    ('Impact ratio', 'False-positive-rate difference')
    >>> metric("bias.group-rates/tpr"), metric("energy.inference/joules-per-request")
    ('True-positive rate', 'Energy of a request')
    >>> metric("bias.group-rates/tpr/change"), metric("bias.hatecheck/accuracy")
    ('Change of true-positive rate', 'Right cases')
    """
    first, _, last = name.rpartition("/")
    if last == "change":
        return said("Change of {what}", what=decapitalised(metric(first)))
    if name in titles.TITLES:
        return titles.TITLES[name]
    if last in metric_names.METRICS:
        return metric_names.METRICS[last]
    words = [wording.WORDS.get(word, word) for word in last.split("-")]
    if len(words) == 1:
        words = [words[0].replace("-rate", " rate").replace("-value", " value")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def family(probe: str) -> str:
    """The name of a probe's family.

    >>> family("explain.faithfulness")
    'Explanations'
    """
    first = probe.partition(".")[0]
    return wording.PROBES.get(first, first.capitalize())


def group(text: str, attribute: str) -> str:
    """A group as its text in the file; one of a crossed attribute with as many parts joined as the attribute has.

    A star in the name of a plain attribute's group is a letter of that name. One that leaves it open where the parts
    of an intersection end is printed as it stands.

    >>> group("African-American*Male", "race*sex"), group("Other*", "race"), group("Other**Male", "race*sex")
    ('African-American and Male', 'Other*', 'Other**Male')
    """
    parts = text.split("*")
    return joined(parts) if len(parts) == len(attribute.split("*")) else text


def crossed(attribute: str) -> str:
    """An attribute, or those that are crossed, in words.

    >>> crossed("race*sex"), crossed("age")
    ('race and sex', 'age')
    """
    return joined(attribute.split("*"))


def joined(parts: Sequence[str]) -> str:
    """Parts as a list without commas.

    >>> joined(["race", "sex"]), joined(["race"])
    ('race and sex', 'race')
    """
    return said(" and ").join(parts)


def listed(parts: Sequence[str]) -> str:
    """Parts as a list in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return joined([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def groups(compared: Groups | None) -> str:
    """Which group, and against which.

    >>> groups(Groups(attribute="age", group="25 or younger", reference="over 25"))
    'age: 25 or younger against over 25'
    """
    if compared is None:
        return ""
    return f"{crossed(compared.attribute)}: {against(compared)}"


def against(compared: Groups) -> str:
    """The same without the attribute.

    >>> against(Groups(attribute="age", group="25 or younger", reference="over 25"))
    '25 or younger against over 25'
    """
    text = group(compared.group, compared.attribute)
    if compared.reference is None:
        return text
    reference = group(compared.reference, compared.attribute)
    return said("{group} against {reference}", group=text, reference=reference)


def facets(finding: Finding, card: Mapping[str, Any]) -> dict[str, str]:
    """The facets of a finding in words: a quantity of the probe that one names, and columns as the card calls them."""
    found = card_names.facets(card, finding)
    if "gap" in found:
        found["gap"] = decapitalised(metric(f"{finding.probe}/{found['gap']}"))
    return found


def about(finding: Finding, facets: Mapping[str, str]) -> str:
    """Groups and ``facets`` of a finding in words; the probe where it never ran; '' where there is nothing to say."""
    if finding.metric == f"{finding.probe}/run":
        return finding.probe
    parts = [groups(finding.groups)] if finding.groups is not None else []
    parts += [f"{key.replace('_', ' ')}: {facets[key]}" for key in sorted(facets)]
    return "; ".join(parts)


def controls(states: Mapping[str, str]) -> str:
    """Both controls in words; '' for a finding without any.

    >>> controls({"positive": "held", "negative": "failed"})
    'positive control held, negative control failed'
    """
    return ", ".join(wording.CONTROLS[kind, states[kind]] for kind in ("positive", "negative") if kind in states)


def grade(letter: str) -> str:
    """How an energy figure came about.

    >>> grade("B")
    'measurement grade B: hardware counters'
    """
    how = wording.GRADES.get(letter) or said("not described")
    return said("measurement grade {letter}: {how}", letter=letter, how=how)


def p_value(p: float) -> str:
    """A p-value that never rounds to zero.

    >>> p_value(0.0312), p_value(1e-9)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def sentence(clauses: Sequence[str]) -> str:
    """Clauses as sentences: each starts large and ends with a stop; empty ones and repeats are left out.

    >>> sentence(["the interval contains the limit", "", "about 900 would do."])
    'The interval contains the limit. About 900 would do.'
    """
    kept = dict.fromkeys(clause.strip().rstrip(".") for clause in clauses if clause.strip())
    return " ".join(f"{begun(clause)}." for clause in kept)


def decapitalised(text: str) -> str:
    """A label inside a sentence; acronyms, symbols and names of people keep their capital.

    So do all labels in a language that is not English, where a noun may be written with one: a catalogue writes them
    as they stand anywhere.

    >>> decapitalised("Intended purpose"), decapitalised("DPO advice"), decapitalised("F1"), decapitalised("R squared")
    ('intended purpose', 'DPO advice', 'F1', 'R squared')
    >>> decapitalised("Cohen's kappa"), decapitalised("A copy of it"), decapitalised("Log-odds")
    ("Cohen's kappa", 'a copy of it', 'log-odds')
    """
    if tag()[0] != ENGLISH:
        return text
    first = text.partition(" ")[0]
    symbol = len(first) == 1 and first not in "AI"
    if symbol or first[1:2].isupper() or first[1:2].isdigit() or first in wording.NAMES:
        return text
    return text[:1].lower() + text[1:]


def still_open(facts: int, people: int) -> str:
    """What a document still lacks, in words.

    >>> still_open(1, 2), still_open(0, 0)
    ('1 fact is missing and 2 fields wait for a person', 'no fact is missing and no field waits for a person')
    """
    lacking = counted(facts, "{n} fact is missing", "{n:,} facts are missing") if facts else said("no fact is missing")
    waiting = said("no field waits for a person")
    if people:
        waiting = counted(people, "{n} field waits for a person", "{n:,} fields wait for a person")
    return joined([lacking, waiting])
