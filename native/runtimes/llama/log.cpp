// llama.cpp's log: pieces become lines, lines go to the callback, errors are remembered for the message to the user.
#include "runtimes/llama/log.h"

#include <llama.h>

#include <mutex>
#include <utility>

namespace octet::llama {
namespace {

struct Log {
  std::mutex mutex;
  std::function<void(LogLevel, const std::string&)> callback;
};

// The line that a thread is writing: two may load at once.
struct Line {
  std::string text;
  LogLevel level = LogLevel::kInfo;
};

// Never destroyed: backends may log while the process ends.
Log& shared_log() {
  static Log* log = new Log;
  return *log;
}

thread_local Line pending;
thread_local int collecting = 0, expecting = 0;
thread_local const std::atomic<bool>* giving_up = nullptr;
thread_local std::string first_error;

bool expected() { return expecting > 0 || (giving_up && giving_up->load(std::memory_order_relaxed)); }

LogLevel to_level(ggml_log_level level, LogLevel before) {
  switch (level) {
    case GGML_LOG_LEVEL_ERROR: return expected() ? LogLevel::kDebug : LogLevel::kError;
    case GGML_LOG_LEVEL_WARN: return giving_up && expected() ? LogLevel::kDebug : LogLevel::kWarning;
    case GGML_LOG_LEVEL_INFO: return LogLevel::kInfo;
    case GGML_LOG_LEVEL_CONT: return before;
    default: return LogLevel::kDebug;
  }
}

void deliver(const Log& log, const std::string& line) {
  if (line.empty()) return;
  if (pending.level == LogLevel::kError && collecting > 0 && first_error.empty()) first_error = line;
  if (log.callback) log.callback(pending.level, line);
}

// Called from C: must not throw.
void on_log(ggml_log_level level, const char* text, void*) {
  try {
    Log& log = shared_log();
    const std::lock_guard lock(log.mutex);
    if (level != GGML_LOG_LEVEL_CONT && !pending.text.empty()) deliver(log, std::exchange(pending.text, {}));
    pending.level = to_level(level, pending.level);
    pending.text += text ? text : "";
    std::size_t end = 0;
    while ((end = pending.text.find('\n')) != std::string::npos) {
      const std::string line = pending.text.substr(0, end);
      pending.text.erase(0, end + 1);
      deliver(log, line);
    }
  } catch (...) {
  }
}

}  // namespace

void route_log(std::function<void(LogLevel, const std::string&)> callback) {
  Log& log = shared_log();
  {
    const std::lock_guard lock(log.mutex);
    log.callback = std::move(callback);
  }
  llama_log_set(on_log, nullptr);
}

std::string printable(std::string text) {
  for (char& c : text) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return text;
}

void write_log(LogLevel level, const std::string& line) {
  Log& log = shared_log();
  const std::lock_guard lock(log.mutex);
  if (log.callback) log.callback(level, line);
}

ErrorLines::ErrorLines(const std::atomic<bool>* given_up) : before_(std::exchange(giving_up, given_up)) {
  if (collecting++ == 0) first_error.clear();
}

ErrorLines::~ErrorLines() {
  --collecting;
  giving_up = before_;
}

ExpectedErrors::ExpectedErrors() { ++expecting; }

ExpectedErrors::~ExpectedErrors() { --expecting; }

std::string ErrorLines::first() const {
  std::string line = first_error;
  const std::size_t name = line.find(": ");
  if (name != std::string::npos && line.find(' ') > name) line.erase(0, name + 2);
  return line;
}

}  // namespace octet::llama
