// Damaged model files: each is refused with one clear line or runs; nothing crashes or hangs. POSIX only (it forks).
#include <doctest/doctest.h>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

#include "gguf_editor.h"
#include "llama_fixture.h"

using namespace octet;
using namespace octet::llama;
using octet::test::GgufBytes;

namespace {

namespace fs = std::filesystem;

// Of computing; and of waiting, should it wait for something that never comes: a busy machine needs much longer than a free one.
constexpr unsigned kSecondsAllowed = 20, kSecondsToWait = 300;

/// Runs `body` in a child process. Returns an empty text if it ended well, else how it ended.
std::string run_in_child(const std::function<bool()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    for (int caught : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) std::signal(caught, SIG_DFL);
    const rlimit seconds{kSecondsAllowed, kSecondsAllowed};
    setrlimit(RLIMIT_CPU, &seconds);
    alarm(kSecondsToWait);
    bool well = false;
    try {
      well = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "unexpected: %s\n", error.what());
    }
    std::fflush(nullptr);
    _exit(well ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "failed";
}

bool one_line(const Error& error) {
  const std::string message = error.what();
  const bool clear = message.size() > 10 && message.find('\n') == std::string::npos;
  if (!clear) std::fprintf(stderr, "not a clear line: \"%s\"\n", message.c_str());
  return clear;
}

bool survives(const std::string& path) {
  bool well = true;
  try {
    inspect(path);
  } catch (const Error& error) {
    well = one_line(error) && (error.code == ErrorCode::kModelDamaged || error.code == ErrorCode::kModelNotFound);
    if (!well) std::fprintf(stderr, "inspect: %s: %s\n", name(error.code), error.what());
  }
  try {
    LoadOptions options = exact_options(path);
    options.lanes = 2;
    options.context_tokens = 256;
    options.memory_limit_bytes = std::uint64_t{1} << 30;
    LoadedPair pair = load_pair(options);
    std::vector<Row> rows;
    const char* const text = "def add(a, b):\n    return <|fim_middle|> \xF0\x9F\x8E\x89";
    for (Token token : pair.vocabulary->tokenize(text, true, true)) {
      rows.push_back({0, token, static_cast<int>(rows.size()), true});
    }
    if (rows.empty()) return well;
    pair.target->decode(rows);
    for (int i = 0; i < static_cast<int>(rows.size()); ++i) pair.target->logits(i);
    for (Token token = 0; token < pair.vocabulary->size(); ++token) pair.vocabulary->bytes(token);
  } catch (const Error& error) {
    well = one_line(error) && well;
  }
  return well;
}

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) { return static_cast<std::size_t>(random() % bound); }

const std::uint64_t kExtremes[] = {0, 1, 2, 3, 7, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                                   0x100000000, 0x7FC00000, 0x7F800000, 0xBF800000,
                                   0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF};

std::uint64_t extreme(Random& random) { return kExtremes[below(random, std::size(kExtremes))]; }

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  if (at + width <= bytes.size()) std::memcpy(bytes.data() + at, &value, width);
}

/// A place in the header: the scalars before the token list, the token list, or the tensor table.
std::size_t place(Random& random, std::size_t header) {
  switch (below(random, 4)) {
    case 0: return below(random, 24);
    case 1: return below(random, 900);
    case 2: return header - 1 - below(random, std::min<std::size_t>(1400, header - 1));
    default: return below(random, header);
  }
}

/// Writes one damaged variant of `original`; `header` is the length of its header.
void damage(const std::string& original, const GgufBytes& parts, std::size_t header, Random& random,
            const std::string& path) {
  std::string bytes = original;
  switch (below(random, 7)) {
    case 0:
      for (std::size_t flips = 1 + below(random, 8); flips > 0; --flips) {
        bytes[place(random, header)] ^= static_cast<char>(1 << below(random, 8));
      }
      break;
    case 1:
      bytes.resize(below(random, 3) == 0 ? below(random, bytes.size()) : below(random, header));
      break;
    case 2:
      put(bytes, place(random, header), extreme(random), 8);
      break;
    case 3:
      put(bytes, 8 + 8 * below(random, 2), below(random, 2) ? extreme(random) : below(random, 64), 8);
      break;
    case 4: {  // a type: of a value, of an array's elements, of a tensor
      GgufBytes edited = parts;
      if (below(random, 2)) {
        auto& body = edited.metadata[below(random, edited.metadata.size())].body;
        put(body, body[0] == 9 && below(random, 2) ? 4 : 0, below(random, 16), 4);
      } else {
        auto& body = edited.tensors[below(random, edited.tensors.size())].body;
        put(body, body.size() - 12, below(random, 48), 4);
      }
      edited.write(path);
      return;
    }
    case 5: {  // a value: of a number, of a shape, of an array's length or element
      GgufBytes edited = parts;
      const std::uint64_t value = below(random, 2) ? extreme(random) : below(random, 9000);
      if (below(random, 3)) {
        auto& body = edited.metadata[below(random, edited.metadata.size())].body;
        if (body[0] == 9) put(body, below(random, 2) ? 8 : 16 + below(random, body.size() - 16), value, 4);
        else put(body, 4, value, std::min<std::size_t>(8, body.size() - 4));
      } else {
        auto& body = edited.tensors[below(random, edited.tensors.size())].body;
        put(body, 4 * below(random, body.size() / 4), value, 8);
      }
      edited.write(path);
      return;
    }
    default: {  // an entry lost, doubled or renamed
      GgufBytes edited = parts;
      auto& entries = below(random, 2) ? edited.metadata : edited.tensors;
      const std::size_t which = below(random, entries.size());
      switch (below(random, 3)) {
        case 0: entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(which)); break;
        case 1: entries.push_back(entries[which]); break;
        default: entries[which].name += "x";
      }
      edited.write(path);
      return;
    }
  }
  test::write_file(path, bytes);
}

}  // namespace

TEST_CASE("600 damaged headers are refused or run") {
  start_backends();
  const std::string name = "octet-damaged-" + std::to_string(getpid()) + ".gguf";
  const std::string path = (fs::temp_directory_path() / name).string();
  struct Source {
    std::string file;
    int variants;
  };
  int seed = 0;
  for (const Source& source : {Source{kDraftFile, 600}, Source{kStoriesFile, 100}}) {
    const std::string original = test::read_file(source.file);
    const GgufBytes parts(source.file);
    const std::size_t header = original.size() - parts.data.size();
    // OCTET_DAMAGE_TIMES=50 tries fifty times as many; OCTET_DAMAGE_SEED=n repeats one and leaves its file.
    const char* const times = std::getenv("OCTET_DAMAGE_TIMES");
    const char* const only = std::getenv("OCTET_DAMAGE_SEED");
    const int end = seed + source.variants * (times ? std::atoi(times) : 1);
    for (; seed < end; ++seed) {
      if (only && std::atoi(only) != seed) continue;
      Random random(static_cast<std::uint64_t>(seed) + 1);
      damage(original, parts, header, random, path);
      const std::string result = run_in_child([&] { return survives(path); });
      CHECK_MESSAGE(result.empty(), "variant ", seed, ": ", result);
    }
  }
  if (!std::getenv("OCTET_DAMAGE_SEED")) fs::remove(path);
}
#endif
