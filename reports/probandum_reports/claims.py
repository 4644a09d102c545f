"""What no tool can say of a system, and how it is found whatever letters it is written with.

Words that only people and authorities may say are claims wherever they stand; those that the law's own prose needs
(lawful, safe, conformity) are where they are said of something. What is said in more words (it meets the requirements)
is none where a clause asks after it or denies it. A claim in words that nobody thought of is not found.
"""

from __future__ import annotations

import re
import unicodedata

_WORDS = (
    r"compliant|certified|certif(?:y|ies)|fair|unbiased|bias[- ]?free|discrimination[- ]free|non[- ]?discriminatory"
    r"|anonymous|approved|conforms?|conformant|unprejudiced|risk[- ]free"
)
_PHRASES = (
    r"compl(?:y|ies|ied|ying) (?:\w+ly )?with|in (?:\w+ )?(?:conformity|compliance) with"
    r"|(?:is|are) in (?:full )?accordance with"
    r"|(?:free (?:from|of)|without) (?:(?:any|all|every) )?(?:unfair |unlawful |undue )?(?:bias(?:es)?|discrimination)"
    r"|(?:does not|do not|cannot|never) discriminates?|(?:meets?|fulfil[ls]*|satisf(?:y|ies)) (?:all|every)"
    r"|safe (?:to|for) (?:use|deploy\w*|release\w*|people|persons|everybody|everyone|all)"
    r"|an? (?:\w+ly )?(?:safe|lawful|trustworthy|ethical) (?:ai|algorithm|model|system|product|tool)"
)
_QUALITIES = r"safe|lawful|legal|secure|trustworthy|ethical|equitable|impartial|harmless|sound|free of personal data"
#: What the law asks people to show: that an interest, a treatment or a period is lawful.
_ASKED = "".join(
    f"(?<!{each} )"
    for each in ("treatment", "period", "interest that", "interest in development", "interest in deployment")
)
_IS = r"(?:is|are|was|were|remains?|proves?|proved|proven|deemed|found|considered|judged|counts? as|seems?)(?: to be)?"
_PREDICATES = rf"{_ASKED}{_IS} (?:(?:\w+ly|also|now|thus|and) )*(?:{_QUALITIES})"
_LAW = (
    r"(?:the |this |that |every |all )?(?:eu |european |union )*"
    r"(?:ai[- ]act|gdpr|regulations?|laws?|act|directives?|legislation|art(?:icles?|s?\.)|annex|sections?)(?!\w)"
)
_DUTY = r"(?:requirements?|obligations?|duties)"
_DUTIES = rf"(?:(?:the|its|their|these|those|legal|essential|relevant|applicable) )+{_DUTY}"
_GOODS = r"compliance|conformity|lawfulness|legality|fairness|certification|approval|non-discrimination|equal treatment"
_DONE = r"confirmed|guaranteed|ensured|proved|proven|shown|verified|achieved|established|granted|obtained|given"
_SYSTEM = r"system|model|tool|product|algorithm|application"
#: Claims where they are said of something, and none where a text asks after them or denies them.
_SAID = "|".join(
    (
        rf"(?:meets|met|satisf(?:ies|ied)|fulfil(?:l?s|led)|pass(?:es|ed)|respect(?:s|ed)) (?:{_LAW}|{_DUTIES})",
        rf"(?:adheres?|adhered) to {_LAW}|(?:abides?|abided) by {_LAW}|in line with {_LAW}",
        r"(?:ai[- ]act|gdpr|audit)[- ](?:ready|proof)",
        rf"(?:{_GOODS}) (?:(?:is|was|has been|fully|now) )*(?:{_DONE})",
        rf"{_DUTY} (?:(?:is|are|was|were|has been|have been|all|fully) )+(?:met|fulfilled|satisfied)",
        rf"(?:confirms|guarantees|ensures|proves|verifies|attests) (?:(?:the|its|full|ai[- ]act|gdpr) )*(?:{_GOODS})",
        r"(?:got|has|have|received|obtained) (?:(?:an?|the|full|official) )*(?:approval|certification|clearance)",
        r"(?:compliance|conformity|fairness) (?:score|badge|seal|rating)",
        r"(?:has|have|is|are|shows?|showed|exhibits?|contains?) (?:no|not any) (?:\w+ )?(?:bias(?:es)?|discrimination)",
        r"treat(?:s|ed)? (?:(?!not )\w+ ){0,5}(?:alike|equally|fairly)",
        rf"(?:(?:the|this|our) (?:\w+ )?(?:{_SYSTEM})|it) (?:is|was) (?:\w+ )?(?:not|no) (?:a )?high[- ]risk",
        r"(?:holds?|contains?|has|stores?|includes?|reveals?|leaks?) no personal data",
        r"(?<!levels of )risks? (?:is|are|remains?) (?:\w+ly )?(?:low|negligible|minimal|acceptable)",
        r"(?:fria|dpia|impact assessment) (?:(?:is|was|has been) )?(?:completed?|passed)",
        r"(?:dpo|data protection officer) (?:has )?agree[sd]",
        r"(?:data subjects|people concerned) (?:were|have been) consulted",
        r"(?:four[- ]fifths|80 ?%) rule (?:(?:is|was) )?(?:satisfied|met|kept|passed)",
        r"(?:has|enjoys|benefits from) (?:a|the) presumption of conformity",
    )
)
_CLAIM = re.compile(rf"\b(?:{_WORDS}|{_PHRASES}|{_PREDICATES}|(?P<said>{_SAID}))(?!\w)")
#: What stands before a claim in its clause where a text asks after it or denies it.
_OPEN = re.compile(
    r"\b(?:(?:whether|if|how|where|why|unless|(?:so|to see|no statement|concluded) that)\b[^.,;:!?]*"
    r"|(?:no|not|nor|never|neither|cannot|nobody)(?: \w+)?) $"
)
#: Letters of other scripts that look like Latin ones, in small letters.
_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u051b\u051d\u043a\u043c"
    "\u0433\u043f\u04cf\u0493\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03f2\u03f3"
    "\u0131\u0251\u0269\u0261\u0142\u0578\u057d",
    "abehopctyxijsdhqwkmrnlfabenikvoptuxcjiaiglnu",
)
#: Signs without a shape that are letters to Unicode.
_SHAPELESS = "\u115f\u1160\u3164\uffa0"


