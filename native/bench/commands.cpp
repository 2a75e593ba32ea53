#include <exception>
#include <string_view>
#include <vector>

#include "bench/command.h"
#include "bench/copy_bench.h"
#include "bench/interrupt.h"
#include "bench/timing.h"

namespace octet::bench {
namespace {

const Command* const kCommands[] = {&kProductsCommand, &kAttentionCommand, &kStepsCommand, &kSamplingCommand, &kDecodeCommand};

constexpr Option kJson{"--json", "FILE", "write everything there too, as JSON"};
constexpr Option kOnce{"--once", nullptr, "each row once, not warmed up: for counters; its times mean nothing"};

void print_help(std::FILE* to) {
  std::fprintf(to, "octet-native-bench: the CUDA runtime measured, without Node.\n\nusage: octet-native-bench COMMAND [OPTIONS]\n\n");
  for (const Command* command : kCommands) std::fprintf(to, "  %-10s %s\n", command->name, command->does);
  std::fprintf(to, "\noctet-native-bench COMMAND --help lists a command's options.\n");
}

void print_help(std::FILE* to, const Command& command, std::span<const Option> options) {
  std::fprintf(to, "octet-native-bench %s: %s\n\n", command.name, command.does);
  for (const Option& option : options)
    std::fprintf(to, "  %-18s %-8s %s\n", option.name, option.value ? option.value : "", option.help);
}

const Command& command_named(std::string_view name) {
  for (const Command* command : kCommands)
    if (name == command->name) return *command;
  throw Usage("there is no command \"" + std::string(name) + "\"; --help lists those there are");
}

void run(const Command& command, std::span<const char* const> words, std::FILE* text, std::FILE* progress) {
  std::vector<Option> options(command.options.begin(), command.options.end());
  options.push_back(kJson);
  if (&command != &kDecodeCommand) options.push_back(kOnce);
  if (!words.empty() && std::string_view(words[0]) == "--help") return print_help(text, command, options);
  const Arguments arguments(options, words);
  only_once = arguments.has("--once");
  Report report(text, progress, arguments.text("--json", ""));
  report.fact("command", "command", std::string(command.name) + (arguments.line().empty() ? "" : " ") + arguments.line());
  command.run(arguments, report);
}

}  // namespace

int run_command_line(std::span<const char* const> words, std::FILE* text, std::FILE* progress) {
  const auto failed = [&](const char* reason, int code) {
    std::fflush(text);
    std::fprintf(progress, "octet-native-bench: %s\n", reason);
    return code;
  };
  try {
    if (words.empty()) throw Usage("which command? --help lists them");
    if (std::string_view(words[0]) == "--help") print_help(text);
    else run(command_named(words[0]), words.subspan(1), text, progress);
    return 0;
  } catch (const Usage& error) {
    return failed(error.what(), 2);
  } catch (const Interrupted& error) {
    return failed(error.what(), 130);
  } catch (const std::exception& error) {
    return failed(error.what(), 1);
  }
}

}  // namespace octet::bench
