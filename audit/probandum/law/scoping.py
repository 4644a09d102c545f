"""The steps about whether the Act speaks of a system at all, and from when of an older one."""

from __future__ import annotations

from probandum.law.answers import Answers
from probandum.law.card_keys import IN_SCOPE, PLACED, placed
from probandum.law.scope import REASONS
from probandum.law.steps import Step


def scope(answers: Answers) -> Step:
    """Whether it is an AI system, Art. 3(1), within the scope of Art. 2; the catalogue has no entry of either."""
    said, denied = answers.plain.get(IN_SCOPE), answers.outside
    unsettled: tuple[str, ...] = ()
    if denied is not None:
        reasoning = (
            f"{denied.by} said on {denied.on} that the Act does not speak of it, with reasons that nothing here "
            "examines. The GDPR and the law on equal treatment stay."
        )
    elif said is False:
        reasoning = "The card denies it without the reasons of a named person; it goes on as if the Act spoke of it."
        missing = "reasons and who gives them, on which day, are missing"
        unsettled = (f"Whether the Act speaks of it: {missing} ({IN_SCOPE} and {REASONS}).",)
    elif said is None:
        reasoning = "Nobody has said it; what follows holds if it is."
        unsettled = (f"Whether it is an AI system within the scope of the Act: the card does not say {IN_SCOPE}.",)
    else:
        reasoning = "The card says that it is."
    return answers.step(
        "scope",
        "Is it an AI system (Art. 3(1)) within the scope of the Act (Art. 2)?",
        IN_SCOPE,
        *((REASONS,) if said is False else ()),
        reasoning=(reasoning,),
        requirements=(),
        unsettled=unsettled,
        changes=("Rules that people wrote giving way to what is inferred from data, or another use.",)
        if denied
        else (),
    )


def placing(answers: Answers, told: str) -> Step:
    """What the day on which it came onto the market or into service does to the dates of its duties: ``told``."""
    silent = placed(answers.plain) is None
    return answers.step(
        "placing",
        "When did it come onto the market or into service?",
        PLACED,
        reasoning=(f"{told[0].upper()}{told[1:]}.",),
        requirements=("ai-act:art-111:2",),
        unsettled=(f"From when its duties bind: the card does not say {PLACED}.",) if silent else (),
    )
