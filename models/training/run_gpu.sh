#!/bin/bash
# The run on a rented GPU machine, stage by stage: run_gpu.sh STAGE. The machine is lent for 30 minutes, in commands of at most 10;
# 64 MiB go in with a command, the checkout included, and 64 MiB in 8 files of 16 come back in $OUT; it has PyTorch and a C++ compiler,
# and no network. What a stage leaves in $W (default: run/ here, ignored by git) is there for the next.
#
#   where  stage          minutes   what
#   here   pack CORPUS    1         fills $W with what has to be carried: shards, tokenizer, a sample of held-out files
#   there  prepare        0.3       once with each folder $W/shards/N carried: shards -> token files, on all cores. The first starts
#                                   `probe` in the background: a few steps of everything on random tokens, which fills the compiler's
#                                   caches and says how fast it is and whether compiling works
#   there  target         9.5       again until it says that the plan is over
#   there  draft          5.5       samples of the target, distillation; the target's first pieces into $OUT
#   there  finish         1.5       evaluation, GGUF files in pieces; the rest into $OUT
#   there  take N         0.3       the N-th part of the results into $OUT once more
#   here   join FOLDER..  0.1       what came back, in the order of the calls -> $W/target.gguf and $W/draft.gguf
#
# LEFT=SECONDS before any of them says how long the machine is there for; else it is LEASE_MINUTES from the first `prepare` on. The target
# trains for what that leaves after the other stages. Settings for a rehearsal: rehearse.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
W=${W:-$PWD/run}
python=${PYTHON:-python3}
lease=${LEASE_MINUTES:-27}                 # the rest of the 30 goes to the machine's start
later=${LATER_MINUTES:-9}                  # kept for draft, finish and the pauses between commands
last=${FINISH_MINUTES:-2.5}                # of these, what comes after the draft
mkdir -p "$W"
export W PYTHONUNBUFFERED=1 TORCHINDUCTOR_CACHE_DIR=$W/compiled TRITON_CACHE_DIR=$W/compiled/triton
target=(--shape "${TARGET_SHAPE:-target-100m}" --batch 16 --accumulate 4 --muon-rate 0.015)
draft=(--shape "${DRAFT_SHAPE:-draft-10m}" --batch 16 --accumulate 2)

sum() { awk "BEGIN { printf \"%.3f\", $1 }"; }
least() { awk "BEGIN { a = $1; b = $2; printf \"%.3f\", a < b ? a : b }"; }
now() { date +%s; }
ends_in() { sum "$(now) + $1" > "$W/ends"; }

# train MINUTES PROGRAM...: where it fails, as by an error of the device, again from its checkpoint; from the second time on uncompiled.
train() {
  local stop minutes code failures=0
  stop=$(sum "$(now) + 60 * $1") && shift
  while minutes=$(sum "($stop - $(now)) / 60") && [ "${minutes:0:1}" != - ]; do
    timeout --kill-after=5 "$(sum "60 * $minutes + 25")" "$python" "$@" --minutes "$minutes" --compile "$(cat "$W/compile" 2> /dev/null || echo auto)" && return
    code=$?
    [ $((failures += 1)) -lt 2 ] || echo no > "$W/compile"
    echo "exit code $code: again, from the last checkpoint"
    sleep 1
  done
  return 1
}

