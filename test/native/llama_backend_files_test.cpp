// Which libraries of a folder are backends, and that a CPU variant is chosen which runs here.
#include <doctest/doctest.h>

#include <fstream>

#include "llama_fixture.h"
#include "runtimes/llama/backend_files.h"
#include "runtimes/llama/shared_library.h"
#include "temporary_folder.h"

using namespace octet::llama;
namespace fs = std::filesystem;

TEST_CASE("a folder's backends are known by their names") {
  const octet::test::TemporaryFolder folder;
  for (const char* name : {"libggml-vulkan.so", "ggml-cuda.dll", "libggml-cpu-haswell.so", "libggml-cpu.so", "libggml-base.so", "libggml.so",
                           "libggml.vulkan.v0.5.0.so", "libllama.so", "libggml-vulkan.txt", "not-ggml-vulkan.so"}) {
    std::ofstream(folder / name) << "nothing";
  }
  std::string found;
  for (const BackendFile& file : backend_files(folder.path())) found += file.backend + " ";
  CHECK(found == "cuda cpu cpu vulkan ");
  CHECK(backend_files(folder / "none").empty());
  CHECK(best_cpu_backend(backend_files(folder.path())).filename() == "libggml-cpu.so");  // the variant is no library
}

TEST_CASE("of the CPU's variants one is chosen that runs here, and no other promises more") {
  const auto files = backend_files(OCTET_TEST_LIBRARIES);
  const fs::path best = best_cpu_backend(files);
  REQUIRE(!best.empty());
  const auto score = [](const fs::path& path) {
    const SharedLibrary library(path);
    REQUIRE(library);
    auto* const function = reinterpret_cast<int (*)()>(library.symbol("ggml_backend_score"));
    return function ? function() : 0;
  };
  for (const BackendFile& file : files) {
    if (file.backend == "cpu") CHECK(score(file.path) <= score(best));
  }
}

TEST_CASE("a library that cannot be opened says why") {
  const SharedLibrary missing("/no/such/library.so");
  CHECK(!missing);
  CHECK(missing.reason().find("/no/such/library.so") != std::string::npos);
}

TEST_CASE("backends of GPUs are told from others") {
  for (const char* name : {"vulkan", "metal", "cuda", "hip", "sycl", "opencl"}) CHECK(is_gpu_backend(name));
  for (const char* name : {"cpu", "blas", "rpc", ""}) CHECK(!is_gpu_backend(name));
}
