#!/bin/bash
# Whether a call to a machine that takes in 64 MiB of files holds this checkout and PATHS...: carried.sh PATH...
# The checkout are its files that git has or does not ignore, as they lie there: what is taken out of the working tree does not travel.
set -euo pipefail
most=${CARRIED_MIB:-64}
[ $# -gt 0 ] || { echo "carried.sh PATH..." >&2; exit 2; }
[[ $most =~ ^[0-9]+(\.[0-9]+)?$ ]] || { echo "CARRIED_MIB is a number: $most" >&2; exit 2; }
paths=$(du -cb "$@" | tail -1 | cut -f1)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
there() { xargs -0 -r stat -c %s -- 2> /dev/null || true; }
checkout=$(git ls-files -zco --exclude-standard | sort -zu | there | awk '{ sum += $1 } END { printf "%d", sum }')
awk "BEGIN { m = ($paths + $checkout) / 1048576 + 1.5; printf \"largest call: %.1f MiB with the checkout\\n\", m; exit m > $most }" || {
  echo "a call takes in $most MiB. Where models/ holds the default pair: move its two files, octet-coder-*.gguf, out of the checkout" >&2
  echo "for as long as the run takes, which needs neither, and then put them back by: git restore models" >&2
  exit 1
}
