"""Pictures of scenes, fit for a paper's figure, and a page to look at.

Every drawer takes a `Scene` (a valid one) and its photo, uint8 [height, width, 3] RGB, and gives a picture,
uint8 RGB: small photos are enlarged and huge ones reduced by a whole factor, and lines and letters follow the
picture's size. `write_pictures` and `write_page` make files of them. Same scene and photo, same picture.
"""

from __future__ import annotations

from amodal.draw.likelihood import draw_likelihood, draw_likelihoods, likelihood_colours
from amodal.draw.masks import draw_boxes, draw_masks
from amodal.draw.order import draw_order
from amodal.draw.overlay import draw_scene
from amodal.draw.page import PageEntry, write_page
from amodal.draw.palette import scene_colours
from amodal.draw.pictures import write_pictures
from amodal.draw.sheets import draw_before_after, sheet

__all__ = [
    "PageEntry",
    "draw_before_after",
    "draw_boxes",
    "draw_likelihood",
    "draw_likelihoods",
    "draw_masks",
    "draw_order",
    "draw_scene",
    "likelihood_colours",
    "scene_colours",
    "sheet",
    "write_page",
    "write_pictures",
]
