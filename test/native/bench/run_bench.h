// Runs octet-native-bench's command line inside the test and keeps what it printed.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <string>
#include <vector>

#include "bench/command.h"

namespace octet::bench {

struct BenchRun {
  int code = 0;
  std::string text, progress;  ///< Standard output, error output.

  int lines_with(const std::string& part) const {
    int count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
    return count;
  }
};

inline BenchRun run_bench(std::initializer_list<const char*> words) {
  const std::vector<const char*> all(words);
  BenchRun run;
  std::FILE* const files[] = {std::tmpfile(), std::tmpfile()};
  run.code = run_command_line(all, files[0], files[1]);
  std::string* const texts[] = {&run.text, &run.progress};
  for (int i = 0; i < 2; ++i) {
    std::rewind(files[i]);
    for (int c; (c = std::fgetc(files[i])) != EOF;) *texts[i] += static_cast<char>(c);
    std::fclose(files[i]);
  }
  return run;
}

}  // namespace octet::bench
