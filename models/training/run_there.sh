# The stages of run_gpu.sh on the GPU machine, which it sources: token files, probe, target, draft, evaluation, taking home.
lease=${LEASE_MINUTES:-13}                 # the rest of the 15 goes to the machine's start
later=${LATER_MINUTES:-3.8}                # kept for export, draft, finish, the way home and the pause between commands
last=${FINISH_MINUTES:-1.2}                # of these, what comes after the draft
call=${CALL_MINUTES:-9.7}                  # of one command, which is ended at 10
export TORCHINDUCTOR_CACHE_DIR=$W/compiled TRITON_CACHE_DIR=$W/compiled/triton
target=(--shape "${TARGET_SHAPE:-target-80m}" --batch 16 --accumulate 4 --muon-rate 0.015)
draft=(--shape "${DRAFT_SHAPE:-draft-10m}" --batch 16 --accumulate 1 --warmup 40 --report 100)

sum() { awk "BEGIN { x = $1; printf \"%.3f\", x }"; }
least() { sum "($1) < ($2) ? ($1) : ($2)"; }
most() { sum "($1) > ($2) ? ($1) : ($2)"; }
now() { date +%s; }
ends_in() { sum "$(now) + $1" > "$W/ends"; }
left() { sum "$(cat "$W/ends") - $(now) - 60 * $1"; }       # seconds until the machine goes, but for these minutes
compiled() { cat "$W/compile" 2> /dev/null || echo auto; }

# SECONDS COMMAND...: asked to end then. In this process group: what kills the call kills it, and nothing trains beside the next call.
limited() { timeout --foreground --kill-after=5 "$@"; }

# NAME: when its checkpoint was written; nothing where there is none.
saved_at() { stat -c %y "$1.pt" 2> /dev/null || true; }

# MINUTES PROGRAM NAME FLAG...: where it fails, as by an error of the device, again from its checkpoint; from the second time on uncompiled.
# What has failed five times without a new checkpoint would do so until the machine goes, and so would what is refused: exit code 2, which
# these programs have for what they were given alone, and before the first step (inputs.py, loop.py).
train() {
  local stop minutes code failures=0 idle=0 saved
  stop=$(sum "$(now) + 60 * $1") && shift
  while minutes=$(sum "($stop - $(now)) / 60") && [ "${minutes:0:1}" != - ]; do
    saved=$(saved_at "$2")
    limited "$(sum "60 * $minutes + 25")" "$python" "$@" --minutes "$minutes" --compile "$(compiled)" && return
    code=$?
    [ $code != 2 ] || { echo "exit code 2: given up, since $1 would refuse the same again"; return 2; }
    [ $((failures += 1)) -lt 2 ] || echo no > "$W/compile"
    [ "$(saved_at "$2")" = "$saved" ] || idle=0
    [ $((idle += 1)) -lt 5 ] || { echo "exit code $code: given up, $1 has failed $idle times without a new checkpoint"; return 1; }
    echo "exit code $code: again, from the last checkpoint"
    sleep 1
  done
  return 1
}

limits=(--mib "${TAKE_MIB:-61}" --files 8)   # of all that a command brings back

# N: a part of the results, or "next" for what has not been taken: of both as much as fits beside what $OUT holds already.
take() {
  local model came=
  : "${OUT:?a folder for the results}"
  if [ "$1" = next ]; then
    for model in target draft; do
      [ -f "$W/curve.$model.stays" ] || continue
      take_curve $model
      [ -f "$W/curve.$model.stays" ] || came=yes
    done
  fi
  "$python" pieces.py take "$W/out" "$OUT" "$1" --taken "$W/taken" "${limits[@]}" || [ -n "$came" ]
}
# NAME: a model's curve. Of one model with a command: few files travel. One for which there is no room comes with the next `take next`.
take_curve() {
  local curve=$W/$1.log.jsonl stays=$W/curve.$1.stays
  if [ -z "${OUT:-}" ] || [ ! -f "$curve" ]; then return 0; fi
  if "$python" pieces.py put "$curve" "$OUT" "${limits[@]}"; then rm -f "$stays"; else touch "$stays"; fi
}

# The GGUF file of a model and its pieces, for which `take` keeps the order in which they came to be. From the first part on that held some of
# an earlier file of it, what was taken has to be taken again.
export_model() {
  local title=octet-coder-80M
  [ "$1" = target ] || title=octet-coder-10M-draft
  mkdir -p "$W/out" && rm -f "$W/out/$1".gguf.*
  [ ! -f "$W/taken" ] || sed -i "/\b$1\.gguf\./,\$d" "$W/taken"
  "$python" to_gguf.py "$W/$1.pt" "$W/tokenizer.json" "$W/$1.gguf" --title $title || return
  "$python" pieces.py split "$W/$1.gguf" "$W/out" --mib "${PIECE_MIB:-15}"
}

exported() { [ -f "$W/out/$1.gguf.json" ] && [ ! "$W/$1.pt" -nt "$W/out/$1.gguf.json" ]; }

