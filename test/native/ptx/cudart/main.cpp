// octet-ptx-test: cases whose kernels run as nvcc compiled them. A fault of the machine makes the run fail. Without arguments: cases that
// together go through every kernel in little time; -tc="*" runs all.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include <cuda_runtime_api.h>

namespace {

constexpr const char* kChosen[] = {
    "cudart:*",
    "cuda device:*",
    "cuda layers:*",
};

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context;
  context.setOption("no-colors", true);
  if (argc == 1)
    for (const char* cases : kChosen) context.addFilter("test-case", cases);
  context.applyCommandLine(argc, argv);
  const int failed = context.run();
  const cudaError_t left = cudaDeviceSynchronize();  // work that nobody waited for is done too
  if (left != cudaSuccess) std::fprintf(stderr, "the PTX machine stopped: %s\n", cudaGetErrorString(left));
  return failed != 0 || left != cudaSuccess;
}
