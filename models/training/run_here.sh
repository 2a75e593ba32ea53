# The stages of run_gpu.sh on the machine at home, which it sources: what has to be carried, and what came back.

stage_pack() {
  local corpus=${1:?the folder that corpus/build.py wrote} largest checkout
  rm -rf "$W/shards" "$W/heldout"
  "$python" pieces.py spread "$corpus/shards" "$W/shards" --mib "${CARRY_MIB:-44}"
  cp "${TOKENIZER:-tokenizer.json}" "$W/tokenizer.json"
  "$python" heldout.py "$corpus/heldout" "$W/heldout" --limit "${HELDOUT_FILES:-60}"
  tar -C "$W" -cJf "$W/heldout.tar.xz" heldout
  du -ch "$W"/shards/* "$W/tokenizer.json" "$W/heldout.tar.xz"
  largest=$(du -cb "$W"/shards/* "$W/tokenizer.json" "$W/heldout.tar.xz" | sort -n | tail -2 | head -1 | cut -f1)
  checkout=$(cd ../.. && git ls-files -zco --exclude-standard | du -cb --files0-from=- | tail -1 | cut -f1)
  awk "BEGIN { m = ($largest + $checkout) / 1048576 + 1.5; printf \"largest call: %.1f MiB with the checkout\\n\", m; exit m > 64 }"
}

stage_join() {
  local folder model
  mkdir -p "$W/out"
  for folder in "$@"; do find "$folder" -maxdepth 1 -type f -exec cp {} "$W/out/" \;; done
  for model in target draft; do
    "$python" pieces.py join "$W/out/$model.gguf.json" "$W/$model.gguf"
    cp "$W/out/$model.log.jsonl" "$W/" || echo "no curve of the $model came back"
  done
  cp "$W/out/evaluation.json" "$W/" || echo "no evaluation came back: check_export.py and the report have to do without"
}