# NAME: the checkpoint to go on from, where `pack` was given a pair (FROM) and its pieces have come. Else the model begins anew.
begin_from() {
  local from=$W/from/$1.gguf.json
  mkdir -p "$W/from"
  find "$W/shards" -name '*.gguf.*' -exec ln -f {} "$W/from/" \; 2> /dev/null || true
  if [ -f "$W/$1.pt" ] || ! ls "$W"/from/*.gguf.* > /dev/null 2>&1; then return 0; fi
  [ -f "$from" ] || { echo "$1.gguf.json is missing: carry every folder of shards first"; return 1; }
  "$python" pieces.py join "$from" "$W/from/$1.gguf" && "$python" from_gguf.py "$W/from/$1.gguf" "$W/$1.pt"
}

# What the probe said of a model, once. Waits for what tries the target; the rest of it goes on while the target trains.
probed() {
  if [ ! -f "$W/probe.pid" ] || [ -f "$W/told.$1" ]; then return 0; fi
  for _ in $(seq 200); do
    [ ! -f "$W/probed.$1" ] && kill -0 "$(cat "$W/probe.pid")" 2> /dev/null || break
    sleep 1
  done
  echo "probe:" && tail -n 14 "$W/probe.log"
  touch "$W/told.$1"
}

stage_prepare() {
  if [ ! -f "$W/probe.log" ] && [ -z "${NO_PROBE:-}" ]; then
    setsid bash "$PWD/run_gpu.sh" probe > "$W/probe.log" 2>&1 < /dev/null & echo $! > "$W/probe.pid"
  fi
  local shards
  mapfile -t shards < <(find "$W/shards" -name '*.xz' 2> /dev/null | sort)
  if [ ${#shards[@]} -gt 0 ]; then
    timeout 590 "$python" prepare.py --tokenizer "$W/tokenizer.json" --out "$W/data" "${shards[@]}"
  else
    echo "no shards in $W/shards: nothing to prepare"
  fi
  tail -n 3 "$W/probe.log" 2> /dev/null || true
}

# SECONDS FLAG...: a few steps of the target on random tokens.
probe_target() {
  limited "$1" "$python" train.py "$W/probe/target" --data "$W/probe" "${target[@]}" ${TARGET_FLAGS:-} --report 3 --warmup 3 "${@:2}"
}

stage_probe() {
  local code=0
  nvidia-smi 2> /dev/null | head -15 || true
  rm -rf "$W/probe" && mkdir -p "$W/probe"
  "$python" probe.py "$W/probe" "${target[1]}"
  probe_target "${PROBE_SECONDS:-120}" --steps 6 | tee "$W/probe/log" || code=$?
  [ $code != 2 ] || return 2                   # refused: that says nothing of compiling
  if [ $code != 0 ] || grep -q uncompiled "$W/probe/log"; then
    echo no > "$W/compile"
    echo "compiling does not work here, or takes too long: done without"
    probe_target 60 --steps 9 --compile no
  fi
  touch "$W/probed.target"
  limited 60 "$python" sample.py --target "$W/probe/target.pt" --data "$W/probe" --out "$W/probe/mixed" --minutes 0 ${SAMPLE_FLAGS:-}
  limited 90 "$python" distill.py "$W/probe/draft" --target "$W/probe/target.pt" --data "$W/probe/mixed" "${draft[@]}" ${DRAFT_FLAGS:-} \
    --steps 6 --report 3 --warmup 3 --compile "$(compiled)"
  touch "$W/probed.draft"
  rm -rf "$W/probe"
}

# Ends with what of the results travels at once, where the plan is over: what trains the draft later need not wait for it.
stage_target() {
  local code=0 until minutes
  probed target
  begin_from target
  until=$(sum "$(cat "$W/ends") - 60 * $later")
  minutes=$(least "${TARGET_MINUTES:-9.5}" "$call - $SECONDS / 60 - 0.6")
  train "$minutes" train.py "$W/target" --data "$W/data" "${target[@]}" --until "$until" --save-minutes 3 ${TARGET_FLAGS:-} \
    | tee "$W/target.said" || code=$?
  take_curve target
  if [ $code = 0 ] && grep -q "the plan is over" "$W/target.said"; then
    if export_model target; then [ -z "${OUT:-}" ] || take next; else echo "not exported: the next stages try it again"; fi
  fi
  return $code
}

stage_draft() {
  local code=0 exporting= mixed=$W/mixed minutes
  probed draft
  begin_from draft
  exported target || { export_model target > "$W/export.log" 2>&1 & exporting=$!; }
  if [ ! -f "$mixed/meta.json" ]; then
    minutes=$(least "${SAMPLE_MINUTES:-0.7}" "0.13 * $(left "$last") / 60")
    limited "$(most 20 "$(least 150 "0.5 * $(left "$last")")")" "$python" sample.py --target "$W/target.pt" --data "$W/data" --out "$mixed" \
      --minutes "$minutes" ${SAMPLE_FLAGS:-} || { echo "no samples: on the corpus alone"; mixed=$W/data; }
  fi
  minutes=$(least "${DRAFT_MINUTES:-4.2}" "$(most "$(left "$last") / 60" 0.5)")
  train 7 distill.py "$W/draft" --target "$W/target.pt" --data "$mixed" "${draft[@]}" --until "$(sum "$(now) + 60 * $minutes")" \
    --save-minutes 1.5 ${DRAFT_FLAGS:-} || code=$?
  take_curve draft
  [ -z "$exporting" ] || { wait "$exporting" && tail -n 1 "$W/export.log"; }
  return $code
}

stage_finish() {
  exported target || export_model target
  export_model draft
  [ -d "$W/heldout" ] || "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$W/heldout.tar.xz" "$W"
  limited "$(most 20 "$(least 300 "$(left 0.75)")")" "$python" evaluate.py --target "$W/target.pt" --draft "$W/draft.pt" \
    --tokenizer "$W/tokenizer.json" --files "$W/heldout" --out "$W/out/evaluation.json" || echo "no evaluation: its time is up, or it failed"
  take next
}

stage_take() { take "$1"; }

[ -z "${LEFT:-}" ] || ends_in "$LEFT"
[ -f "$W/ends" ] || ends_in "60 * $lease"
