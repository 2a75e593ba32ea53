// octet-native-bench: the CUDA runtime measured. No Node; model files only where it is built with llama.cpp.
#include <span>

#include "bench/command.h"
#include "bench/interrupt.h"

int main(int count, char** words) {
  octet::bench::hear_interrupts();
  return octet::bench::run_command_line(std::span<const char* const>(words, static_cast<std::size_t>(count)).subspan(1), stdout, stderr);
}
