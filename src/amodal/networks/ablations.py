"""The rows of [S2]'s Tables 5, 6 and 7 as settings of `Asn`: what differs from the whole network.

Table 7 numbers the parts of Multi-Level Coding 1 to 4; a row's digits say which of them are as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from amodal.errors import InputError
from amodal.networks.asn import AsnSettings

Row = Mapping[str, Any]

# Refined boxes are looked at again for the sake of the coding; rows without it take them as Mask R-CNN does.
TABLE_5: Mapping[str, Row] = {
    "inmodal alone": {"masks": ("inmodal",), "occlusion": False, "coding": None, "passes": 1},
    "amodal alone": {"masks": ("amodal",), "occlusion": False, "coding": None, "passes": 1},
    "both": {"occlusion": False, "coding": None, "passes": 1},
    "both + OC": {"coding": None, "passes": 1, "occlusion_threshold": 0.05},
    **{
        f"both + OC + MLC({source}, {target})": {"coding": (source, target)}
        for source, target in ((0, 0), (1, 1), (2, 2), (3, 3), (0, 3), (3, 0))
    },
}

TABLE_6: Mapping[str, Row] = {
    "no OC": TABLE_5["both"],
    **{
        f"OC({percent} %)": {**TABLE_5["both + OC"], "occlusion_threshold": percent / 100} for percent in (0, 5, 15, 20)
    },
}

TABLE_7: Mapping[str, Row] = {
    "0111 add": {"global_join": "add"},
    "1011 order": {"extraction_special": "last"},
    "1011 1 convolution": {"extraction_plain": 1},
    "1011 3 convolutions": {"extraction_plain": 3},
    "1101 add": {"mask_join": "add"},
    "1110 order": {"combination_special": "first"},
    "1110 1 convolution": {"combination_plain": 1},
    "1110 3 convolutions": {"combination_plain": 3},
    "1111": TABLE_5["both + OC + MLC(1, 1)"],
}

TABLES: Mapping[int, Mapping[str, Row]] = {5: TABLE_5, 6: TABLE_6, 7: TABLE_7}


def ablation(settings: AsnSettings, table: int, row: str) -> AsnSettings:
    """These settings, but for what the row changes. Raises `InputError` for a row that there is not."""
    rows = TABLES.get(table)
    if rows is None:
        raise InputError("ablation", "table", f"found {table}", f"expected one of {', '.join(map(str, TABLES))}")
    if row not in rows:
        raise InputError("ablation", f"row of table {table}", f"found {row!r}", f"expected one of {', '.join(rows)}")
    return replace(settings, **rows[row])
