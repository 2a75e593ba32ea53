// The test program's beginning. Built for a GPU where there is none, it says so once and fails, instead of every case that asks for one.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <exception>

#include "runtimes/cuda/device/stream.h"

int main(int count, char** arguments) {
  try {
    octet::cuda::device_info();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "octet-native-test: %s\n", error.what());
    return 1;
  }
  return doctest::Context(count, arguments).run();
}
