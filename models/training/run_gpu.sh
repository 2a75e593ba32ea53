#!/bin/bash
# The run on a rented GPU machine, stage by stage: run_gpu.sh STAGE. The machine is lent for 30 minutes, in commands of at most 10;
# 64 MiB go in with a command, the checkout included, and 64 MiB in 8 files of 16 come back in $OUT; it has PyTorch and a C++ compiler,
# and no network. What a stage leaves in $W (default: run/ here, ignored by git) is there for the next.
#
#   where  stage          minutes   what (minutes: estimates)
#   here   pack CORPUS    1         fills $W with what has to be carried: shards, tokenizer, a sample of held-out files
#   there  prepare        0.4       once with each folder $W/shards/N carried: shards -> token files, on all cores. The first starts
#                                   `probe` in the background: a few steps of everything on random tokens, which fills the compiler's
#                                   caches and says how fast it is and whether compiling works
#   there  target         9.5       again until it says that the plan is over
#   there  draft          5.5       samples of the target, distillation; the target's first pieces into $OUT
#   there  finish         1.5       evaluation, GGUF files in pieces; the rest into $OUT
#   there  take N         0.3       the N-th part of the results into $OUT once more
#   here   join FOLDER..  0.1       what came back, in the order of the calls -> $W/target.gguf and $W/draft.gguf
#
# LEFT=SECONDS before a stage there says how long the machine is there for; else it is LEASE_MINUTES from the first of them on. The target
# trains for what that leaves after the other stages. Settings for a rehearsal: rehearse.sh. The stages: run_here.sh and run_there.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
W=${W:-$PWD/run}
python=${PYTHON:-python3}
mkdir -p "$W"
export W PYTHONUNBUFFERED=1

stage=${1:-} && [ $# = 0 ] || shift
case $stage in
  pack | join) source ./run_here.sh ;;
  prepare | probe | target | draft | finish | take) source ./run_there.sh ;;
  *) echo "run_gpu.sh pack CORPUS | prepare | probe | target | draft | finish | take N | join FOLDER..." >&2; exit 2 ;;
esac
"stage_$stage" "$@"
