"""The steps about the listed uses of Annex III: whether the use is one, profiling, and the exceptions of Art. 6(3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from probandum.law.answers import Answers
from probandum.law.hints import about_uses
from probandum.law.steps import Step
from probandum.stating import words


def steps(answers: Answers) -> Iterator[Step]:
    """The use; where it is listed, profiling and exceptions as well."""
    yield _use(answers)
    if answers.cases:
        yield _profiling(answers)
        yield _exception(answers)


def _use(answers: Answers) -> Step:
    hints = about_uses(words(answers.plain.get("purpose")), answers.cases, answers.law)
    changes: tuple[str, ...] = ()
    unsettled = list(hints)
    if answers.listed is None:
        reasoning = ["The card does not say whether the use is listed in Annex III."]
        unsettled.insert(0, "The listed uses of Art. 6(2): the card does not say annex_iii.")
    elif not answers.cases:
        reasoning = ["The card says that the use is none of those of Annex III."]
        changes = ("A use of Annex III among the purposes, also one added later.",)
    else:
        reasoning = [f"Annex III {case.point}, {case.title}: {case.summary}" for case in answers.cases]
        reasoning += [f"Aid to the person who classifies: {trap}." for case in answers.cases for trap in case.traps]
        unsettled += [
            f"How far Annex III {case.point} reaches is not settled." for case in answers.cases if case.verify
        ]
        changes = ("A purpose outside the listed use.",)
    return answers.step(
        "use",
        "Is the use listed in Annex III?",
        "annex_iii",
        reasoning=tuple(dict.fromkeys(reasoning)),
        requirements=("ai-act:art-6:2", *(case.id for case in answers.cases)),
        unsettled=tuple(unsettled),
        changes=changes,
    )


def _profiling(answers: Answers) -> Step:
    hints = tuple(
        f"Hint, no finding: systems for Annex III {case.point} {_HINT[case.profiling]} natural persons."
        for case in answers.cases
    )
    if answers.profiling is None:
        reasoning = "The card does not say whether the system profiles natural persons; only people can."
        unsettled: tuple[str, ...] = ("Whether the system profiles natural persons: the card does not say profiling.",)
    elif answers.profiling:
        reasoning = "The card says that it profiles: a listed system is then always high-risk, whatever else is met."
        unsettled = ()
    else:
        reasoning = "The card says that it does not profile; an exception of Art. 6(3) is then not closed by profiling."
        often = [case.point for case in answers.cases if case.profiling in ("always", "usual")]
        unsettled = tuple(f"The card denies profiling, which Annex III {point} mostly comes with." for point in often)
    return answers.step(
        "profiling",
        "Does it profile natural persons?",
        "profiling",
        reasoning=(reasoning, *hints),
        requirements=("ai-act:art-6:3:profiling",),
        unsettled=unsettled,
        changes=("Profiling in the sense of Art. 4(4) GDPR.",) if not answers.profiling else (),
    )


_HINT: Mapping[str, str] = {
    "always": "always profile",
    "usual": "usually profile",
    "sometimes": "sometimes profile",
    "rare": "rarely profile",
}


_EXCEPTED = "The condition of Art. 6(3) not being met, or the output materially influencing decisions."
_UNEXCEPTED = "An exception of Art. 6(3) that the provider documents before market placement and registers."


def _exception(answers: Answers) -> Step:
    rules = answers.law.heads["annex_iii"].rules
    claimed = answers.conditions or ()
    requirements = tuple(f"ai-act:art-6:3:{letter}" for letter in claimed or ("a", "b", "c", "d"))
    unsettled: tuple[str, ...] = ()
    if answers.conditions is None and not answers.profiling:
        unsettled = ("Whether the provider relies on an exception: the card does not say art_6_3.",)
    if not claimed:
        said = "does not say whether the provider relies" if answers.conditions is None else "says that nobody relies"
        reasoning = [f"The card {said} on an exception of Art. 6(3); without one the listed use counts."]
    elif answers.profiling:
        reasoning = ["The card claims an exception and states profiling, which closes every exception."]
    else:
        reasoning = [
            "The provider relies on an exception: its own conclusion, which nothing here examines.",
            rules["filtered"],
        ]
        unsettled = ("Whether the condition of Art. 6(3) is met: the provider's conclusion, read narrowly.",)
        if answers.profiling is None:
            unsettled += ("The exception, as long as the card does not say profiling.",)
    return answers.step(
        "exception",
        "Does the provider rely on an exception?",
        "art_6_3",
        *(("art_6_3_reasons",) if claimed else ()),
        reasoning=(*reasoning, rules["filter"]),
        requirements=(*requirements, *(("ai-act:art-6:4", "ai-act:art-49:2") if claimed else ())),
        unsettled=unsettled,
        changes=() if answers.profiling else (_EXCEPTED if claimed else _UNEXCEPTED,),
    )
