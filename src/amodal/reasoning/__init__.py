"""Reasoning between objects: who is in front of whom, and whose pixel is it.

Takes every object's three maps of log-evidence on its own window (`Evidence`) and, if wanted, a call that
re-scores an object on the positions where it can be seen. Gives visible and amodal masks, an order and its
probabilities (`Reasoning`). Two ways: `joint` labels a whole cluster at once under the most probable order (default),
`published` follows the pairwise procedure of the paper. Knows pixels and numbers, no model and no photo.
"""

from amodal.reasoning.evidence import Evidence, Reasoning
from amodal.reasoning.geometry import PairGeometry
from amodal.reasoning.pair_order import PairOrder

__all__ = ["Evidence", "PairGeometry", "PairOrder", "Reasoning"]
