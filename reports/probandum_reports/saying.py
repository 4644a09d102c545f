"""Values in words: pure functions, so that every renderer says a finding in the same words.

Shares and ratios carry no unit; a difference of shares is said in shares of 1, never in per cent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from probandum import sampling
from probandum.finding import Estimate, Finding, Groups, Judgement, SubReason, Verdict, Waiver, notation
from probandum.units import counted
from probandum_reports import card_names, titles, wording

NO_VALUE = "no value"
_MANY_DECIMALS = re.compile(r"(?<![\w.])-?\d+\.\d{6,}(?:e-?\d+)?(?!\w|\.\d)")


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
    first, joined, rest = name.partition(" per ")
    return wording.UNITS.get(first, first) + joined + rest


def quantities(name: str) -> str:
    """What a chart of several quantities of one unit shows.

    >>> quantities("share"), quantities("ratio"), quantities("joule")
    ('shares and differences', 'ratios', 'J')
    """
    plural = {"share": "shares and differences", "ratio": "ratios", "score": "scores", "logit": "log-odds"}
    return plural.get(name, unit(name) or name)


def figures(numbers: Sequence[float], unit_name: str) -> list[str]:
    """Numbers of one unit that are said together, all in the notation of the largest.

    >>> figures([0.832, 0.7444, 0.9], "ratio"), figures([12.3456], "joule"), figures([8.15e-14, 0.0], "score")
    (['0.832', '0.744', '0.900'], ['12.3'], ['8.2e−14', '0'])
    >>> figures([1.0], "rank")
    ['1']
    """
    whole = unit(unit_name).partition(" ")[0] in wording.COUNTED
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
    """A sentence of a probe with its numbers in four digits where they have six decimals and more.

    >>> legible("difference 0.8000737867518019, removed -0.7737516526326059, of 0.05")
    'difference 0.8001, removed −0.7738, of 0.05'
    """
    return _MANY_DECIMALS.sub(lambda found: figure(float(found[0]), notation([float(found[0])], significant=4)), text)


def amount(value: float, unit_name: str) -> str:
    """A number with its unit.

    >>> amount(0.832, "ratio"), amount(12.3456, "joule"), amount(0.31249, "logit")
    ('0.832', '12.3 J', '0.312 logits')
    """
    return f"{figures([value], unit_name)[0]} {unit(unit_name)}".rstrip()


def value(estimate: Estimate) -> str:
    """The point estimate with its unit.

    >>> value(Estimate.missing("no positives", unit="share"))
    'no value'
    """
    return NO_VALUE if estimate.value is None else f"{_figures(estimate)[0]} {unit(estimate.unit)}".rstrip()


def _figures(estimate: Estimate) -> list[str]:
    """Value, low and high in one notation."""
    numbers = [part for part in (estimate.value, estimate.low, estimate.high) if part is not None]
    return figures(numbers, estimate.unit)


def interval(estimate: Estimate) -> str:
    """The two-sided interval, with as many decimals as the value; of a posterior it is none that holds at a rate.

    >>> interval(Estimate(value=0.832, low=0.744, high=0.931, n=500, unit="ratio", method="koopman"))
    '95 % interval 0.744 to 0.931'
    >>> interval(Estimate(value=0.029, low=0.021, high=0.041, n=66, unit="share", method="posterior"))
    '95 % of a posterior 0.021 to 0.041, without an error rate'
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    if estimate.method == "exact":
        return "of a posterior, no interval" if "posterior" in (estimate.design or "") else "exact, no interval"
    _, low, high = _figures(estimate)
    level = number(round(100 * estimate.level, 6))
    if estimate.method == "posterior":
        return f"{level} % of a posterior {low} to {high}, without an error rate"
    return f"{level} % interval {low} to {high}"


def n(estimate: Estimate) -> str:
    """How many observations stand behind the estimate, and how many count where they are clustered.

    >>> n(Estimate.missing("no positives", n=1200, unit="share"))
    'n = 1,200'
    """
    return sampling.counted(estimate)


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
        return f"Change of {decapitalised(metric(first))}"
    if name in titles.TITLES:
        return titles.TITLES[name]
    if last in wording.METRICS:
        return wording.METRICS[last]
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
    return " and ".join(parts) if len(parts) == len(attribute.split("*")) else text


