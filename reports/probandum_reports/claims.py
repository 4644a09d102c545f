"""What no tool can say of a system, and how it is found whatever letters it is written with.

Words that only people and authorities may say are claims wherever they stand; those that the law's own prose needs
(lawful, safe, conformity) are where they are said of something, and not where a text asks for them.
"""

from __future__ import annotations

import re
import unicodedata

_WORDS = (
    r"compliant|certified|fair|unbiased|bias[- ]?free|discrimination[- ]free|non[- ]?discriminatory|anonymous|approved"
    r"|conforms?|unprejudiced|risk[- ]free"
)
_PHRASES = (
    r"compl(?:y|ies|ied|ying) with|in (?:\w+ )?(?:conformity|compliance) with|(?:is|are) in (?:full )?accordance with"
    r"|(?:free (?:from|of)|without) (?:(?:any|all|every) )?(?:unfair |unlawful |undue )?(?:bias(?:es)?|discrimination)"
    r"|(?:does not|do not|cannot|never) discriminates?|(?:meets?|fulfil[ls]*|satisf(?:y|ies)) (?:all|every)"
    r"|safe (?:to|for) (?:use|deploy\w*|release\w*|people|persons|everybody|everyone|all)"
    r"|an? (?:\w+ly )?(?:safe|lawful|trustworthy|ethical) (?:ai|algorithm|model|system|product|tool)"
)
_QUALITIES = r"safe|lawful|legal|secure|trustworthy|ethical|equitable|impartial|harmless"
#: What the law asks people to show: that an interest, a treatment or a period is lawful.
_ASKED = "".join(
    f"(?<!{each} )"
    for each in ("treatment", "period", "interest that", "interest in development", "interest in deployment")
)
_PREDICATES = rf"{_ASKED}(?:is|are|was|were|remains?|proved|deemed) (?:(?:\w+ly|also|now|thus|and) )*(?:{_QUALITIES})"
_CLAIM = re.compile(rf"\b(?:{_WORDS}|{_PHRASES}|{_PREDICATES})\b")
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
    """
    found = _CLAIM.search(folded(text))
    return None if found is None else found.group()


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
