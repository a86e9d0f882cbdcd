"""`amodal data check`: every broken annotation, and what to do; a repaired copy on request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE, SOME_REFUSED
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.fields import read_json
from amodal.data.kins_folder import parts_of
from amodal.data.kitti_folder import photo_folder
from amodal.data.truth import OUR_FILE, folder_format
from amodal.data.write import write_text_atomically
from amodal.errors import InputError
from amodal.progress import Progress
from amodal.survey.check import CheckSettings, check_parsed
from amodal.survey.findings import Findings
from amodal.survey.instance_pictures import check_pictures
from amodal.survey.labels import check_labels, write_repaired_labels
from amodal.survey.repair import REMOVED, outcome, taken_out, write_repaired

FOLDERS = {"kitti": check_labels, "cityscapes": check_pictures}


@dataclass(frozen=True)
class Check:
    """List everything that is wrong in an annotated file: where, what, and what to do about it.

    `broken` is what readers refuse or misread, `doubtful` what can hardly be meant. KINS (2019 and 2020), COCO, COCOA
    (both layouts), D2SA, our scenes.json, and folders of KITTI's labels or of Cityscapes' instance pictures. With
    --repair a copy is written in which what can be mended is mended (not of pictures); what cannot be used stands in it
    under `removed_by_repair`. A JSON file is read into memory as a whole, and may have 2 GiB.

    Exit code 1 if anything is broken.

    Example: amodal data check instances_val.json --images testing/image_2 --repair mended.json
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """The file, or a folder with KITTI's labels, Cityscapes' pictures or a scenes.json."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The photos; else they are looked for beside the file, and only checked if some are found."""
    repair: Annotated[Path | None, tyro.conf.arg(metavar="OUT", help_behavior_hint="")] = None
    """Write a repaired copy here (of KITTI's labels: a folder)."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")] = None
    """Write everything that was found here as JSON."""
    least_overlap_px: Annotated[int, tyro.conf.arg(metavar="PX")] = 10
    """Objects that share fewer pixels count as apart where orders are checked."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print what was found as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        removed = done = ""
        path = self.file / OUR_FILE if (self.file / OUR_FILE).is_file() else self.file
        with progress_on_stderr() as progress:
            if path.is_dir():
                findings = self._check_folder(path, progress)
                if self.repair is not None:
                    write_repaired_labels(path, findings, self.repair)
                    done = outcome(findings, check_labels(self.repair, self.images or photo_folder(path)))
                    removed = _listed("lines left out", [str(key) for (key,) in sorted(findings.removals)])
            else:
                root = read_json(path)
                settings = CheckSettings(self.images, self.least_overlap_px)
                findings = check_parsed(root, settings, progress)
                if self.repair is not None:
                    copy = write_repaired(root, findings, self.repair)
                    done = outcome(findings, check_parsed(copy, settings))
                    said = f"of {findings.annotations} annotations taken out (they are under {REMOVED!r})"
                    removed = _listed(said, taken_out(root.value, findings))
        content = json.dumps(_as_json(findings), indent=1, ensure_ascii=False)
        if self.out is not None:
            write_text_atomically(self.out, content + "\n")
        print(content if self.json else _text(findings))
        if self.repair is not None:
            say(f"{self.repair}: {done}")
            if removed:
                say(f"{self.repair}: {removed}")
        return SOME_REFUSED if findings.broken else DONE

    def _check_folder(self, path: Path, progress: Progress) -> Findings:
        name = folder_format(path)
        if name == "parts":
            expected = "expected annotations; amodal data convert makes a file of it, --to amodal, which can be checked"
            raise InputError(str(path), "folder", "holds parts of results", expected)
        if name not in FOLDERS:
            files = ", ".join(str(part.annotations) for part in parts_of(path, None))
            raise InputError(str(path), "folder", f"is one of {name}", f"expected one of its files: {files}")
        if name != "kitti" and self.repair is not None:
            expected = "expected check without it: what it lists must be drawn or saved again"
            raise InputError("check", "--repair", f"cannot mend the pictures of {name}", expected)
        return FOLDERS[name](path, self.images, progress)


def _listed(what: str, names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} {what}: {'; '.join(names[:most])}{more}" if names else ""


def _as_json(findings: Findings) -> dict[str, object]:
    return {
        "file": findings.file,
        "layout": findings.layout,
        "photos": findings.photos,
        "annotations": findings.annotations,
        "broken": findings.broken,
        "doubtful": len(findings.problems) - findings.broken,
        "kinds": findings.kinds,
        "problems": [asdict(problem) for problem in findings.problems],
    }


def _text(findings: Findings) -> str:
    lines = [problem.text() for problem in findings.problems]
    said = f"{findings.file}: {findings.layout}, {findings.photos} photos, {findings.annotations} annotations: "
    said += f"{findings.broken} broken, {len(findings.problems) - findings.broken} doubtful"
    return "\n".join([*lines, said, *(f"  {count:6} {kind}" for kind, count in findings.kinds.items())])