def groups(compared: Groups | None) -> str:
    """Which group, and against which.

    >>> groups(Groups(attribute="age", group="25 or younger", reference="over 25"))
    'age: 25 or younger against over 25'
    """
    if compared is None:
        return ""
    text = f"{' and '.join(compared.attribute.split('*'))}: {group(compared.group, compared.attribute)}"
    if compared.reference is None:
        return text
    return f"{text} against {group(compared.reference, compared.attribute)}"


def facets(finding: Finding, card: Mapping[str, Any]) -> dict[str, str]:
    """The facets of a finding in words: a quantity of the probe that one names, and columns as the card calls them."""
    said = card_names.facets(card, finding)
    if "gap" in said:
        said["gap"] = decapitalised(metric(f"{finding.probe}/{said['gap']}"))
    return said


def about(finding: Finding, facets: Mapping[str, str]) -> str:
    """Groups and ``facets`` of a finding in words; the probe where it never ran; '' where there is nothing to say."""
    if finding.metric == f"{finding.probe}/run":
        return finding.probe
    parts = [groups(finding.groups)] if finding.groups is not None else []
    parts += [f"{key.replace('_', ' ')}: {facets[key]}" for key in sorted(facets)]
    return "; ".join(parts)


def threshold(judgement: Judgement | None) -> str:
    """A limit in words, as declared."""
    if judgement is None:
        return ""
    edge = number(judgement.threshold)
    if judgement.direction == "band":
        text = f"within ±{edge}" + (f" of {number(judgement.around)}" if judgement.around else "")
    else:
        text = f"{'at most' if judgement.direction == 'at_most' else 'at least'} {edge}"
    return text + (f", margin {number(judgement.margin)}" if judgement.margin else "")


def limit(judgement: Judgement | None, *, withheld: bool = False) -> str:
    """A limit in words, as applied: one that was narrowed for a pass says so, and one that was not applied.

    ``withheld`` leaves out to what it was narrowed, a fifth of the larger rate, which would tell that rate.
    """
    if judgement is None:
        return ""
    if judgement.effective is None:
        return f"{threshold(judgement)} (not applied: the data allow no verdict)"
    if withheld or not narrowed(judgement):
        return threshold(judgement)
    demand = {"band": "within ±", "at_most": "at most ", "at_least": "at least "}[judgement.direction]
    return f"{threshold(judgement)} (for a pass {demand}{number(float(f'{judgement.effective:.3g}'))})"


def narrowed(judgement: Judgement) -> bool:
    """Whether a pass is held to less than the limit as declared, being on a difference of low rates."""
    sign = -1 if judgement.direction == "at_least" else 1
    edge = sign * judgement.threshold + judgement.margin
    return judgement.effective is not None and sign * judgement.effective < edge


def limit_source(judgement: Judgement | None, metric_name: str, *, fixed: str = "") -> str:
    """Whose limit it is, since when and why, and what it is not; ``fixed`` says whether it preceded the test."""
    if judgement is None:
        return ""
    edge = ("±" if judgement.direction == "band" else "") + number(judgement.threshold)
    owner = judgement.set_by or "somebody the plan does not name"
    dated = f" on {judgement.set_on}" if judgement.set_on else ", undated"
    cited = f" ({judgement.citation})" if judgement.citation else ""
    if judgement.source == "foreign-guideline":
        whose = "US" if metric_name.endswith("/impact-ratio") else "foreign"
        text = f"{edge} is a {whose} guideline{cited} used here as screening value chosen by {owner}{dated}; "
        text += "it is not EU law"
    elif judgement.source == "law":
        text = f"{edge} is declared by {owner}{dated} as set by law{cited or ', without a citation'}"
    elif judgement.source in ("standard", "guideline", "convention"):
        text = f"{edge} follows a {judgement.source}{cited} chosen by {owner}{dated}; it is no legal limit"
    else:
        text = f"Tolerance set by {owner}{dated}{cited}"
    text += f". Reason: {judgement.reason.rstrip('.')}." if judgement.reason else "."
    return f"{text} {fixed}".rstrip()


def method(estimate: Estimate) -> str:
    """The interval's method, and the design where the probe states one."""
    if estimate.method is None:
        return ""
    if estimate.method == "exact" and "posterior" in (estimate.design or ""):
        return f"{design(estimate.design or '')}: for display, without an error rate"
    text = wording.METHODS.get(estimate.method, estimate.method)
    return f"{text}; {design(estimate.design)}" if estimate.design else text


