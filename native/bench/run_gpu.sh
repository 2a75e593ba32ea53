#!/usr/bin/env bash
# Builds and measures the CUDA runtime on a machine with an NVIDIA GPU, in stages of less than ten minutes each.
#
#   native/bench/run_gpu.sh pack            before, where the npm packages are: gathers what that machine may lack in build/gpu-parts
#   OUT=folder native/bench/run_gpu.sh STAGE...      there; needs bash, cmake, g++, nvcc; no network. Without a stage: lists them.
#
# What a stage prints is in $OUT/STAGE.log, its tables also in $OUT/*.json; $OUT/stages.txt has a line for each stage that ended.
# A stage that fails or runs out of time (STAGE_SECONDS, 570) does not stop the next; the exit code is 1 if any did.
set -uo pipefail
cd "$(dirname "$0")/../.."

out=${OUT:-build/gpu-out}
build=${BUILD:-build/gpu}
limit=${STAGE_SECONDS:-570}
parts=build/gpu-parts
bench=$build/octet-native-bench
tests=$build/tests/octet-native-test
small=models/octet-starter-6M-q8_0.gguf,models/octet-starter-1M-draft-q8_0.gguf

pack() {
  local libraries=${OCTET_LLAMA_LIBRARIES:-node_modules/@node-llama-cpp/linux-x64/bins/linux-x64}
  rm -rf $parts && mkdir -p $parts/lib $parts/headers/ggml $parts/doctest
  cp "$libraries"/libllama.v*.so "$libraries"/libggml*.so $parts/lib/
  cp -r .cache/llama.cpp/include $parts/headers/ && cp -r .cache/llama.cpp/ggml/include $parts/headers/ggml/
  cp "${DOCTEST_HEADER:-/usr/include/doctest/doctest.h}" $parts/doctest/
  du -sh $parts
}

# --- stages -------------------------------------------------------------------------------------------------------------------------

stage_build() {
  local capability options=()
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)
  nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.max.mem,power.limit,memory.total --format=csv
  nvcc --version | tail -2
  if [ -d $parts/lib ]; then
    options+=(-DOCTET_LLAMA_LIBRARIES="$PWD/$parts/lib" -DOCTET_LLAMA_HEADERS="$PWD/$parts/headers" -DDOCTEST_INCLUDE_DIR="$PWD/$parts")
  else
    echo "no $parts: without llama.cpp, so no cases with model files and no real acceptance"
  fi
  local doctest=ON
  [ -f $parts/doctest/doctest.h ] || [ -f /usr/include/doctest/doctest.h ] || { doctest=OFF; echo "no doctest: no tests"; }
  cmake -S native -B $build -DOCTET_CUDA=ON -DOCTET_TESTS=$doctest -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CUDA_ARCHITECTURES="${capability:-90}-real" "${options[@]}" || return
  cmake --build $build --target octet-native-bench --parallel "$(nproc)" || return
  [ $doctest = OFF ] || cmake --build $build --target octet-native-test --parallel "$(nproc)"
}

stage_tests() { $tests -tc="cuda*,bench*" -d; }

# Kernels alone: whole models under the sanitizer take longer than they tell. CASES chooses fewer where even those take too long.
under_sanitizer() { compute-sanitizer --tool "$1" --error-exitcode 1 $tests -tc="${CASES:-cuda*}" -tce="*model*,*runtime*,bench*" -d; }
stage_memcheck() { under_sanitizer memcheck; }
stage_racecheck() { under_sanitizer racecheck; }

stage_products() {
  $bench products --shape 7.8B,0.5B --formats bf16,q8_0,q4_k --rows 1,8,16,32,64,72,128,144 --json "$out/products.json"
}

stage_attention() { $bench attention --json "$out/attention.json"; }
stage_sampling() { $bench sampling --json "$out/sampling.json"; }

stage_steps() { $bench steps --draft-lengths 0,3,7 --json "$out/steps.json"; }

stage_steps_qwen() {
  $bench steps --target qwen2.5-coder-7b --draft qwen2.5-coder-0.5b --batches 1,8 --json "$out/steps-qwen-7b.json" &&
    $bench steps --target qwen2.5-coder-1.5b --draft none --batches 1,8 --json "$out/steps-qwen-1.5b.json"
}

stage_decode_simulated() { $bench decode --acceptance 0.8 --formats bf16 --json "$out/decode-simulated.json"; }

stage_decode_simulated_quantised() {
  $bench decode --acceptance 0.8 --formats q8_0,q4_k --batches 1,4,8,16 --json "$out/decode-simulated-quantised.json"
}

