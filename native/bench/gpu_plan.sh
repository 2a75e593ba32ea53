# Running stages, and the plan of run_gpu.sh, which sources this.

# Stages in order of worth: the least seconds that are worth beginning it with, and the most it may take. Figures to reach come first,
# behind the tests that say whether they mean anything; then the wide tables. Seconds are estimates (docs/cuda.md), no times.
plan="
build                       5 300
tests                      20 120
steps                      10  60
products                   10  60
products_tuned             15  80
decode_simulated           20 120
products_quantised         10  60
products_wgmma             15  60
decode_real                20 120
steps_tuned                15  60
utilisation                20 120
memcheck                   20  90
racecheck                  20  90
tests_all                  30 240
attention                  10  60
sampling                   10  60
products_wide              10  90
steps_wide                 20 120
counters                   20  90
decode_simulated_wide      40 300
decode_real_wide           40 300
decode_simulated_quantised 40 300
decode_real_quantised      40 300
steps_qwen                 20 120
decode_qwen                40 240
memcheck_all              100 500
racecheck_all             100 500
"
plan=${GPU_PLAN:-$plan}  # GPU_PLAN: other lines, for tests

# NAME WORDS...: the line of a stage in stages.txt, in place of the one before.
note() {
  { sed "/^$1: /d" "$out/stages.txt"; echo "$1: ${*:2}"; } > "$out/stages.new" && mv "$out/stages.new" "$out/stages.txt"
}

# What there is so far, as one file of the machine's few, whole whenever the command is ended.
archive() {
  [ -n "${OUT:-}" ] || return 0
  mkdir -p "$OUT" && tar -C "$out" -czf "$OUT/results.tar.gz.part" . &&
    mv "$OUT/results.tar.gz.part" "$OUT/results.tar.gz"
}

# ID WORD: whether there is such a process, with this word in its command line.
is_running() { [ -n "$1" ] && grep -qs "$2" "/proc/$1/cmdline"; }

# One call at a time on a machine, whose link, build and GPU are one. A stage that a call has left, having been killed itself, is ended, or it
# would slow what is measured now; and a call that is asked to end takes its stage along.
alone() {
  local call stage
  call=$(cat "$here.call" 2> /dev/null) stage=$(cat "$here.stage" 2> /dev/null)
  if [ "$call" != $$ ] && is_running "$call" run_gpu.sh; then echo "run_gpu.sh is at work here already: process $call" >&2; exit 1; fi
  if is_running "$stage" timeout; then kill -KILL -- "-$stage"; fi
  echo $$ > "$here.call" || exit
  trap 'end_stage; exit 143' TERM INT HUP
}
end_stage() {
  local stage
  stage=$(cat "$here.stage" 2> /dev/null)
  is_running "$stage" timeout && kill -TERM "$stage" && wait
}

# NAME SECONDS: whether the stage ended well. Its shell is one of its own, under a limit, in which functions and variables are known.
run_stage() {
  local start=$SECONDS code
  echo "== $1, $2 s at most"
  export out here build packed parts bench tests small few
  export -f prompt_file under_sanitizer sources compile unpacked take_packed "stage_$1"
  {
    timeout --kill-after=10 "$2" bash -uo pipefail -c "stage_$1" 2>&1 &  # a group of processes of its own
    echo $! > "$here.stage"
    wait $!
    echo $? > "$here.code"
  } | tee "$out/$1.log" &
  wait $!    # which a signal interrupts
  code=$(cat "$here.code" 2> /dev/null || echo 1)
  rm -f "$here.stage" "$here.code"
  note "$1" "exit code $code, $((SECONDS - start)) s, sources $made_of"
  tail -n 1 "$out/stages.txt"
  archive
  [ "$code" -eq 0 ]
}

# Seconds since the call began. CLOCK: a file that says them instead, for tests.
seconds_gone() { if [ -n "${CLOCK:-}" ]; then cat "$CLOCK"; else echo "$SECONDS"; fi; }

# Stages that did not end well with these sources come again behind those that were not tried; those that did not fit are named.
do_plan() {
  local end=$(($(seconds_gone) + ${LEFT:-585} - 15)) stage least most left again="" order="" failed=0 seconds
  while read -r stage least most; do
    [ -n "$stage" ] || continue
    if [ "$stage" != build ] && grep -qs "^$stage: exit code 0, .* sources $made_of$" "$out/stages.txt"; then
      echo "== $stage: done before"
    elif [ "$stage" != build ] && grep -qs "^$stage: exit code .* sources $made_of$" "$out/stages.txt"; then
      again+="$stage $least $most"$'\n'
    else
      order+="$stage $least $most"$'\n'
    fi
  done <<< "$plan"
  while read -r -u 3 stage least most; do
    [ -n "$stage" ] || continue
    left=$((end - $(seconds_gone)))
    if [ $left -lt "$least" ]; then
      echo "== $stage: left out, $left s are left"
      grep -qs "^$stage: exit code .* sources $made_of$" "$out/stages.txt" || note "$stage" "left out, $left s were left"
      failed=1
      continue
    fi
    seconds=$((left < most ? left : most))
    run_stage "$stage" "$seconds" && continue
    failed=1
    [ "$stage" != build ] || { echo "nothing to run: the build failed"; break; }
  done 3<<< "$order$again"
  archive
  return $failed
}

made_of=$(sources)
