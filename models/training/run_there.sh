# The stages of run_gpu.sh on the GPU machine, which it sources: token files, probe, target, draft, evaluation, taking home.
lease=${LEASE_MINUTES:-27}                 # the rest of the 30 goes to the machine's start
later=${LATER_MINUTES:-9}                  # kept for draft, finish and the pauses between commands
last=${FINISH_MINUTES:-2.5}                # of these, what comes after the draft
export TORCHINDUCTOR_CACHE_DIR=$W/compiled TRITON_CACHE_DIR=$W/compiled/triton
target=(--shape "${TARGET_SHAPE:-target-100m}" --batch 16 --accumulate 4 --muon-rate 0.015)
draft=(--shape "${DRAFT_SHAPE:-draft-10m}" --batch 16 --accumulate 2)

sum() { awk "BEGIN { x = $1; printf \"%.3f\", x }"; }
least() { sum "($1) < ($2) ? ($1) : ($2)"; }
most() { sum "($1) > ($2) ? ($1) : ($2)"; }
now() { date +%s; }
ends_in() { sum "$(now) + $1" > "$W/ends"; }
left() { sum "$(cat "$W/ends") - $(now) - 60 * $1"; }       # seconds until the machine goes, but for these minutes
compiled() { cat "$W/compile" 2> /dev/null || echo auto; }

# SECONDS COMMAND...: asked to end then. In this process group: what kills the call kills it, and nothing trains beside the next call.
limited() { timeout --foreground --kill-after=5 "$@"; }

# MINUTES PROGRAM...: where it fails, as by an error of the device, again from its checkpoint; from the second time on uncompiled.
train() {
  local stop minutes code failures=0
  stop=$(sum "$(now) + 60 * $1") && shift
  while minutes=$(sum "($stop - $(now)) / 60") && [ "${minutes:0:1}" != - ]; do
    limited "$(sum "60 * $minutes + 25")" "$python" "$@" --minutes "$minutes" --compile "$(compiled)" && return
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

stage_prepare() {
  if [ ! -f "$W/probe.log" ] && [ -z "${NO_PROBE:-}" ]; then
    setsid bash "$PWD/run_gpu.sh" probe > "$W/probe.log" 2>&1 < /dev/null & echo $! > "$W/probe.pid"
  fi
  timeout 590 "$python" prepare.py --tokenizer "$W/tokenizer.json" --out "$W/data" "$W"/shards/*/*.xz
  tail -n 3 "$W/probe.log" 2> /dev/null || true
}

# SECONDS FLAG...: a few steps of the target on random tokens.
probe_target() {
  limited "$1" "$python" train.py "$W/probe/target" --data "$W/probe" "${target[@]}" ${TARGET_FLAGS:-} --report 3 --warmup 3 "${@:2}"
}

stage_probe() {
  nvidia-smi 2> /dev/null | head -15 || true
  rm -rf "$W/probe" && mkdir -p "$W/probe"
  "$python" probe.py "$W/probe" "${target[1]}"
  if ! probe_target "${PROBE_SECONDS:-150}" --steps 6 | tee "$W/probe/log" || grep -q uncompiled "$W/probe/log"; then
    echo no > "$W/compile"
    echo "compiling does not work here, or takes too long: done without"
    probe_target 60 --steps 9 --compile no
  fi
  limited 60 "$python" sample.py --target "$W/probe/target.pt" --data "$W/probe" --out "$W/probe/mixed" --minutes 0 ${SAMPLE_FLAGS:-}
  limited 90 "$python" distill.py "$W/probe/draft" --target "$W/probe/target.pt" --data "$W/probe/mixed" "${draft[@]}" ${DRAFT_FLAGS:-} \
    --steps 6 --report 3 --warmup 3 --compile "$(compiled)"
  rm -rf "$W/probe"
}

stage_target() {
  local code=0 until
  probed
  until=$(sum "$(cat "$W/ends") - 60 * $later")
  train "${TARGET_MINUTES:-9.3}" train.py "$W/target" --data "$W/data" "${target[@]}" --until "$until" --save-minutes 3 ${TARGET_FLAGS:-} || code=$?
  logs
  return $code
}

stage_draft() {
  local code=0 exporting mixed=$W/mixed minutes
  probed
  export_model target > "$W/export.log" 2>&1 & exporting=$!
  if [ ! -f "$W/draft.pt" ] || [ ! -f "$mixed/meta.json" ]; then
    minutes=$(least "${SAMPLE_MINUTES:-0.7}" "0.13 * $(left "$last") / 60")
    limited 150 "$python" sample.py --target "$W/target.pt" --data "$W/data" --out "$mixed" --minutes "$minutes" ${SAMPLE_FLAGS:-} \
      || { echo "no samples: on the corpus alone"; mixed=$W/data; }
  fi
  minutes=$(least "${DRAFT_MINUTES:-4.2}" "$(most "$(left "$last") / 60" 0.5)")
  train 7 distill.py "$W/draft" --target "$W/target.pt" --data "$mixed" "${draft[@]}" --until "$(sum "$(now) + 60 * $minutes")" \
    --save-minutes 1.5 ${DRAFT_FLAGS:-} || code=$?
  logs
  wait $exporting && tail -n 1 "$W/export.log"
  [ -z "${OUT:-}" ] || take 0
  return $code
}

stage_finish() {
  [ -f "$W/out/target.gguf.json" ] || export_model target
  export_model draft
  [ -d "$W/heldout" ] || "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$W/heldout.tar.xz" "$W"
  limited "$(most 20 "$(least 300 "$(left 0.75)")")" "$python" evaluate.py --target "$W/target.pt" --draft "$W/draft.pt" \
    --tokenizer "$W/tokenizer.json" --files "$W/heldout" --out "$W/out/evaluation.json" || echo "no evaluation: its time is up, or it failed"
  take 1
}

stage_take() { take "${1:?which part}"; }

[ -z "${LEFT:-}" ] || ends_in "$LEFT"
[ -f "$W/ends" ] || ends_in "60 * $lease"