prompt_file() {
  find extension protocol webview -name '*.ts' -print0 | sort -z | xargs -0 cat > "$out/prompt.txt"
}

stage_decode_real() {
  prompt_file
  $bench decode --expand $small --prompt-file "$out/prompt.txt" --formats bf16 --json "$out/decode-real.json"
}

stage_decode_real_quantised() {
  prompt_file
  $bench decode --expand $small --prompt-file "$out/prompt.txt" --formats q8_0,q4_k --batches 1,4,8,16 --json "$out/decode-real-quantised.json"
}

stage_decode_qwen() {
  $bench decode --acceptance 0.8 --target qwen2.5-coder-7b --draft qwen2.5-coder-0.5b --formats bf16,q4_k --batches 1,8,16 --prompts 512 \
    --json "$out/decode-qwen-7b.json" &&
    $bench decode --acceptance 0.8 --target qwen2.5-coder-1.5b --draft qwen2.5-coder-0.5b --formats bf16 --batches 1,8 --prompts 512 \
      --json "$out/decode-qwen-1.5b.json"
}

# Longer drafts and every lane: where utilisation is best.
stage_utilisation() {
  $bench decode --acceptance 0.8 --formats bf16 --batches 8,16 --prompts 512 --draft-lengths none,fixed:7,fixed:15,fixed:24 \
    --json "$out/decode-utilisation.json"
}

# Kernels launched and waits made in a steady step: the same requests with 128 and with 384 tokens a lane. Whatever is called once a
# step is called more often in the second; what only setting up needs is not. In between lie graph launches, records and waits of
# events, and nothing else: no cudaLaunchKernel, no cudaStreamSynchronize, no cudaMemcpy of its own.
stage_profile() {
  command -v nsys > /dev/null || { echo "nsys is not here"; return 1; }
  local tokens
  for tokens in 128 384; do
    nsys profile --trace=cuda --cuda-graph-trace=graph --force-overwrite=true --output "$out/steady-$tokens" \
      $bench decode --acceptance 0.8 --formats bf16 --batches 8 --prompts 512 --draft-lengths fixed:7 --tokens $tokens --repeats 1 || return
    nsys stats --force-export=true --report cuda_api_sum --format csv --output "$out/steady-$tokens" "$out/steady-$tokens.nsys-rep" || return
  done
  echo "call: with 128 tokens, with 384, more"
  awk -F, 'FNR == 1 { file += 1; for (i = 1; i <= NF; ++i) column[$i] = i; next }
           { count[file, $column["Name"]] = $column["Num Calls"]; names[$column["Name"]] = 1 }
           END { for (name in names) printf "%s: %d, %d, %d\n", name, count[1, name], count[2, name], count[2, name] - count[1, name] }' \
    "$out"/steady-128_cuda_api_sum.csv "$out"/steady-384_cuda_api_sum.csv | sort
  rm -f "$out"/steady-*.sqlite
}

# What the products and the attention of a step do to memory, by the hardware's own counters. Needs permission to read them.
stage_counters() {
  command -v ncu > /dev/null || { echo "ncu is not here"; return 1; }
  ncu --graph-profiling node --metrics dram__throughput.avg.pct_of_peak_sustained_elapsed,dram__bytes_read.sum,gpu__time_duration.sum \
    --kernel-name 'regex:multiply|attend' --launch-count 300 --csv --log-file "$out/counters.csv" \
    $bench steps --formats bf16 --batches 8 --prompts 512 --draft-lengths 0,7 --repeats 1
}

# --- running them -------------------------------------------------------------------------------------------------------------------

stages=$(declare -F | sed -n 's/^declare -f stage_//p')
if [ $# -eq 0 ]; then
  echo "stages: pack" $stages
  exit 2
fi
if [ "$1" = pack ]; then
  pack
  exit
fi
for stage in "$@"; do
  declare -F "stage_$stage" > /dev/null || { echo "there is no stage $stage; there are: pack" $stages; exit 2; }
done
mkdir -p "$out"
failed=0
for stage in "$@"; do
  start=$SECONDS
  echo "== $stage"
  # A shell of its own under a limit, in which the functions and variables above are known.
  export out build parts bench tests small
  export -f prompt_file under_sanitizer "stage_$stage"
  timeout --kill-after=10 "$limit" bash -uo pipefail -c "stage_$stage" 2>&1 | tee "$out/$stage.log"
  code=${PIPESTATUS[0]}
  echo "$stage: exit code $code, $((SECONDS - start)) s" | tee -a "$out/stages.txt"
  [ "$code" -eq 0 ] || failed=1
done
exit $failed
