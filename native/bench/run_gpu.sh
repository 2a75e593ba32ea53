#!/usr/bin/env bash
# Builds and measures the CUDA runtime on a machine with an NVIDIA GPU that is there for minutes: in stages, of which `plan` does what is
# worth most first, as many as its time holds, and goes on in the next call. docs/cuda.md (Measuring) has the calls.
#
#   native/bench/run_gpu.sh pack                  before, where the npm packages are: build/gpu-parts, with all that machine may lack and,
#                                                 where nvcc is, the programs, built for CAPABILITY (90)
#   LEFT=585 OUT=folder native/bench/run_gpu.sh plan      there: every stage, in the order of gpu_plan.sh, for LEFT seconds
#   OUT=folder native/bench/run_gpu.sh STAGE...           there: these stages. Without a stage: lists them
#   native/bench/run_gpu.sh unpack results.tar.gz         back: into build/gpu-out, which another machine goes on from
#
# There it needs bash and, where the packed programs do not run, cmake, g++ and nvcc; no network. What a stage prints is in
# build/gpu-out/STAGE.log, its tables also in *.json, whole after every row; stages.txt says of each stage what became of it last.
# $OUT/results.tar.gz has all of it after every stage. A stage that fails or runs out of time (STAGE_SECONDS, 570; in the plan its own)
# does not stop the next. Exit code 1 if any did or was left out; 2 for what is asked wrongly.
set -uo pipefail
cd "$(dirname "$0")/../.."

out=${RESULTS:-build/gpu-out}
here=${OCTET_GPU_LINK:-/tmp/octet-gpu}     # a link to this checkout: programs hold paths, and those built elsewhere have to find the same
build=${BUILD:-$here/build/gpu}
limit=${STAGE_SECONDS:-570}
packed=${PACKED:-build/gpu-parts/parts.tar.xz}
parts=${PARTS:-build/gpu-unpacked}         # what is in it, on both machines
bench=$build/octet-native-bench
tests=$build/tests/octet-native-test
small=models/octet-starter-6M-q8_0.gguf,models/octet-starter-1M-draft-q8_0.gguf
programs=(octet-native-bench tests/octet-native-test liboctet_cuda.so)

# What the programs are made of, as a name: a result counts for the sources it was measured with.
sources() { find native test/native -type f ! -name '*.sh' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-12; }

# CAPABILITY: the programs for it, and no more. Benchmark first: without tests there are figures still.
compile() {
  local options=() doctest=ON
  if [ -d "$parts/lib" ]; then
    options+=(-DOCTET_LLAMA_LIBRARIES="$here/$parts/lib" -DOCTET_LLAMA_HEADERS="$here/$parts/headers" -DDOCTEST_INCLUDE_DIR="$here/$parts")
  else
    echo "no $packed: without llama.cpp, so no cases with model files and no real acceptance"
  fi
  [ -f "$parts/doctest/doctest.h" ] || [ -f /usr/include/doctest/doctest.h ] || { doctest=OFF; echo "no doctest: no tests"; }
  command -v ninja > /dev/null && [ ! -f "$build/CMakeCache.txt" ] && options+=(-G Ninja)
  cmake -S "$here/native" -B "$build" -DOCTET_CUDA=ON -DOCTET_TESTS=$doctest -DOCTET_TEST_MODELS="$here/models" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CUDA_ARCHITECTURES="$1-real" "${options[@]}" || return
  cmake --build "$build" --target octet-native-bench --parallel "${OCTET_JOBS:-$(nproc)}" || return
  [ $doctest = OFF ] || cmake --build "$build" --target octet-native-test --parallel "${OCTET_JOBS:-$(nproc)}" || return
  sources > "$build/sources.txt"
}

pack() {
  local libraries=${OCTET_LLAMA_LIBRARIES:-node_modules/@node-llama-cpp/linux-x64/bins/linux-x64} doctest=${DOCTEST_HEADER:-/usr/include/doctest/doctest.h}
  local there program
  for there in "$libraries" .cache/llama.cpp/include "$doctest"; do
    [ -e "$there" ] || { echo "$there is not here: npm run setup -- --tests fetches it" >&2; return 1; }
  done
  rm -rf "$parts" && mkdir -p "$parts"/{lib,headers/ggml,doctest,programs/tests} "$(dirname "$packed")" || return
  cp "$libraries"/libllama.v*.so "$libraries"/libggml*.so "$parts/lib/" || return
  cp -r .cache/llama.cpp/include "$parts/headers/" && cp -r .cache/llama.cpp/ggml/include "$parts/headers/ggml/" || return
  cp "$doctest" "$parts/doctest/" || return
  if command -v nvcc > /dev/null; then
    ln -sfn "$PWD" "$here"
    compile "${CAPABILITY:-90}" > build/gpu-build.log 2>&1 ||
      { tail -n 20 build/gpu-build.log; echo "the programs do not build: build/gpu-build.log has it all" >&2; return 1; }
    for program in "${programs[@]}"; do strip -o "$parts/programs/$program" "$build/$program" || return; done
    cp "$build/sources.txt" "$parts/programs/"
  else
    echo "no nvcc here: the programs are built there"
  fi
  # A dictionary that holds all of it: the same kernels are in three programs.
  tar -C "$parts" -c . | xz -T 1 --lzma2=preset=3,dict=64MiB > "$packed.part" && mv "$packed.part" "$packed" || return
  bash scripts/carried.sh "$packed"
}

