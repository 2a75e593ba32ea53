// llama.cpp's log where several threads write it at once, and that a load's two files are read by two.
#include <doctest/doctest.h>
#include <llama.h>

#include <set>
#include <thread>

#include "llama_fixture.h"
#include "runtimes/llama/log.h"

using namespace octet;
using namespace octet::llama;

namespace {

/// While it lives, lines go to `callback`.
class LogTo {
 public:
  explicit LogTo(std::function<void(LogLevel, const std::string&)> callback) {
    start_backends();
    route_log(std::move(callback));
  }
  ~LogTo() { route_log(note_problem); }
  LogTo(const LogTo&) = delete;
};

}  // namespace

TEST_CASE("a line that comes in pieces stays whole while another thread logs") {
  std::vector<std::string> lines;
  const LogTo log([&](LogLevel level, const std::string& line) { lines.push_back(line + (level == LogLevel::kError ? "!" : "")); });
  ggml_log_callback write = nullptr;
  void* data = nullptr;
  llama_log_get(&write, &data);
  const ErrorLines errors;
  write(GGML_LOG_LEVEL_ERROR, "load: the file", data);
  std::thread([&] { write(GGML_LOG_LEVEL_INFO, "another file\n", data); }).join();
  write(GGML_LOG_LEVEL_CONT, " is damaged\n", data);
  CHECK(lines == std::vector<std::string>{"another file", "load: the file is damaged!"});
  CHECK(errors.first() == "the file is damaged");
}

TEST_CASE("the draft's file is examined beside the target's") {
  std::set<std::thread::id> readers;
  {
    const LogTo log([&](LogLevel, const std::string& line) {
      if (line.find("loaded meta data") != std::string::npos) readers.insert(std::this_thread::get_id());
    });
    load(exact_options(kTargetFile, kDraftFile), nullptr);
  }
  CHECK(readers.size() == 2);
}

TEST_CASE("of two files that cannot be loaded, the target's reason is given") {
  try {
    load_pair(exact_options("/no/target.gguf", "/no/draft.gguf"));
    FAIL("nothing was loaded");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kModelNotFound);
    CHECK(std::string(error.what()).find("target.gguf") != std::string::npos);
  }
}
