// Routes llama.cpp's log to one callback and keeps its error lines, which are often the only reason it gives.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "runtimes/llama/load.h"

namespace octet::llama {

/// Replaces the callback. Nothing of llama.cpp's log reaches stderr afterwards. Thread-safe; the callback is called by
/// whatever thread logs, one line at a time, without the line end.
void route_log(std::function<void(LogLevel, const std::string&)> callback);

/// The text with everything but printable ASCII replaced by '?': what a damaged file says must not spoil a message.
std::string printable(std::string text);

/// One line of our own into the same log.
void write_log(LogLevel level, const std::string& line);

/// Collects the error lines llama.cpp logs on this thread while it lives. What it logs once `given_up` is true is expected.
class ErrorLines {
 public:
  explicit ErrorLines(const std::atomic<bool>* given_up = nullptr);
  ~ErrorLines();
  ErrorLines(const ErrorLines&) = delete;
  ErrorLines& operator=(const ErrorLines&) = delete;

  /// The first line, which names the cause, without llama.cpp's function name before it; empty if there was none.
  std::string first() const;

 private:
  const std::atomic<bool>* before_;
};

/// While it lives, errors logged on this thread are expected and count as details for debugging.
class ExpectedErrors {
 public:
  ExpectedErrors();
  ~ExpectedErrors();
  ExpectedErrors(const ExpectedErrors&) = delete;
  ExpectedErrors& operator=(const ExpectedErrors&) = delete;
};

}  // namespace octet::llama
