"""What follows from a class: assessment, registration; and what binds in any class: models, transparency, the GDPR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from probandum.law.answers import Answers
from probandum.law.binding import Binding, bind
from probandum.law.entries import Role
from probandum.law.scoping import placing
from probandum.law.steps import Step

#: Roles whose conditions are those of Art. 50, and those of a general-purpose model.
_TRANSPARENCY = ("provider-interactive-ai", "provider-genai", "deployer-genai", "deployer-biometric")
_MODELS = ("gpai-open-source", "gpai-systemic", "gpai-provider-third-country", "gpai-authorised-representative")
_CONFORMITY: Mapping[str, str] = {
    "annex-vi": "internal control under Annex VI, without a notified body",
    "annex-vi-or-vii": (
        "Annex VI, or Annex VII with a notified body, which is mandatory where no harmonised standards or common "
        "specifications are applied"
    ),
}
_REGISTRATION: Mapping[str, str] = {
    "public": "in the public part of the EU database",
    "non-public": "in the secure non-public part of the EU database (law enforcement, migration, asylum, borders)",
    "public-or-non-public": (
        "in the public part of the EU database, or, for law enforcement, migration, asylum and borders, in its secure "
        "non-public part"
    ),
    "national": "at national level",
}


def steps(answers: Answers) -> Iterator[Step]:
    """The steps behind the class, in order."""
    binding = bind(answers.card, law=answers.law)
    states = _states(answers, binding)
    if binding.placing:
        yield placing(answers, binding.placing)
    if answers.cases and answers.listed_high is not False:
        yield _assessment(answers)
        yield _impact(answers, states)
    if answers.product:
        yield _product_assessment(answers)
    if (other := _others(answers, states, binding)) is not None:
        yield other
    yield _models(answers, states)
    yield _transparency(answers, states)
    yield data_protection(answers)


def outside(answers: Answers) -> Iterator[Step]:
    """What stays where the Act does not speak of the system: a model, which is no system, and data protection."""
    if answers.names("gpai"):
        yield _models(answers, _states(answers, bind(answers.card, law=answers.law)))
    yield data_protection(answers)


def _states(answers: Answers, binding: Binding) -> Mapping[str, bool | str]:
    """Of every role with a condition that may bind: whether it does, or why that is open."""
    found: dict[str, bool | str] = {role.role: role.why for role in binding.open}
    settled = answers.plain.get("roles") or {}
    if not isinstance(settled, Mapping):
        settled = dict.fromkeys(settled, True)
    found |= {name: bool(value) for name, value in settled.items()}
    return found | {role: True for each in binding.bound for role in each.roles}


def _assessment(answers: Answers) -> Step:
    procedures = [f"Annex III {case.point}: {_CONFORMITY[case.conformity]}." for case in answers.cases]
    places = [f"Annex III {case.point}: registered {_REGISTRATION[case.registration]}." for case in answers.cases]
    biometric = any(case.conformity == "annex-vi-or-vii" for case in answers.cases)
    national = any(case.registration == "national" for case in answers.cases)
    return answers.step(
        "assessment",
        "Which conformity assessment and registration would follow?",
        reasoning=(*procedures, *places, "Only the provider draws up a declaration; nothing here is one."),
        requirements=(
            *(("ai-act:art-43:1:a", "ai-act:art-43:1:b", "ai-act:art-43:1:msa") if biometric else ()),
            *(("ai-act:art-43:2",) if not all(c.conformity == "annex-vi-or-vii" for c in answers.cases) else ()),
            "ai-act:art-49:5" if national and len(answers.cases) == 1 else "ai-act:art-49:1",
        ),
    )


def _product_assessment(answers: Answers) -> Step:
    if answers.section == "B":
        said = (
            "For products of Section B the assessment is that of their own law: of the Act, Arts 8 to 49 do not apply "
            "directly."
        )
        requirements: tuple[str, ...] = ("ai-act:art-2:2",)
    else:
        said = (
            "For products of Section A the assessment is that of their own law, with the requirements of the Act in "
            "it; it comes before the one for a listed use."
        )
        requirements = ("ai-act:art-43:3", "ai-act:art-8:2", "ai-act:art-11:2")
    return answers.step(
        "product_assessment",
        "Which conformity assessment would follow for the product?",
        reasoning=(said, "Only the provider draws up a declaration; nothing here is one."),
        requirements=requirements,
    )


def _impact(answers: Answers, states: Mapping[str, bool | str]) -> Step:
    state = states.get("deployer-fria", False)
    kinds = {case.fria for case in answers.cases}
    if kinds == {"exempt"}:
        said = "Point 2 of Annex III is left out of Art. 27."
    elif "any-deployer" in kinds:
        said = "Any deployer of a system for Annex III 5(b) or 5(c) makes one; the tool can only supply parts of it."
    else:
        said = (
            "Bodies governed by public law and private entities that provide public services make one; the tool can "
            "only supply parts of it."
        )
    return answers.step(
        "impact",
        "Who would make an impact assessment on fundamental rights?",
        "deployer",
        reasoning=(said,),
        requirements=("ai-act:art-27:1:a", "ai-act:art-27:3"),
        unsettled=(f"Whether Art. 27 binds, {state}: nobody has said it (roles.deployer-fria).",)
        if isinstance(state, str)
        else (),
    )


def _others(answers: Answers, states: Mapping[str, bool | str], binding: Binding) -> Step | None:
    """Conditions of roles that have no step of their own; cited is the first entry that can bind by each."""
    apart = {*_TRANSPARENCY, *_MODELS, "deployer-fria"}
    known = answers.law.pack.roles.items()
    roles = {name: role for name, role in known if role.condition and not role.settled_by and name not in apart}
    hanging = [(role.role, role.requirements[0].id) for role in binding.open]
    hanging += [(name, each.requirement.id) for each in binding.bound for name in each.roles]
    firsts = dict(reversed(hanging))
    return _conditions(
        answers,
        states,
        roles,
        "conditions",
        "What else decides on duties?",
        ("Some duties hang on a condition that only the parties can settle.",),
        [firsts[name] for name in roles if name in firsts],
        optional=True,
    )


def _models(answers: Answers, states: Mapping[str, bool | str]) -> Step:
    roles = {name: answers.law.pack.roles[name] for name in _MODELS}
    unsettled: tuple[str, ...] = ()
    if answers.names("gpai"):
        said = (
            "The card names a provider of a general-purpose model: Art. 53 binds it, Art. 54 if it is established "
            "outside the Union, Art. 55 with systemic risk. Without systemic risk, Arts 53(2) and 54(6) exempt "
            "open-source models from Art. 53(1)(a) and (b) and from Art. 54."
        )
    elif answers.plain.get("gpai") is None:
        said = "The card does not say whether one of the parties places a general-purpose model on the market."
        unsettled = ("Whether Arts 53 to 55 bind anybody here: the card does not say gpai.",)
        roles = {}  # asked once there is such a model
    else:
        said = (
            "The card says that no party places a general-purpose model on the market. To build on the model of "
            "somebody else does not by itself make a party its provider."
        )
    made = _conditions(
        answers,
        states,
        roles,
        "models",
        "Is there a general-purpose model of one's own?",
        (said,),
        ("ai-act:art-53:1:a", "ai-act:art-53:2", "ai-act:art-51:1:a", "ai-act:art-51:2"),
        paths=("gpai", "development.third_party"),
        unsettled=unsettled,
    )
    assert made is not None
    return made


def _transparency(answers: Answers, states: Mapping[str, bool | str]) -> Step:
    roles = {name: answers.law.pack.roles[name] for name in _TRANSPARENCY}
    made = _conditions(
        answers,
        states,
        roles,
        "transparency",
        "Which duties of transparency of Art. 50 are at hand?",
        ("Art. 50 binds systems of any class: each of its duties hangs on what the system does.",),
        ("ai-act:art-50:1", "ai-act:art-50:2", "ai-act:art-50:3", "ai-act:art-50:4:a", "ai-act:art-50:4:b"),
    )
    assert made is not None
    return made


def data_protection(answers: Answers) -> Step:
    """Who answers for personal data, whatever the system is under the Act."""
    said = "The GDPR binds the controller, whatever the class under the AI Act."
    if "controller" in answers.plain and not answers.names("controller"):
        said = "The card says that there is no controller, which can only be where no personal data are processed."
    return answers.step(
        "data_protection",
        "Who answers for personal data?",
        "controller",
        "personal_data",
        reasoning=(said,),
        requirements=("gdpr:35:1", "gdpr:35:3:a"),
        unsettled=() if "controller" in answers.plain else ("The card names no controller.",),
    )


def _conditions(
    answers: Answers,
    states: Mapping[str, bool | str],
    roles: Mapping[str, Role],
    id: str,
    question: str,
    reasoning: Sequence[str],
    requirements: Sequence[str],
    *,
    paths: Sequence[str] = (),
    unsettled: Sequence[str] = (),
    optional: bool = False,
) -> Step | None:
    """A step about conditions of roles; None where it is ``optional`` and has nothing to say."""
    said, open_ones, asked = (
        list(reasoning),
        list(unsettled),
        [f"roles.{name}" for name in roles if name in _settled(answers)],
    )
    for name, role in roles.items():
        state = states.get(name)
        if isinstance(state, str) and (role.condition or "") in state:
            condition = f"Whether {role.condition}" if state == f"if {role.condition}" else f"Whether it holds, {state}"
            open_ones.append(f"{condition}: nobody has said it (roles.{name}).")
        elif state:
            said.append(f"Said to hold: {role.condition} (roles.{name}).")
        elif state is False and name in _settled(answers):
            said.append(f"Said not to hold: {role.condition} (roles.{name}).")
    if optional and not open_ones and len(said) == len(reasoning):
        return None
    return answers.step(
        id,
        question,
        *paths,
        *asked,
        reasoning=tuple(said),
        requirements=tuple(dict.fromkeys(requirements)),
        unsettled=tuple(open_ones),
    )


def _settled(answers: Answers) -> Sequence[str]:
    return tuple(answers.plain.get("roles") or ())
