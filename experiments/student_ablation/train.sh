#!/usr/bin/env bash
# The models of rows.txt, seed 0, from the train split without the held-out hand-drawn cars.
#     experiments/student_ablation/train.sh DATA BACKGROUNDS MODELS [AMODAL]
# One after the other, on one thread; what is finished is not begun again, what was stopped goes on.
set -euo pipefail
data=$1 backgrounds=$2 models=$3 amodal=${4:-amodal}
export OMP_NUM_THREADS=1
mkdir -p "$models/work"
python "$(dirname "$0")/../splits/make.py" --data "$data" --out "$models/annotations.json"
learn() {  # name, options
  local out=$models/$1.safetensors
  shift
  [ -f "$out" ] && return
  "$amodal" learn --data "$models/annotations.json" --images "$data/images" --backgrounds "$backgrounds" \
    --background-part train --work "$models/work" --out "$out" "$@"
}
learn compnet
learn student --student
short=(--student --student.box-steps 0 --student.steps 300)
learn short "${short[@]}"
learn teacher-plain "${short[@]}" --student.teacher none
learn coarse "${short[@]}" --student.widths 96 64
learn no-hints "${short[@]}" --student.inputs.no-maps --student.inputs.no-others
