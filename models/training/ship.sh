#!/bin/bash
# The trained pair in the default pair's place: ship.sh RUN [ROOT], RUN with target.gguf and draft.gguf (run_gpu.sh join).
# Without ROOT: into this checkout, with the one constant that makes it the default, for a commit of its own. With ROOT: a folder that
# has what `octet` needs besides, to try it (OCTET_SHIPPED_PAIR=coder); this checkout stays as it is. Refuses a pair over 150 MB, or a
# draft over an eighth of its target (REHEARSAL=yes: not the latter).
set -euo pipefail
[ $# -ge 1 ] && [ $# -le 2 ] || { echo "ship.sh RUN [ROOT]: one word or two, not $#" >&2; exit 2; }
run=$(realpath -m "$1")
repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
root=$(realpath -m "${2:-$repository}")
target=octet-coder-80M-q8_0.gguf draft=octet-coder-10M-draft-q8_0.gguf
for name in target draft; do [ -f "$run/$name.gguf" ] || { echo "there is no $run/$name.gguf: run_gpu.sh join makes it" >&2; exit 2; }; done
bytes() { stat -c %s "$1"; }
total=$(($(bytes "$run/target.gguf") + $(bytes "$run/draft.gguf")))
[ $total -le 150000000 ] || { echo "the pair has $total bytes: more than 150 MB" >&2; exit 1; }
if [ -z "${REHEARSAL:-}" ] && [ $((8 * $(bytes "$run/draft.gguf"))) -gt "$(bytes "$run/target.gguf")" ]; then
  echo "the draft costs more than an eighth of the target" >&2
  exit 1
fi
mkdir -p "$root/models"
if [ "$root" != "$repository" ]; then
  cp "$repository/package.json" "$root/"
  cp "$repository"/models/*.gguf "$root/models/"
  cp -r "$repository/dist" "$root/"
  ln -sfn "$repository/node_modules" "$root/node_modules"
fi
cp "$run/target.gguf" "$root/models/$target"
cp "$run/draft.gguf" "$root/models/$draft"
if [ "$root" = "$repository" ]; then
  sed -i 's/^export const DEFAULT_PAIR: Name = "small";$/export const DEFAULT_PAIR: Name = "coder";/' "$repository/extension/models/shipped.ts"
  grep -q '^export const DEFAULT_PAIR: Name = "coder";$' "$repository/extension/models/shipped.ts"
fi
ls -l "$root/models/$target" "$root/models/$draft"
