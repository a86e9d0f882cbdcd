"""Layout `free` tells nothing of the order: how often rules of geometry are right over at least 2,000 pairs.

python experiments/occlusion_challenge/rules.py --data DIR --backgrounds DIR --work DIR
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import date
from pathlib import Path

from amodal.challenge import ChallengeConfig, generate
from amodal.data.truth import read_truth
from amodal.evaluation.order import RULES, rule_scores

SCENES = {"two": 2000, "four": 480}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotations.json and images/")
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("rules.json"))
    arguments = parser.parse_args()
    found = {}
    for scenario, scenes in SCENES.items():
        config = ChallengeConfig(
            objects=arguments.data / "annotations.json",
            images=arguments.data / "images",
            backgrounds=arguments.backgrounds,
            scenario=scenario,
            scenes=scenes,
            seed=2,
            split="val",
            classes=("car",),
            background_part="test",
        )
        summary = generate(config, arguments.work / f"rules-{scenario}")
        truths = read_truth(arguments.work / f"rules-{scenario}" / "scenes.json")
        rules = {name: rule_scores(truths, rule).to_json() for name, rule in RULES.items()}
        found[scenario] = {"scenes": scenes, "levels": dict(summary.levels), "seconds": summary.seconds, "rules": rules}
        print(scenario, {name: (row["pairs"], row["accuracy"]) for name, row in rules.items()})
    result = {
        "command": "python experiments/occlusion_challenge/rules.py --data DIR --backgrounds DIR --work DIR",
        "date": date.today().isoformat(),
        "seed": 2,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "scenarios": found,
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
