"""Loading what registers itself: our targets, and every module under the entry-point group ``probandum``.

Our own probes and documents come in by the same door as a third party's. A plugin that does not import is an
error: an audit that quietly lost a probe would be thinner.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from probandum.errors import ProbeError

GROUP = OWN = "probandum"


@cache
def author(module: str) -> str:
    """The package whose plugin the ``module`` belongs to, else its first name; '' for the toolkit's own.

    >>> author("probandum_probes.bias.rates"), author("acme.probes")
    ('', 'acme')
    """
    root = module.partition(".")[0]
    found = (each.dist.name for each in entry_points(group=GROUP) if each.module.split(".")[0] == root and each.dist)
    name = next(found, root)
    return "" if name == OWN else name


@cache
def load_plugins() -> tuple[str, ...]:
    """Import all plugins once; returns ``name (distribution version)`` of each, sorted."""
    loaded = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        source = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown distribution"
        try:
            entry.load()
        except (Exception, SystemExit) as error:  # importing runs a third party's code
            text = " ".join(str(error).split())
            raise ProbeError(
                f"plugin {entry.name} = {entry.value} of {source} does not load: {type(error).__name__}: {text}",
                remedy="mend or uninstall it",
            ) from error
        loaded.append(f"{entry.name} ({source})")
    return tuple(loaded)