# A file of results that was cut on its way leaves what is there as it is.
unpack() {
  tar -tzf "$1" > /dev/null 2>&1 || { echo "$1 is no whole results.tar.gz" >&2; return 1; }
  mkdir -p "$out" && tar -C "$out" -xzf "$1"
}

unpacked() {
  [ -f "$packed" ] || return 0
  rm -rf "$parts" && mkdir -p "$parts" || return
  tar -C "$parts" -xJf "$packed" || python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$packed" "$parts"
}

# The packed programs, where they are of these sources and run here.
take_packed() {
  [ "$(cat "$parts/programs/sources.txt" 2> /dev/null)" = "$(sources)" ] || return
  mkdir -p "$build/tests" && cp -p "$parts"/programs/{octet-native-bench,liboctet_cuda.so} "$build/" || return
  cp -p "$parts/programs/tests/octet-native-test" "$build/tests/" || return
  timeout 40 "$bench" sampling --vocabularies 1024 --batches 1 --draft-lengths 0 --repeats 1 || return
  cp "$parts/programs/sources.txt" "$build/"
}

# --- stages -------------------------------------------------------------------------------------------------------------------------

stage_build() {
  local capability
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)
  nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.max.mem,power.limit,memory.total --format=csv
  nvcc --version | tail -2
  ln -sfn "$PWD" "$here"
  [ "$(cat "$build/sources.txt" 2> /dev/null)" != "$(sources)" ] || { echo "built already"; return; }
  unpacked
  take_packed && { echo "the packed programs run here"; return; }
  echo "no packed programs of these sources that run here: built"
  compile "${capability:-90}"
}

# What has to be right for a figure to mean anything: every kernel, distributions, tokens equal to llama.cpp's at temperature 0.
stage_tests() {
  "$tests" -tc="cuda device*,cuda gemm*,cuda folded*,cuda fused*,cuda attention*,cuda warp*,cuda step*,cuda overlap*,cuda model*" -d
}
stage_tests_all() { "$tests" -tc="cuda*,bench*" -tce="cuda wgmma*" -d; }

# Under the sanitizer a program is some 10 to 100 times slower. CASES chooses others.
under_sanitizer() { compute-sanitizer --tool "$1" --error-exitcode 1 "$tests" -tc="${CASES:-$2}" -tce="*model*,*runtime*,bench*" -d; }
few="cuda device*,cuda gemm: every division*,cuda gemm: tiles shared*,cuda folded norm: tiles shared*,cuda attention: blocks that take*"
few="$few,cuda attention: the last block*,cuda warp: rows over many*,cuda step: a draft equal*"
stage_memcheck() { under_sanitizer memcheck "$few"; }
stage_racecheck() { under_sanitizer racecheck "$few"; }
stage_memcheck_all() { under_sanitizer memcheck "cuda*"; }
stage_racecheck_all() { under_sanitizer racecheck "cuda*"; }

# The figures to reach, and nothing else; the same tables at their width further down.
stage_steps() { "$bench" steps --formats bf16 --batches 8 --prompts 512 --draft-lengths 0,7 --json "$out/steps.json"; }
stage_products() { "$bench" products --shape 7.8B --formats bf16 --rows 8,16,32,64,72 --json "$out/products.json"; }
stage_products_quantised() {
  "$bench" products --shape 7.8B --formats q8_0,q4_k --rows 8,16,32,64,72 --json "$out/products-quantised.json"
}
# Plans measured on the device, as the product does it, beside the cost model's: products alone, and passes by them.
stage_products_tuned() {
  "$bench" products --tune --shape 7.8B --formats bf16,q4_k,q8_0 --rows 8,16,64,72 --json "$out/products-tuned.json" &&
    "$bench" products --tune --shape 0.5B --formats bf16 --rows 8,16 --json "$out/products-tuned-draft.json"
}
stage_steps_tuned() { "$bench" steps --tune --formats bf16 --batches 8 --prompts 512 --draft-lengths 0,7 --json "$out/steps-tuned.json"; }
# Products by warpgroups are opt-in: first whether they are right, apart from the other tests, then the same table by them.
stage_products_wgmma() {
  "$tests" -tc="cuda wgmma*" -d &&
    OCTET_CUDA_WGMMA=1 "$bench" products --shape 7.8B --formats q8_0,q4_k --rows 48,64,72,144 --json "$out/products-wgmma.json"
}
stage_decode_simulated() { "$bench" decode --acceptance 0.8 --formats bf16 --batches 8 --prompts 512 --json "$out/decode-simulated.json"; }
stage_decode_real() {
  prompt_file
  "$bench" decode --expand "$small" --prompt-file "$out/prompt.txt" --formats bf16 --batches 8 --prompts 512 --json "$out/decode-real.json"
}

