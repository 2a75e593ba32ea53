# The stages of run_gpu.sh on the machine at home, which it sources: what has to be carried, and what came back.

stage_pack() {
  local corpus=${1:-} folders=${FOLDERS:-2} skip=${SKIP:-0} tokenizer=${TOKENIZER:-tokenizer.json} name largest shards
  [ $# -eq 1 ] && [ -d "$corpus/shards" ] && [ -d "$corpus/heldout" ] || wrongly "pack CORPUS: the folder that corpus/build.py wrote, not \"$*\""
  for name in "$tokenizer" ${FROM:+"$FROM/target.gguf" "$FROM/draft.gguf"}; do [ -f "$name" ] || wrongly "there is no $name"; done
  [[ $folders =~ ^[1-9][0-9]*$ && $skip =~ ^[0-9]+$ ]] || wrongly "FOLDERS and SKIP are numbers: $folders, $skip"
  mapfile -t shards < <(find "$(realpath "$corpus/shards")" -maxdepth 1 -name '*.xz' | sort | tail -n +$((skip + 1)))
  [ ${#shards[@]} -gt 0 ] || wrongly "$corpus has no shards behind the first $skip"
  rm -rf "$W/shards" "$W/heldout" "$W/carried"
  mkdir -p "$W/carried"
  if [ -n "${FROM:-}" ]; then
    for name in target draft; do "$python" pieces.py split "$FROM/$name.gguf" "$W/carried" --mib "${PIECE_MIB:-11}" > /dev/null; done
    folders=$(du -cb "$W"/carried/* |
      awk -v folders="$folders" -v mib="${CARRY_MIB:-44}" '{ bytes = $1 } END { print int(folders + bytes / 1048576 / mib + 0.5) }')
  fi
  # The order of the names decides who is in the first folders: the pair, then the text.
  for name in "${shards[@]}"; do ln -s "$name" "$W/carried/text-${name##*/}"; done
  "$python" pieces.py spread "$W/carried" "$W/shards" --mib "${CARRY_MIB:-44}"
  rm -rf "$W/carried"
  for name in "$W"/shards/*; do [ "${name##*/}" -lt "$folders" ] || rm -r "$name"; done
  cp "$tokenizer" "$W/tokenizer.json"
  "$python" heldout.py "$corpus/heldout" "$W/heldout" --limit "${HELDOUT_FILES:-60}"
  tar -C "$W" -cJf "$W/heldout.tar.xz" heldout
  du -ch "$W"/shards/* "$W/tokenizer.json" "$W/heldout.tar.xz"
  largest=$(du -b --max-depth=0 "$W"/shards/* | sort -n | tail -1 | cut -f2)
  bash ../../scripts/carried.sh "$largest" "$W/tokenizer.json" "$W/heldout.tar.xz"
}

stage_join() {
  local folder model
  [ $# -gt 0 ] || wrongly "join FOLDER...: what came back, in the order of the calls"
  for folder in "$@"; do [ -d "$folder" ] || wrongly "there is no folder $folder"; done
  mkdir -p "$W/out"
  for folder in "$@"; do find "$folder" -maxdepth 1 -type f -exec cp {} "$W/out/" \;; done
  for model in target draft; do
    [ -f "$W/out/$model.gguf.json" ] || { echo "$model.gguf.json did not come back: run_gpu.sh take gives parts once more" >&2; return 1; }
    "$python" pieces.py join "$W/out/$model.gguf.json" "$W/$model.gguf"
    cp "$W/out/$model.log.jsonl" "$W/" || echo "no curve of the $model came back"
  done
  cp "$W/out/evaluation.json" "$W/" || echo "no evaluation came back: check_export.py and the report have to do without"
}
