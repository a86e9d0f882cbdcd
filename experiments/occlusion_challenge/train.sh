#!/usr/bin/env bash
# What run.py compares, seeds 0 to 2: the compositional model, the three rivals and the student, the last from the same
# photos but those held out for hand-drawn cars.
#     experiments/occlusion_challenge/train.sh DATA BACKGROUNDS MODELS [AMODAL]
# Runs one after the other, on one thread each; what is finished is not begun again, what was stopped goes on.
set -euo pipefail
data=$1 backgrounds=$2 models=$3 amodal=${4:-amodal}
export OMP_NUM_THREADS=1
mkdir -p "$models/work"
held=$models/annotations.json
python "$(dirname "$0")/../splits/make.py" --data "$data" --out "$held"
for seed in 0 1 2; do
  for name in compnet mask-rcnn bbtp pcnet-m; do
    out=$models/$name-seed$seed.safetensors
    [ -f "$out" ] && continue
    if [ "$name" = compnet ]; then command=(learn); else command=(train "$name"); fi
    "$amodal" "${command[@]}" --data "$data/annotations.json" --images "$data/images" --backgrounds "$backgrounds" \
      --seed "$seed" --work "$models/work" --out "$out"
  done
  out=$models/student-seed$seed.safetensors
  [ -f "$out" ] || "$amodal" learn --data "$held" --images "$data/images" --backgrounds "$backgrounds" \
    --background-part train --seed "$seed" --work "$models/work" --out "$out" --student
done