stage_products_wide() {
  "$bench" products --shape 7.8B,0.5B --formats bf16,q8_0,q4_k --rows 1,8,16,32,64,72,128,144 --json "$out/products-wide.json"
}

stage_attention() { "$bench" attention --json "$out/attention.json"; }
stage_sampling() { "$bench" sampling --json "$out/sampling.json"; }

stage_steps_wide() { "$bench" steps --draft-lengths 0,3,7 --json "$out/steps-wide.json"; }

stage_steps_qwen() {
  "$bench" steps --target qwen2.5-coder-7b --draft qwen2.5-coder-0.5b --batches 1,8 --json "$out/steps-qwen-7b.json" &&
    "$bench" steps --target qwen2.5-coder-1.5b --draft none --batches 1,8 --json "$out/steps-qwen-1.5b.json"
}

stage_decode_simulated_wide() { "$bench" decode --acceptance 0.8 --formats bf16 --json "$out/decode-simulated-wide.json"; }

stage_decode_simulated_quantised() {
  "$bench" decode --acceptance 0.8 --formats q8_0,q4_k --batches 1,4,8,16 --json "$out/decode-simulated-quantised.json"
}

prompt_file() {
  find extension protocol webview -name '*.ts' -print0 | sort -z | xargs -0 cat > "$out/prompt.txt"
}

stage_decode_real_wide() {
  prompt_file
  "$bench" decode --expand "$small" --prompt-file "$out/prompt.txt" --formats bf16 --json "$out/decode-real-wide.json"
}

stage_decode_real_quantised() {
  prompt_file
  "$bench" decode --expand "$small" --prompt-file "$out/prompt.txt" --formats q8_0,q4_k --batches 1,4,8,16 --json "$out/decode-real-quantised.json"
}

stage_decode_qwen() {
  "$bench" decode --acceptance 0.8 --target qwen2.5-coder-7b --draft qwen2.5-coder-0.5b --formats bf16,q4_k --batches 1,8,16 --prompts 512 \
    --json "$out/decode-qwen-7b.json" &&
    "$bench" decode --acceptance 0.8 --target qwen2.5-coder-1.5b --draft qwen2.5-coder-0.5b --formats bf16 --batches 1,8 --prompts 512 \
      --json "$out/decode-qwen-1.5b.json"
}

# Longer drafts and every lane: where utilisation is best.
stage_utilisation() {
  "$bench" decode --acceptance 0.8 --formats bf16 --batches 8,16 --prompts 512 --draft-lengths none,fixed:7,fixed:15,fixed:24 \
    --json "$out/decode-utilisation.json"
}

# What the products and the attention of a step do to memory, by the hardware's own counters. Needs permission to read them.
stage_counters() {
  command -v ncu > /dev/null || { echo "ncu is not here"; return 1; }
  ncu --clock-control none --graph-profiling node \
    --metrics dram__throughput.avg.pct_of_peak_sustained_elapsed,dram__bytes_read.sum,gpu__time_duration.sum \
    --kernel-name 'regex:multiply|attend' --launch-count 300 --csv --log-file "$out/counters.csv" \
    "$bench" steps --formats bf16 --batches 8 --prompts 512 --draft-lengths 0,7 --repeats 1
}

# --- running them -------------------------------------------------------------------------------------------------------------------

source native/bench/gpu_plan.sh

stages=$(declare -F | sed -n 's/^declare -f stage_//p')
wrongly() { echo "$*" >&2; exit 2; }
[ $# -gt 0 ] || wrongly "pack, unpack FILE, plan, or stages:" $stages
for seconds in "$limit" "${LEFT:-0}"; do
  [[ $seconds =~ ^[0-9]+$ ]] || wrongly "STAGE_SECONDS and LEFT are whole seconds: $seconds"
done
case $1 in
  pack | plan) [ $# -eq 1 ] || wrongly "$1 takes nothing more: $2" ;;
  unpack) [ $# -eq 2 ] || wrongly "which results.tar.gz? run_gpu.sh unpack FILE" ;;
  *) for stage in "$@"; do declare -F "stage_$stage" > /dev/null || wrongly "there is no stage $stage; there are:" $stages; done ;;
esac
if [ "$1" = unpack ]; then unpack "$2"; exit; fi
alone
if [ "$1" = pack ]; then pack; exit; fi
mkdir -p "$out" && touch "$out/stages.txt" || exit
if [ "$1" = plan ]; then do_plan; exit; fi
failed=0
for stage in "$@"; do run_stage "$stage" "$limit" || failed=1; done
exit $failed
