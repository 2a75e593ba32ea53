#!/bin/bash
# The figures of a pair for the report: measure.sh TARGET.gguf DRAFT.gguf OUT; empty names mean the pair that octet uses by itself.
# OUT/loss.json, acceptance.json, infill.json, humaneval.json, as `octet eval --json` writes them; one that is whole is not done
# again, and humaneval and infill go on after a cut. $W/heldout holds the files (run_gpu.sh pack). Needs node and dist/ built.
#
#   HUMANEVAL=FILE   the problems (https://github.com/openai/human-eval, MIT); without it that suite is left out
#   FILES, PLACES, HOLES, HUMANEVAL_LIMIT   how many of each; BUDGET_MS of a HumanEval problem; SUITES: a choice of them
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
wrongly() { echo "$*" >&2; exit 2; }
[ $# -eq 3 ] || wrongly "measure.sh TARGET.gguf DRAFT.gguf OUT: three words, not $#"
for suite in ${SUITES:=loss acceptance infill humaneval}; do
  case $suite in loss | acceptance | infill | humaneval) ;; *) wrongly "SUITES are of loss, acceptance, infill and humaneval: there is no $suite" ;; esac
done
target=$1 draft=$2 out=$3
held=${W:-$here/run}/heldout
mkdir -p "$out"
pair=() limit=()
[ -z "$target" ] || pair=(--target "$target" --draft "$draft")
[ -z "${FILES:-}" ] || limit=(--limit "$FILES")

# Each suite sees the same files whatever the pair. Exact match does not depend on the machine: its budget is never reached.
whole() { [ -s "$out/$1.json" ] && grep -q '"complete": true' "$out/$1.json"; }
octet() { name=$1 && shift && { whole "$name" || node "$here/../../dist/cli.js" eval "$@" "${pair[@]}" --json "$out/$name.json"; }; }
languages() { for language in "$@"; do [ ! -d "$held/$language" ] || cp -r "$held/$language" "$files/"; done; }
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT

for suite in $SUITES; do
  rm -rf "$files"/*
  case $suite in
    loss) octet loss loss --files "$held" "${limit[@]}" ;;
    acceptance)
      for language in python typescript; do
        [ -d "$held/$language" ] || { echo "no held-out files of $language: no acceptance of it" >&2; continue; }
        rm -rf "$files"/* && languages $language
        octet "acceptance-$language" acceptance --files "$files" --places 1 --limit "${PLACES:-20}" --temperatures 0,0.2,0.8 --batch 1,8
      done ;;
    infill)
      languages python typescript
      octet infill infill --files "$files" --holes "${HOLES:-1}" --limit "${FILES:-60}" --methods bass -n 8 \
        --budget-ms 600000 --results "$out/infill.jsonl" ;;
    humaneval)
      [ -z "${HUMANEVAL:-}" ] || octet humaneval humaneval --problems "$HUMANEVAL" -n 8 --budget-ms "${BUDGET_MS:-2500}" \
        ${HUMANEVAL_LIMIT:+--limit $HUMANEVAL_LIMIT} --results "$out/humaneval.jsonl" ;;
  esac
done
