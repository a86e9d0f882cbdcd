#!/usr/bin/env bash
# The street scenes that the family learns from and is scored on: 2,400 of train objects, 300 of val objects.
#     experiments/network_family/scenes.sh DATA BACKGROUNDS SCENES [AMODAL]
# DATA holds annotations.json and images/. Classes are those of which the val split has whole objects.
set -euo pipefail
data=$1 backgrounds=$2 scenes=$3 amodal=${4:-amodal}
make() {
  "$amodal" challenge --objects "$data/annotations.json" --images "$data/images" --backgrounds "$backgrounds" \
    --background-names 'camvid_*' --scenario street --layout ground --classes car person truck "$@"
}
make --split train --background-part train --scenes 2400 --seed 1 --out "$scenes/train"
make --split val --background-part test --scenes 300 --seed 2 --out "$scenes/val"
