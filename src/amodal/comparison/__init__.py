"""Methods beside each other: run over the same photos, scored alike, shown as tables, pictures and one page.

Takes truths (`data.truth`) and methods as text (`specs`), runs each with resume (`running`, which asks in the
method's own words by `asking`), scores with `evaluation` (`comparing`), and gives a `Comparison`: tables (`tables`),
text and HTML (`text`, `page`), pictures (`pictures`) and the figures of the paper (`figures`). `published` has the
numbers that the papers printed.
"""

from __future__ import annotations

from amodal.comparison.comparing import Comparison, MethodResult, compare
from amodal.comparison.specs import MethodSpec, parse_spec, parse_specs

__all__ = ["Comparison", "MethodResult", "MethodSpec", "compare", "parse_spec", "parse_specs"]