def design(text: str) -> str:
    """How the observations were drawn, with the clusters that a design names in words.

    >>> design("cluster=seed text"), design("two_way=template x name"), design("rows resampled")
    ('clusters are seed texts', 'templates and names are both samples', 'rows resampled')
    """
    _, _, rest = text.partition(";")
    sampled = [sampling.plural(unit) for unit in sampling.units(text)]
    if not sampled:
        return text
    said = f"clusters are {sampled[0]}" if len(sampled) == 1 else f"{' and '.join(sampled)} are both samples"
    return f"{said};{rest}" if rest else said


def controls(states: Mapping[str, str]) -> str:
    """Both controls in words; '' for a finding without any.

    >>> controls({"positive": "held", "negative": "failed"})
    'positive control held, negative control failed'
    """
    return ", ".join(f"{kind} control {states[kind]}" for kind in ("positive", "negative") if kind in states)


def grade(letter: str) -> str:
    """How an energy figure came about.

    >>> grade("B")
    'measurement grade B: hardware counters'
    """
    return f"measurement grade {letter}: {wording.GRADES.get(letter, 'not described')}"


def sub_reason(reason: SubReason | None) -> str:
    """A sub-reason as a plain clause."""
    return "" if reason is None else wording.SUB_REASONS[reason]


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
    return " ".join(f"{clause[:1].upper()}{clause[1:]}." for clause in kept)


def reason(finding: Finding, *, withheld: bool = False, reversed: bool = False) -> str:
    """Why the verdict is what it is, with the n a verdict needs and the smallest effect this design detects.

    ``withheld`` leaves out what could tell the size or the figure of a small cell. ``reversed``: of a difference over
    all rows and that within strata each says the opposite of the other.
    """
    if withheld:
        return sentence([sub_reason(finding.sub_reason), waived(finding.waiver)])
    estimate, judged = finding.estimate, finding.limit
    clauses: list[str] = []
    if judged is not None and finding.verdict is Verdict.PASS:
        clauses.append(
            f"the one-sided {number(100 * (1 - judged.alpha_pass))} % bound lies on the good side of the limit"
        )
    elif judged is not None and finding.verdict is Verdict.FAIL:
        corrected = f"after Holm's correction over {judged.hypotheses} hypotheses" if judged.hypotheses > 1 else ""
        p = "" if judged.p_adjusted is None else f" ({p_value(judged.p_adjusted)})"
        clauses.append(f"{corrected} the bound lies on the bad side of the limit{p}".strip())
    if finding.why is None or finding.sub_reason not in wording.SAID_BY_JUDGE:
        clauses.append(sub_reason(finding.sub_reason))
    clauses.append(finding.why or "")
    clauses.append("what is true of all rows is reversed within the strata" if reversed else "")
    if estimate.value is None:
        clauses.append(estimate.why or "")
    if needed := sampling.needed(finding):
        clauses.append(f"a verdict at this value would need about {needed}")
    if finding.detectable is not None:
        found = amount(finding.detectable, estimate.unit)
        clauses.append(f"the smallest effect this design finds with 80 % power is {found}")
    clauses.append(waived(finding.waiver))
    return sentence(clauses)


def waived(waiver: Waiver | None) -> str:
    """Who accepts a finding, since and until when, up to which value, and why; '' where nobody does."""
    if waiver is None:
        return ""
    bound = "" if waiver.worst is None else f", no worse than {number(waiver.worst)}"
    return f"waived by {waiver.owner} on {waiver.set_on} until {waiver.expires}{bound}: {waiver.reason}"


def decapitalised(text: str) -> str:
    """A label inside a sentence; acronyms, symbols and names of people keep their capital.

    >>> decapitalised("Intended purpose"), decapitalised("DPO advice"), decapitalised("F1"), decapitalised("R squared")
    ('intended purpose', 'DPO advice', 'F1', 'R squared')
    >>> decapitalised("Cohen's kappa"), decapitalised("A copy of it"), decapitalised("Log-odds")
    ("Cohen's kappa", 'a copy of it', 'log-odds')
    """
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
    lacking = "no fact is" if facts == 0 else f"{counted(facts, 'fact')} {'is' if facts == 1 else 'are'}"
    waiting = "no field waits" if people == 0 else f"{counted(people, 'field')} {'waits' if people == 1 else 'wait'}"
    return f"{lacking} missing and {waiting} for a person"