def claim(text: str) -> str | None:
    """The first claim in a text, as it reads; None where it makes none.

    >>> claim("It compl\\u200bies with the Act."), claim("Is it lawful?"), claim("It is s\\u0430fe.")
    ('complies with', None, 'is safe')
    >>> claim("It passes the AI Act."), claim("Whether it meets the requirements"), claim("It has no bias.")
    ('passes the ai act', None, 'has no bias')
    >>> claim("All duties are fully met."), claim("How the duties are met"), claim("No requirement is met by this.")
    ('duties are fully met', None, None)
    """
    plain = folded(text)
    for found in _CLAIM.finditer(plain):
        if found["said"] is None or _OPEN.search(plain[: found.start()]) is None:
            return found.group()
    return None


def folded(text: str) -> str:
    """A text in small Latin letters as far as it looks like them, without unseen signs and accents, blanks as one.

    >>> folded("\\u0421\\u00e9rti\\ufb01ed\\u00a0\\uff21\\u2010b")
    'certified a-b'
    """
    if text.isascii():
        return " ".join(text.casefold().split())
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_ALIKE)
    kinds = ((each, unicodedata.category(each)) for each in plain if each not in _SHAPELESS)
    kept = ("-" if kind == "Pd" else each for each, kind in kinds if kind not in ("Cf", "Mn", "Me"))
    return " ".join("".join(kept).split())
