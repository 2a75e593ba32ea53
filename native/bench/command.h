// A subcommand of octet-native-bench. Each is a file of its own, named in the table of commands.cpp.
#pragma once

#include <cstdio>
#include <span>

#include "bench/arguments.h"
#include "bench/report.h"

namespace octet::bench {

struct Command {
  const char* name;
  const char* does;  ///< One sentence for the help.
  std::span<const Option> options;
  /// Throws Usage for values that make no sense, before anything is measured; Interrupted where a signal ended it.
  void (*run)(const Arguments& arguments, Report& report);
};

extern const Command kProductsCommand, kAttentionCommand, kStepsCommand, kSamplingCommand, kDecodeCommand;

/// The whole program: `words` without its name. Tables go to `text`, progress and errors to `progress`.
/// Exit code: 0, 1 for a device that fails, 2 for a command line that makes no sense, 130 when interrupted.
int run_command_line(std::span<const char* const> words, std::FILE* text, std::FILE* progress);

}  // namespace octet::bench
