#!/usr/bin/env bash
# The networks that run.py compares: every one with seed 0, Mask R-CNN and Mask R-CNN + ASN with seeds 0 to 2.
#     experiments/network_family/train.sh SCENES MODELS [AMODAL]
# The same data, steps, batch and rate for all. Runs one after the other on one thread; what is finished is not begun
# again, what was stopped goes on. STEPS, and DEVICE=cuda where there is a GPU, give longer runs.
set -euo pipefail
scenes=$1 models=$2 amodal=${3:-amodal}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
mkdir -p "$models/work"
for job in amodal-mask-rcnn:0 asn:0 orcnn:0 panet:0 panet-asn:0 mnc:0 fcis:0 amodal-mask:0 \
  amodal-mask-rcnn:1 asn:1 amodal-mask-rcnn:2 asn:2; do
  name=${job%:*} seed=${job#*:} out=$models/${job/:/-seed}.safetensors
  [ -f "$out" ] || "$amodal" train "$name" --data "$scenes/train" --steps "${STEPS:-1200}" --batch 2 --rate 1e-3 \
    --seed "$seed" --work "$models/work" --device "${DEVICE:-cpu}" --out "$out"
done
