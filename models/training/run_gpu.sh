#!/bin/bash
# The run on a rented GPU machine, stage by stage: run_gpu.sh STAGE..., several in one command. It is planned for a machine that is lent
# for 15 minutes, in commands of at most 10, and trains longer where there are more; 64 MiB go in with a command, the checkout included,
# and 64 MiB in 8 files of 16 come back in $OUT; it has PyTorch and a C++ compiler, and no network. What a stage leaves in $W (default:
# run/ here, ignored by git) is there for the next.
#
#   where  stage            minutes   what (minutes: estimates)
#   here   pack CORPUS      1         fills $W with what has to be carried: FOLDERS folders of shards (2), without the first SKIP (0)
#                                     of them, tokenizer, a sample of held-out files; with FROM=FOLDER, which holds target.gguf and
#                                     draft.gguf, that pair before the shards, to go on from
#   there  prepare          0.2       once with each folder $W/shards/N carried: shards -> token files, on all cores. The first starts
#                                     `probe` in the background: a few steps of everything on random tokens, which fills the compiler's
#                                     caches and says how fast it is and whether compiling works
#   there  target           8.5       again until it says that the plan is over; then its first pieces into $OUT
#   there  draft            2.3       samples of the target, distillation
#   there  finish           0.5       evaluation, GGUF files in pieces; the rest into $OUT
#   there  take next        0.3       what did not fit into $OUT beside the rest of a command; `take N`: the N-th part once more
#   here   join FOLDER...   0.1       what came back, in the order of the calls -> $W/target.gguf and $W/draft.gguf
#
# LEFT=SECONDS before a stage there says how long the machine is there for; else it is LEASE_MINUTES from the first of them on. The target
# trains for what that leaves after the other stages. Settings for a rehearsal: rehearse.sh. The stages: run_here.sh and run_there.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
W=${W:-$PWD/run}
python=${PYTHON:-python3}
mkdir -p "$W"
export W PYTHONUNBUFFERED=1

wrongly() { echo "$*" >&2; exit 2; }
[[ ${LEFT:-0} =~ ^[0-9]+(\.[0-9]+)?$ ]] || wrongly "LEFT is in seconds: $LEFT"
# Two commands at once would write to the same files. The probe is one that goes on beside others.
alone() {
  local other
  other=$(cat "$W/call" 2> /dev/null || true)
  if [ -n "$other" ] && [ "$other" != $$ ] && grep -qs run_gpu.sh "/proc/$other/cmdline"; then
    echo "run_gpu.sh is at work in $W already: process $other" >&2
    exit 1
  fi
  echo $$ > "$W/call"
}

case ${1:-} in
  pack | join) alone; source ./run_here.sh; "stage_$1" "${@:2}"; exit ;;
  take)
    [ $# -eq 2 ] && [[ $2 =~ ^([0-9]+|next)$ ]] || wrongly "which part? take next, or take N, from 0: not \"${*:2}\""
    [ -d "${OUT:-}" ] || wrongly "OUT has to be a folder for the results: \"${OUT:-}\" is none"
    source ./run_there.sh; "stage_$1" "${@:2}"
    exit ;;
esac
[ $# -gt 0 ] || set -- nothing
for stage in "$@"; do
  case $stage in
    prepare | probe | target | draft | finish) ;;
    *) wrongly "run_gpu.sh pack CORPUS | prepare, probe, target, draft, finish: one or several | take next or N | join FOLDER..." ;;
  esac
done
[ "$*" = probe ] || alone
source ./run_there.sh
for stage in "$@"; do "stage_$stage"; done
