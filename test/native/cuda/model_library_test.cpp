// Loading a pair through the CUDA runtime's shared library as the addon does, from the file that the build has made: for the GPU
// where the tree is built with nvcc, else the same code with its kernels on the host.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>

#ifndef _WIN32
#include <dlfcn.h>
#endif

#include "addon/cuda_library.h"
#include "addon/loaded.h"
#include "collect.h"
#include "llama_fixture.h"
#include "runtimes/cuda/model/describe.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::addon;
using llama::kDraftFile;

namespace {

llama::LoadOptions small_pair(const std::string& device) {
  llama::LoadOptions options = llama::exact_options(kDraftFile, kDraftFile);
  options.device = device;
  options.lanes = 2;
  options.context_tokens = 256;
  return options;
}

Loaded start(const llama::LoadOptions& options, const CudaLibrary& cuda) {
  llama::start_backends();
  return start_engine(options, [](llama::LoadPhase, float) { return true; }, cuda);
}

Heard write(Engine& engine, int tokens) {
  Request request;
  request.prompt = engine.vocabulary().tokenize("def add(a, b):\n    return a", true, false);
  request.lanes = 2;
  request.max_new_tokens = tokens;
  request.sampling.temperature = 0;
  request.draft_length = DraftLengthSpec::parse("fixed:2");
  return run(engine, request);
}

std::unique_ptr<Runtime> no_memory(const cuda::PairSource&, const std::function<bool(cuda::MakingPhase, float)>&) {
  throw std::runtime_error("out of memory: so it is said");
}

}  // namespace

TEST_CASE("cuda library: a pair loaded through it writes what llama.cpp writes") {
  const CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  const Loaded loaded = start(small_pair("gpu"), cuda), plain = start(small_pair("cpu"), cuda);
  CHECK(loaded.runtime == "cuda");
  CHECK(plain.runtime == "llama");
  CHECK(loaded.device.name == "cuda");
  CHECK(loaded.notices.empty());
  CHECK(loaded.lanes == 2);
  CHECK(loaded.context_tokens == 256);
  CHECK(loaded.has_draft);
  const llama::MemoryEstimate& memory = loaded.memory;
  CHECK(memory.total == memory.target_weights + memory.draft_weights + memory.kv_cache + memory.compute);
  const Heard got = write(*loaded.engine, 6), want = write(*plain.engine, 6);
  REQUIRE_FALSE(got.error);
  REQUIRE(got.result.sequences.size() == 2);
  for (const SequenceResult& sequence : got.result.sequences) {
    REQUIRE(sequence.tokens.size() == 6);
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(sequence.tokens[i].token == want.result.sequences[0].tokens[i].token);
      CHECK(std::abs(sequence.tokens[i].logprob - want.result.sequences[0].tokens[i].logprob) < 0.1f);
    }
  }
}

TEST_CASE("cuda and llama.cpp: spare lanes are the engine's, and no single request's promise") {
  const CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  for (const std::string device : {"gpu", "cpu"}) {
    CAPTURE(device);
    llama::LoadOptions options = small_pair(device);
    options.spare_lanes = 3;
    const Loaded loaded = start(options, cuda);
    CHECK(loaded.runtime == (device == "gpu" ? "cuda" : "llama"));
    CHECK(loaded.lanes == 2);
    CHECK(loaded.spare_lanes == 3);
    CHECK(loaded.engine->info().max_lanes == 5);
  }
}

TEST_CASE("cuda library: what the memory is checked for counts cache, activations and steps") {
  const CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  const cuda::ModelSource model = cuda::describe_network(llama::open_parts(kDraftFile));
  cuda::PairSource source{.target = &model.source, .draft = &model.source, .vocabulary = 512, .lanes = 2};
  source.context_tokens = 256;
  source.cache_tokens = 512;
  const std::size_t two = cuda.library->work_bytes(source);
  source.lanes = 16;
  const std::size_t sixteen = cuda.library->work_bytes(source);
  source.draft = nullptr;
  const std::size_t alone = cuda.library->work_bytes(source);
  CHECK(two < sixteen);
  CHECK(sixteen - two >= std::size_t{14} * (kMaxDraftLength + 1) * 512 * sizeof(float));  // the target's logits at least
  CHECK(alone < sixteen);

  llama::LoadOptions options = small_pair("cuda");
  options.memory_limit_bytes = 3 << 20;
  CHECK_THROWS_AS(start(options, cuda), Error);
}

TEST_CASE("cuda library: its exceptions are the engine's own") {
  const CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  const cuda::ModelSource model = cuda::describe_network(llama::open_parts(kDraftFile));
  cuda::PairSource source{.target = &model.source, .vocabulary = 512, .lanes = 1, .context_tokens = 32, .cache_tokens = 64};
  const auto runtime = cuda.library->make_runtime(source, {});
  CHECK_THROWS_AS(runtime->open_prompt({std::vector<Token>(40, 1), 40}), CacheFull);
  source.cache_tokens = 1 << 30;
  CHECK_THROWS_WITH_AS(cuda.library->make_runtime(source, {}), doctest::Contains("out of memory"), std::runtime_error);
  source.cache_tokens = 64;
  CHECK(cuda.library->make_runtime(source, [](cuda::MakingPhase, float) { return false; }) == nullptr);
}