take() {
  : "${OUT:?a folder for the results}"
  "$python" pieces.py take "$W/out" "$OUT" "$1" --mib "${TAKE_MIB:-61}"
}
logs() { [ -z "${OUT:-}" ] || cp "$W"/*.log.jsonl "$OUT" 2> /dev/null || true; }

# The GGUF file of a model and its pieces, for which `take` keeps the order in which they came to be.
export_model() {
  local title=octet-coder-100M
  [ "$1" = target ] || title=octet-coder-10M-draft
  mkdir -p "$W/out" && rm -f "$W/out/$1".gguf.*
  "$python" to_gguf.py "$W/$1.pt" "$W/tokenizer.json" "$W/$1.gguf" --title $title
  "$python" pieces.py split "$W/$1.gguf" "$W/out" --mib "${PIECE_MIB:-15}"
}

# What the probe said, once it is done.
probed() {
  [ -f "$W/probe.pid" ] || return 0
  for _ in $(seq 200); do kill -0 "$(cat "$W/probe.pid")" 2> /dev/null || break; sleep 1; done
  echo "probe:" && tail -n 14 "$W/probe.log"
  rm -f "$W/probe.pid"
}

[ -z "${LEFT:-}" ] || ends_in "$LEFT"
case "${1:-}" in
  pack)
    corpus=${2:?the folder that corpus/build.py wrote}
    rm -rf "$W/shards" "$W/heldout" && mkdir -p "$W"
    "$python" pieces.py spread "$corpus/shards" "$W/shards" --mib "${CARRY_MIB:-44}"
    cp "${TOKENIZER:-tokenizer.json}" "$W/tokenizer.json"
    "$python" heldout.py "$corpus/heldout" "$W/heldout" --limit "${HELDOUT_FILES:-60}"
    tar -C "$W" -cJf "$W/heldout.tar.xz" heldout
    du -ch "$W"/shards/* "$W/tokenizer.json" "$W/heldout.tar.xz"
    largest=$(du -cb "$W"/shards/* "$W/tokenizer.json" "$W/heldout.tar.xz" | sort -n | tail -2 | head -1 | cut -f1)
    checkout=$(cd ../.. && git ls-files -zco --exclude-standard | du -cb --files0-from=- | tail -1 | cut -f1)
    awk "BEGIN { m = ($largest + $checkout) / 1048576 + 1.5; printf \"largest call: %.1f MiB with the checkout\\n\", m; exit m > 64 }" ;;
  prepare)
    [ -f "$W/ends" ] || ends_in "60 * $lease"
    if [ ! -f "$W/probe.log" ] && [ -z "${NO_PROBE:-}" ]; then
      setsid bash "$PWD/run_gpu.sh" probe > "$W/probe.log" 2>&1 < /dev/null & echo $! > "$W/probe.pid"
    fi
    timeout 590 "$python" prepare.py --tokenizer "$W/tokenizer.json" --out "$W/data" "$W"/shards/*/*.xz
    tail -n 3 "$W/probe.log" 2> /dev/null || true ;;
  probe)
    nvidia-smi 2> /dev/null | head -15 || true
    rm -rf "$W/probe" && mkdir -p "$W/probe"
    "$python" probe.py "$W/probe" "${target[1]}"
    if ! timeout --kill-after=5 "${PROBE_SECONDS:-150}" "$python" train.py "$W/probe/target" --data "$W/probe" "${target[@]}" ${TARGET_FLAGS:-} \
         --steps 6 --report 3 --warmup 3 | tee "$W/probe/log" || grep -q uncompiled "$W/probe/log"; then
      echo no > "$W/compile"
      echo "compiling does not work here, or takes too long: done without"
      timeout 60 "$python" train.py "$W/probe/target" --data "$W/probe" "${target[@]}" ${TARGET_FLAGS:-} --steps 9 --report 3 --compile no
    fi
    timeout 60 "$python" sample.py --target "$W/probe/target.pt" --data "$W/probe" --out "$W/probe/mixed" --minutes 0 ${SAMPLE_FLAGS:-}
    timeout 90 "$python" distill.py "$W/probe/draft" --target "$W/probe/target.pt" --data "$W/probe/mixed" "${draft[@]}" ${DRAFT_FLAGS:-} --steps 6 --report 3 \
      --warmup 3 --compile "$(cat "$W/compile" 2> /dev/null || echo auto)"
    rm -rf "$W/probe" ;;
  target)
    probed
    until=$(sum "$(cat "$W/ends") - 60 * $later")
    code=0
    train "${TARGET_MINUTES:-9.3}" train.py "$W/target" --data "$W/data" "${target[@]}" --until "$until" --save-minutes 3 ${TARGET_FLAGS:-} || code=$?
    logs
    exit $code ;;
  draft)
    probed
    export_model target > "$W/export.log" 2>&1 & exporting=$!
    left=$(sum "($(cat "$W/ends") - $(now)) / 60 - $last")
    mixed=$W/mixed
    [ -f "$W/draft.pt" ] && [ -f "$mixed/meta.json" ] || timeout --kill-after=5 150 "$python" sample.py --target "$W/target.pt" --data "$W/data" \
      --out "$mixed" --minutes "$(least "${SAMPLE_MINUTES:-0.7}" "0.13 * $left")" ${SAMPLE_FLAGS:-} || { echo "no samples: on the corpus alone"; mixed=$W/data; }
    left=$(sum "($(cat "$W/ends") - $(now)) / 60 - $last")
    minutes=$(least "${DRAFT_MINUTES:-4.2}" "$left > 0.5 ? $left : 0.5")
    code=0
    train 7 distill.py "$W/draft" --target "$W/target.pt" --data "$mixed" "${draft[@]}" --until "$(sum "$(now) + 60 * $minutes")" --save-minutes 1.5 \
      ${DRAFT_FLAGS:-} || code=$?
    logs
    wait $exporting && tail -n 1 "$W/export.log"
    [ -z "${OUT:-}" ] || take 0
    exit $code ;;
  finish)
    [ -f "$W/out/target.gguf.json" ] || export_model target
    export_model draft
    [ -d "$W/heldout" ] || "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$W/heldout.tar.xz" "$W"
    seconds=$(least 300 "$(cat "$W/ends") - $(now) - 45")
    timeout --kill-after=5 "$(least "-$seconds" -20 | tr -d -)" "$python" evaluate.py --target "$W/target.pt" --draft "$W/draft.pt" \
      --tokenizer "$W/tokenizer.json" --files "$W/heldout" --out "$W/out/evaluation.json" || echo "no evaluation: its time is up, or it failed"
    take 1 ;;
  take) take "${2:?which part}" ;;
  join)
    shift
    mkdir -p "$W/out"
    for folder in "$@"; do find "$folder" -maxdepth 1 -type f -exec cp {} "$W/out/" \;; done
    for model in target draft; do
      "$python" pieces.py join "$W/out/$model.gguf.json" "$W/$model.gguf"
      cp "$W/out/$model.log.jsonl" "$W/" || echo "no curve of the $model came back"
    done
    cp "$W/out/evaluation.json" "$W/" || echo "no evaluation came back: check_export.py and the report have to do without" ;;
  *) echo "run_gpu.sh pack CORPUS | prepare | probe | target | draft | finish | take N | join FOLDER..." >&2; exit 2 ;;
esac
