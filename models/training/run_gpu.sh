#!/bin/bash
# The run on a rented GPU machine, stage by stage: run_gpu.sh STAGE. The machine is lent for 30 minutes, in commands of at most 10;
# about 50 MiB of files go in with a command, 64 MiB in 8 files of 16 come back; it has PyTorch and a C++ compiler, and no network.
# What a stage leaves in $W (default: run/ here, ignored by git) is there for the next.
#
#   where  stage          minutes   what
#   here   pack CORPUS    1         fills $W with what has to be carried: shards, tokenizer, a sample of held-out files
#   there  prepare        0.5       once with each folder $W/shards/N carried: shards -> token files, on all cores
#   there  target         9         again until it says that the plan is over
#   there  draft          6         samples of the target, distillation
#   there  finish         2         evaluation, GGUF files in pieces; then `take 0` by itself
#   there  take N         0.3       the N-th part of the results into $OUT; it says how many there are
#   here   join FOLDER..  0.1       the pieces of all parts -> $W/target.gguf and $W/draft.gguf
#
# The target trains for what the lease leaves after the other stages. Settings for a rehearsal: rehearse.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
W=${W:-$PWD/run}
python=${PYTHON:-python3}
lease=${LEASE_MINUTES:-27}                 # from the first stage on; the rest of the 30 goes to the machine's start
later=${LATER_MINUTES:-9.5}                # kept for draft, finish, take and the pauses between commands
mkdir -p "$W"

take() {
  : "${OUT:?a folder for the results}"
  "$python" pieces.py take "$W/out" "$OUT" "$1" --mib "${TAKE_MIB:-60}"
}

case "${1:-}" in
  pack)
    corpus=${2:?the folder that corpus/build.py wrote}
    rm -rf "$W/shards" "$W/heldout" && mkdir -p "$W"
    "$python" pieces.py spread "$corpus/shards" "$W/shards" --mib "${CARRY_MIB:-36}"
    cp "${TOKENIZER:-tokenizer.json}" "$W/tokenizer.json"
    "$python" heldout.py "$corpus/heldout" "$W/heldout" --limit "${HELDOUT_FILES:-60}"
    tar -C "$W" -cJf "$W/heldout.tar.xz" heldout
    du -ch "$W"/shards/* "$W/tokenizer.json" "$W/heldout.tar.xz" ;;
  prepare)
    [ -f "$W/began" ] || date +%s > "$W/began"
    timeout 590 "$python" prepare.py --tokenizer "$W/tokenizer.json" --out "$W/data" "$W"/shards/*/*.xz ;;
  target)
    began=$(cat "$W/began")
    [ -f "$W/plan" ] || echo "$lease $later $began $(date +%s)" |
      awk '{ m = $1 - $2 - ($4 - $3) / 60; print (m > 0.1 ? m : 0.1) }' > "$W/plan"
    timeout 596 "$python" train.py "$W/target" --shape "${TARGET_SHAPE:-target-100m}" --data "$W/data" --batch 16 --accumulate 4 --muon-rate 0.015 \
      --plan-minutes "$(cat "$W/plan")" --minutes "${TARGET_MINUTES:-9.2}" --save-minutes 5 ${TARGET_FLAGS:-} ;;
  draft)
    timeout 150 "$python" sample.py --target "$W/target.pt" --data "$W/data" --out "$W/mixed" \
      --minutes "${SAMPLE_MINUTES:-0.7}" ${SAMPLE_FLAGS:-}
    timeout 440 "$python" distill.py "$W/draft" --shape "${DRAFT_SHAPE:-draft-10m}" --target "$W/target.pt" --data "$W/mixed" \
      --batch 16 --accumulate 2 --plan-minutes "${DRAFT_MINUTES:-4}" --minutes "${DRAFT_MINUTES:-4}" --save-minutes 20 ${DRAFT_FLAGS:-} ;;
  finish)
    rm -rf "$W/out" && mkdir -p "$W/out"
    declare -A title=([target]=octet-coder-100M [draft]=octet-coder-10M-draft)
    for model in target draft; do
      "$python" to_gguf.py "$W/$model.pt" "$W/tokenizer.json" "$W/$model.gguf" --title "${title[$model]}"
      "$python" pieces.py split "$W/$model.gguf" "$W/out" --mib "${PIECE_MIB:-15.9}"
      cp "$W/$model.log.jsonl" "$W/out"
    done
    [ -d "$W/heldout" ] || tar -C "$W" -xJf "$W/heldout.tar.xz"
    timeout 300 "$python" evaluate.py --target "$W/target.pt" --draft "$W/draft.pt" --tokenizer "$W/tokenizer.json" \
      --files "$W/heldout" --out "$W/out/evaluation.json"
    take 0 ;;
  take) take "${2:?which part}" ;;
  join)
    shift
    mkdir -p "$W/out"
    for folder in "$@"; do cp "$folder"/* "$W/out/"; done
    for model in target draft; do
      "$python" pieces.py join "$W/out/$model.gguf.json" "$W/$model.gguf"
      cp "$W/out/$model.log.jsonl" "$W/"
    done
    cp "$W/out/evaluation.json" "$W/" ;;
  *) echo "run_gpu.sh pack CORPUS | prepare | target | draft | finish | take N | join FOLDER..." >&2; exit 2 ;;
esac