TEST_CASE("cuda library: plans are measured where a file is given, once, and a load can be given up meanwhile") {
  const CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  const octet::test::TemporaryFolder folder;
  const cuda::ModelSource model = cuda::describe_network(llama::open_parts(kDraftFile));
  cuda::PairSource source{.target = &model.source, .vocabulary = 512, .lanes = 1, .context_tokens = 32, .cache_tokens = 64};
  int measuring = 0, give_up_after = 1;
  std::vector<std::string> lines;
  source.log = [&](const std::string& line) { lines.push_back(line); };
  const auto made = [&] {
    measuring = 0;
    lines.clear();
    return cuda.library->make_runtime(source, [&](cuda::MakingPhase phase, float) {
      return phase != cuda::MakingPhase::kMeasuring || ++measuring < give_up_after;
    }) != nullptr;
  };
  CHECK(made());
  CHECK(measuring == 0);
  source.plans_file = folder / "plans.txt";
  CHECK_FALSE(made());
  CHECK_FALSE(std::filesystem::exists(source.plans_file));
  give_up_after = 1000;
  CHECK(made());
  CHECK(measuring > 0);
  CHECK(lines.size() == 1);
  CHECK(std::filesystem::exists(source.plans_file));
  CHECK(made());
  CHECK(measuring == 0);
  CHECK(lines.empty());
}

TEST_CASE("cuda library: a file that is missing, or another's, or of another version is not used, and the reason is said") {
  CHECK_FALSE(load_cuda_library("/nowhere/liboctet_cuda.so").library);
  CHECK(load_cuda_library("/nowhere/liboctet_cuda.so").reason.find("not part of this build") != std::string::npos);
#ifdef __linux__
  CHECK(load_cuda_library("libm.so.6").reason.find("not one of Octet's") != std::string::npos);
  void* const library = dlopen(OCTET_TEST_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library);
  CHECK(dlsym(library, "octet_cuda_library"));
  dlclose(library);
#endif
}

#ifdef __linux__
TEST_CASE("cuda library: it exports its one door and nothing else") {
  FILE* const listing = popen("nm -D --defined-only --format=posix '" OCTET_TEST_CUDA_LIBRARY "'", "r");
  REQUIRE(listing);
  std::string names;
  for (char line[4096]; std::fgets(line, sizeof line, listing);) {
    const std::string name(line, std::strcspn(line, " \n"));
    names += name + "\n";
  }
  CHECK(pclose(listing) == 0);
  CHECK(names == "octet_cuda_library\n");
}
#endif

TEST_CASE("cuda library: one of another version, or left from another build, is not used") {
  const CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  CHECK(checked(*cuda.library).library == cuda.library);
  cuda::Library other = *cuda.library;
  other.version = cuda::kLibraryVersion - 1;
  other.build = nullptr;  // may lie beyond its end
  CHECK(checked(other).reason.find("another version") != std::string::npos);
  other = *cuda.library;
  std::string build = cuda::kBuild;
  CHECK(build.size() == std::string_view("octet-cuda-build:").size() + 64);
  build.back() = build.back() == '0' ? '1' : '0';
  other.build = build.c_str();
  CHECK_FALSE(checked(other).library);
  CHECK(checked(other).reason.find("another build") != std::string::npos);
}

TEST_CASE("cuda library: where it cannot take a pair, llama.cpp does and says why; asked for by name, it is an error") {
  CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  cuda::Library poor = *cuda.library;
  poor.make_runtime = no_memory;
  cuda.library = &poor;
  const Loaded loaded = start(small_pair("auto"), cuda);
  CHECK(loaded.runtime == "llama");
  REQUIRE_FALSE(loaded.notices.empty());
  CHECK(loaded.notices.back().find("instead of the CUDA runtime") != std::string::npos);
  CHECK(loaded.notices.back().find("so it is said") != std::string::npos);
  CHECK_THROWS_AS(start(small_pair("cuda"), cuda), Error);
  CHECK_THROWS_AS(start(small_pair("cuda"), CudaLibrary{nullptr, "it is not there"}), Error);
  CHECK(start(small_pair("auto"), CudaLibrary{nullptr, "it is not there"}).runtime == "llama");
}

TEST_CASE("cuda library: where there is room for but one lane of several, llama.cpp places the pair, unless it is asked for by name or has no GPU") {
  const CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  // The least memory in which it loads at all: that is one lane's.
  llama::LoadOptions options = small_pair("cuda");
  std::uint64_t least = 0;
  for (std::uint64_t step = 512 << 20; step > 4096; step /= 2) {
    options.memory_limit_bytes = least + step;
    try {
      start(options, cuda);
    } catch (const Error&) {
      least += step;
    }
  }
  options.memory_limit_bytes = least + 8192;
  for (const std::string device : {"cuda", "gpu"}) {  // llama.cpp has no GPU here
    options.device = device;
    const Loaded asked = start(options, cuda);
    CHECK(asked.runtime == "cuda");
    CHECK(asked.lanes == 1);
  }
  options.device = "auto";
  const Loaded placed = start(options, cuda);
  CHECK(placed.runtime == "llama");
  CHECK(placed.notices.back().find(" has room for no more than 1 lane of 256 tokens") != std::string::npos);
}

TEST_CASE("cuda library: where llama.cpp has no room for the pair either, one lane on the GPU is better than none") {
  CudaLibrary cuda = load_cuda_library(OCTET_TEST_CUDA_LIBRARY);
  REQUIRE_MESSAGE(cuda.library, cuda.reason);
  cuda::Library small = *cuda.library;
  // A GPU with room for no lane to speak of by its count, where the machine has less.
  small.weight_bytes = [](const cuda::NetworkSource&) { return std::size_t{0}; };
  small.work_bytes = [](const cuda::PairSource& source) { return source.lanes > 1 ? std::size_t{1} << 40 : std::size_t{0}; };
  cuda.library = &small;
  llama::LoadOptions options = small_pair("auto");
  options.memory_limit_bytes = 1 << 21;  // the weights of the pair alone are more, by llama.cpp
  const Loaded loaded = start(options, cuda);
  CHECK(loaded.runtime == "cuda");
  CHECK(loaded.lanes == 1);
}
