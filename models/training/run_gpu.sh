#!/bin/bash
# The GPU machine's commands, each under 10 minutes, one after another: run_gpu.sh STAGE, in models/training, with $W a folder that
# holds shards/ and tokenizer.json and keeps what a stage leaves for the next. Not yet run on a GPU.
#
#   stage     minutes   what
#   prepare   5         shards -> token files, on all cores
#   target    9         twice: --plan-minutes 17 over both (model for the plan: 30 minutes in all target-80m or -100m, 60: target-130m)
#   draft     7         samples and distillation
#   finish    2         export and pieces of 16 MiB in $OUT
set -euo pipefail
: "${W:?a folder for the run}"
shape=${TARGET_SHAPE:-target-100m}
case "${1:-}" in
  prepare) timeout 590 python3 prepare.py --tokenizer "$W/tokenizer.json" --out "$W/data" "$W"/shards/*.xz ;;
  target) timeout 590 python3 train.py "$W/target" --shape "$shape" --data "$W/data" --plan-minutes 17 --minutes 8.5 ;;
  draft)
    timeout 150 python3 sample.py --target "$W/target.pt" --data "$W/data" --out "$W/mixed" --minutes 1
    timeout 420 python3 distill.py "$W/draft" --target "$W/target.pt" --data "$W/mixed" --batch 16 --accumulate 4 --plan-minutes 5 --minutes 5 ;;
  finish)
    : "${OUT:?a folder for the results}"
    for model in target draft; do
      python3 to_gguf.py "$W/$model.pt" "$W/tokenizer.json" "$W/$model.gguf" --title "Octet default $model"
      python3 pieces.py split "$W/$model.gguf" "$OUT"
      cp "$W/$model.log.jsonl" "$OUT"
    done ;;
  *) echo "run_gpu.sh prepare | target | draft | finish" >&2; exit 2 ;;
esac
