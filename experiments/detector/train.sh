#!/usr/bin/env bash
# The detector that comes with the package: ASN, from the ASN of the network family, on real photos and street scenes.
#     experiments/detector/train.sh DATA BACKGROUNDS SCENES MODELS [AMODAL]
# DATA holds annotations.json and images/, SCENES what experiments/network_family/scenes.sh makes, MODELS what train.sh
# there makes. The chance that an object is occluded is calibrated on 240 scenes that it has not seen.
set -euo pipefail
data=$1 backgrounds=$2 scenes=$3 models=$4 amodal=${5:-amodal}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
mkdir -p "$models/work"
"$amodal" train asn --data "$data/annotations.json" "$scenes/train/scenes.json" --images "$data/images" "$scenes/train" \
  --classes person car truck bus motorcycle bicycle --init "$models/asn-seed0.safetensors" --rare-share 0.1 --steps "${STEPS:-4000}" \
  --batch 2 --rate 5e-4 --work "$models/work" --out "$models/detector.safetensors"
[ -d "$scenes/calibration" ] || "$amodal" challenge --objects "$data/annotations.json" --images "$data/images" \
  --backgrounds "$backgrounds" --background-names 'camvid_*' --scenario street --layout ground \
  --classes car person truck --split train --background-part train --scenes 240 --seed 6 --out "$scenes/calibration"
"$amodal" calibrate "$models/detector.safetensors" --data "$scenes/calibration/scenes.json" --out "$models/detector.safetensors"
