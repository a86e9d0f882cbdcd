"""`amodal compare`: several methods over the same photos: tables, pictures, a page."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from amodal.cli.exits import DONE, SOME_REFUSED
from amodal.cli.progress import progress_on_stderr, say
from amodal.comparison import Comparison, compare, parse_specs
from amodal.comparison.published import PublishedData
from amodal.comparison.tables import as_text, published_tables, tables_of
from amodal.data.results import SOURCE
from amodal.data.truth import Truth, read_truth
from amodal.data.write import make_folder, write_text_atomically
from amodal.errors import InputError


@dataclass(frozen=True)
class Compare:
    """Run several methods over photos whose truth is known, with true boxes, and score them alike.

    Prints tables of masks by occlusion level, order and speed; writes comparison.json, index.html and each method's
    predictions into --out. The same command goes on where it was stopped.

    Example: amodal compare scenes/ --methods box,prior,compnet,orm --out compared
    """

    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Truth: our scenes.json (or its folder), COCO JSON with masks, KINS (2019 or 2020), COCOA, or a KITTI folder."""
    methods: Annotated[tuple[str, ...], tyro.conf.arg(metavar="METHODS...")]
    """METHOD, METHOD:setting=value,… or NAME=METHOD:…, apart or joined by commas; visible=truth completes the true
    visible masks, boxes=visible gives boxes of what is seen, boxes=own lets a network find the objects itself. As in:
    box,prior,compnet "ours=orm:model=m.safetensors" orm:rounds=1,refine=none asn:boxes=own,model=asn.safetensors"""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("amodal-compared")
    """Where the results go."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Where the photos are, if not beside the truth."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Photos of this split alone, as val."""
    classes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = ()
    """Score objects of these classes alone; the others are given to the methods all the same."""
    every_object: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Score the visible masks of objects not known to be seen whole too (their level is unknown)."""
    labels: Annotated[Literal["given", "none"], tyro.conf.arg(metavar="given|none")] = "given"
    """Tell the methods the true class of each box, or let them choose."""
    published: Annotated[
        Literal["kins", "two", "four", "two-unknown"] | None,
        tyro.conf.arg(metavar="kins|two|four|two-unknown", help_behavior_hint=""),
    ] = None
    """Print the paper's figures of such data beside ours (they were measured on other data)."""
    pictures: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = True
    """No pictures of objects on the page."""
    figures: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Draw the paper's figures too: scenes by method, steps of reasoning, orders of crowds (PNG, in figures/)."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the comparison as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        specs = parse_specs(self.methods)
        truths = self._chosen(read_truth(self.data, images=self.images, split=self.split))
        make_folder(self.out)
        try:
            with progress_on_stderr() as report:
                comparison = compare(truths, specs, self.out, labels=self.labels, progress=report)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"finished photos are kept in {self.out / 'predictions'}") from None
        self._write(comparison, self.published)
        failures = [(result.name, failure) for result in comparison.results for failure in result.run.failures]
        for name, failure in failures:
            say(f"{name} failed on {failure.photo}: {failure.reason}")
        if self.json:
            print(json.dumps(comparison.to_json()))
        else:
            beside = published_tables(self.published) if self.published else []
            print(as_text(tables_of(comparison) + beside))
            print(f"\nlook at: {self.out / 'index.html'}")
        return SOME_REFUSED if failures else DONE

    def _files(self) -> dict[str, Path | None]:
        return {"truth": self.data, "images": self.images}

    def _chosen(self, truths: list[Truth]) -> list[Truth]:
        """The truths with what is scored as was asked."""
        if self.every_object:
            truths = [truth if "amodal" in truth.knows else replace(truth, unscored=frozenset()) for truth in truths]
        if self.classes:
            known = frozenset().union(*(truth.classes for truth in truths)) | {
                one.label for truth in truths for one in truth.scene.instances
            }
            for name in self.classes:
                if name not in known:
                    raise InputError(
                        "compare", "--classes", f"found {name!r}", f"expected of {', '.join(sorted(known))}"
                    )
            truths = [
                replace(truth, unscored=truth.unscored | {o.id for o in truth.given if o.label not in self.classes})
                for truth in truths
            ]
        return truths

    def _write(self, comparison: Comparison, published: PublishedData | None) -> None:
        from amodal.comparison.page import write_comparison_page
        from amodal.comparison.pictures import cuts_of

        text = json.dumps(comparison.to_json(), indent=1)
        write_text_atomically(self.out / "comparison.json", text + "\n")
        said = {key: None if path is None else str(path.resolve()) for key, path in self._files().items()}
        write_text_atomically(self.out / SOURCE, json.dumps({**said, "split": self.split}, indent=1) + "\n")
        cuts = cuts_of(comparison) if self.pictures else []
        write_comparison_page(comparison, self.out / "index.html", cuts, published)
        if self.figures:
            from amodal.comparison.figures import write_figures

            write_figures(comparison, self.out / "figures")
