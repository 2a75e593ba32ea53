#!/bin/bash
# A rehearsal of the whole run on a CPU with a tiny pair, in one go: rehearse.sh CORPUS WORK, CORPUS as corpus/build.py left it.
# Every stage of run_gpu.sh, the target's cut by SIGTERM and resumed; then what follows on this machine: pieces joined, another run that goes
# on from the pair, F16 and Q8_0 files checked against the training code, `octet eval`, the report, and `octet generate` with the pair in the default pair's place.
# Needs PyTorch with a fast BLAS (PYTHON names the interpreter) and node; HUMANEVAL as in measure.sh. dist/ is built first, since the
# last steps take the default pair's names from it. About 10 minutes on two idle cores.
set -euo pipefail
[ $# -eq 2 ] || { echo "rehearse.sh CORPUS WORK: two words, not $#" >&2; exit 2; }
corpus=$(realpath "$1") work=$(realpath -m "$2")
[ -d "$corpus/shards" ] || { echo "there is no $corpus/shards: CORPUS is what corpus/build.py wrote" >&2; exit 2; }
if [ -e "$work" ] && [ ! -f "$work/rehearsal" ] && [ -n "$(ls -A "$work")" ]; then
  echo "WORK is emptied: $work holds something else than a rehearsal" >&2
  exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(realpath ../..)
export W=$work/run PYTHON=${PYTHON:-python3}
export TARGET_SHAPE=proof-target DRAFT_SHAPE=proof-draft LEASE_MINUTES=60 LATER_MINUTES=59 TARGET_MINUTES=30 SAMPLE_MINUTES=0.1 DRAFT_MINUTES=0.7
export TARGET_FLAGS="--steps ${STEPS:-60} --warmup 10 --batch ${BATCH:-2} --accumulate 2 --report ${REPORT:-10}" SAMPLE_FLAGS="--batch 4 --length 128"
export DRAFT_FLAGS="--warmup 5 --batch ${BATCH:-2} --report 5" CARRY_MIB=4 HELDOUT_FILES=${HELDOUT_FILES:-4} PIECE_MIB=1 TAKE_MIB=3
step() { printf '\n== %s\n' "$*"; }
rm -rf "$work" && mkdir -p "$work/parts/0"
touch "$work/rehearsal"          # what may be emptied by another one

step octet built
node "$root/scripts/setup.mjs"
step tokenizer
"$PYTHON" tokenizer.py --size 4096 --sample-mb "${SAMPLE_MB:-8}" --out "$work/tokenizer.json" "$corpus"/shards/*.xz
step pack
TOKENIZER=$work/tokenizer.json bash run_gpu.sh pack "$corpus"
step prepare, twice: the second time finds the shards done
for i in $(seq 12); do  # on few cores a call's ten minutes do not hold all shards: the next goes on
  if bash run_gpu.sh prepare; then break; else [ $? = 124 ] || exit 1; fi
done
bash run_gpu.sh prepare
step target, cut after some steps
bash run_gpu.sh target > "$work/target.log" 2>&1 & cut=$!
end_target() { pkill -TERM -f "^$PYTHON train.py $W/target "; }       # not timeout, which would kill it 5 seconds later
trap 'end_target || true' EXIT
until grep -qs "\"step\": ${REPORT:-10}," "$W/target.log.jsonl"; do
  kill -0 $cut 2> /dev/null || { cat "$work/target.log"; exit 1; }
  sleep 1
done
end_target
wait $cut
trap - EXIT
cat "$work/target.log"
grep -q "not over yet" "$work/target.log" || { echo "the target was not cut, or saved nothing" >&2; exit 1; }
step target, resumed, in a command with prepare
OUT=$work/parts/0 bash run_gpu.sh prepare target
step draft, finish and take
mkdir -p "$work/parts/1"
OUT=$work/parts/1 bash run_gpu.sh draft finish
number=2
while mkdir -p "$work/parts/$number" && OUT=$work/parts/$number bash run_gpu.sh take $number; do number=$((number + 1)); done
rmdir "$work/parts/$number"
step join, in a folder of its own as on the other machine
cp -r "$W" "$work/home"
rm -f "$work/home"/*.gguf "$work/home"/*.pt "$work/home"/out/*
W=$work/home bash run_gpu.sh join "$work"/parts/*
step another machine goes on from the pair
loss() { "$PYTHON" -c 'import json, sys; print([json.loads(line)["heldout"] for line in open(sys.argv[1])][int(sys.argv[2])])' "$1" "$2"; }
(
  export W=$work/second
  FROM=$work/home TOKENIZER=$work/tokenizer.json FOLDERS=1 PIECE_MIB=0.7 bash run_gpu.sh pack "$corpus"
  for i in $(seq 12); do bash run_gpu.sh prepare && break || [ $? = 124 ] || exit 1; done
  TARGET_FLAGS="--steps 4 --warmup 100 --batch ${BATCH:-2} --report 1" DRAFT_MINUTES=0.2 bash run_gpu.sh target draft
)
awk "BEGIN { a = $(loss "$work/home/target.log.jsonl" -1); b = $(loss "$work/second/target.log.jsonl" 0); print \"held-out loss:\", a, \"then\", b; exit (b > a + 0.5) }"
step export checked, Q8_0 and F16
check_export() { "$PYTHON" check_export.py --expected "$work/home/evaluation.json" --files "$work/home/heldout" "$@"; }
check_export --gguf "$work/home/target.gguf" "$work/home/draft.gguf"
for model in target draft; do "$PYTHON" to_gguf.py "$W/$model.pt" "$W/tokenizer.json" "$work/$model-f16.gguf" --type f16 --title "$model"; done
check_export --gguf "$work/target-f16.gguf" "$work/draft-f16.gguf" --tolerance 0.002
step octet eval and the report
W=$work/home HUMANEVAL_LIMIT=3 FILES=3 BUDGET_MS=1500 bash measure.sh "$work/home/target.gguf" "$work/home/draft.gguf" "$work/figures/new"
OCTET_SHIPPED_PAIR=small FILES=3 HUMANEVAL_LIMIT=3 BUDGET_MS=1500 W=$work/home bash measure.sh "" "" "$work/figures/small"
"$PYTHON" report.py "$work/report.md" --pair "default=$work/figures/new" --pair "small=$work/figures/small" \
  --logs "$work/home/target.log.jsonl" "$work/home/draft.log.jsonl" --evaluation "$work/home/evaluation.json"
cat "$work/report.md"
step octet generate with the pair in the default pair\'s place
REHEARSAL=yes bash ship.sh "$work/home" "$work/package"
printf 'def add(a, b):\n' > "$work/prompt.py"
OCTET_SHIPPED_PAIR=coder node "$work/package/dist/cli.js" generate "$work/prompt.py" -n 2 --max-tokens 16 --json | "$PYTHON" -c '
import json, sys
models = json.load(sys.stdin)["models"]
assert models["target"]["path"].endswith("octet-coder-80M-q8_0.gguf") and models["draft"]["path"].endswith("octet-coder-10M-draft-q8_0.gguf"), models
print("the default pair:", models["target"]["path"], models["draft"]["path"])'
printf '\nrehearsed\n'
