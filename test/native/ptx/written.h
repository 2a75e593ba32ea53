// PTX written by hand, for the cases of the machine: an entry around a body, and a warp of 32 values in and out.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ptx/machine.h"

namespace octet::ptx::test {

using Lanes = std::array<std::uint32_t, 32>;

/// A module of one entry "k" with parameters p0, p1 ... of 64 bits, already in %d0, %d1 ...; %r0 is %tid.x, %d90 four times that.
/// Registers %p, %h (16 bits), %r, %f, %d, %e (float64). `dynamic` is shared memory of open length.
inline std::string written(const std::string& body, int parameters, const std::string& before = "") {
  std::string text = ".version 9.0\n.target sm_90\n.address_size 64\n.extern .shared .align 16 .b8 dynamic[];\n" + before + "\n.visible .entry k(";
  for (int p = 0; p < parameters; ++p) text += std::string(p == 0 ? "" : ", ") + ".param .u64 p" + std::to_string(p);
  text += ")\n{\n.reg .pred %p<20>; .reg .b16 %h<20>; .reg .b32 %r<100>; .reg .f32 %f<50>; .reg .b64 %d<100>; .reg .f64 %e<20>;\n";
  for (int p = 0; p < parameters; ++p) text += "ld.param.u64 %d" + std::to_string(p) + ", [p" + std::to_string(p) + "];\n";
  return text + "mov.u32 %r0, %tid.x;\nmul.wide.u32 %d90, %r0, 4;\n" + body + "\nret;\n}\n";
}

/// One launch over memory that the case owns.
struct Written {
  Module module;
  Memory memory;
  Counts counts;
  Launch launch;
  std::vector<std::uint64_t> parameters;

  Written(const std::string& body, int pointers, const std::string& before = "") : module(written(body, pointers, before)) {
    launch.block = {32, 1, 1};
  }
  template <class T>
  Written& with(std::vector<T>& buffer, const char* what = "buffer") {
    memory.add(buffer.data(), buffer.size() * sizeof(T), what);
    parameters.push_back(reinterpret_cast<std::uintptr_t>(buffer.data()));
    return *this;
  }
  const KernelCounts& run() {
    launch.parameters = std::as_bytes(std::span(parameters));
    ptx::run(*module.find("k"), launch, memory, counts);
    return counts.kernels.at("k");
  }
  /// The text of the fault; empty where there is none.
  std::string fault() {
    try {
      run();
    } catch (const Fault& fault) {
      return fault.what();
    }
    return "";
  }
};

inline bool holds(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' does not hold '" << part << "'");
  return found;
}

/// The body by 32 lanes: in[n] in %r(n + 1), of which %f(n + 1) has the same bits; the result is %r99.
inline Lanes by_lane(const std::string& body, const std::vector<Lanes>& in, std::size_t dynamic_shared = 0) {
  std::vector<std::uint32_t> memory(32 * (in.size() + 1));
  for (std::size_t n = 0; n < in.size(); ++n) std::memcpy(&memory[32 * (n + 1)], in[n].data(), 128);
  std::string text = "add.s64 %d91, %d0, %d90;\n";
  for (std::size_t n = 1; n <= in.size(); ++n) {
    const std::string number = std::to_string(n);
    text += "ld.global.u32 %r" + number + ", [%d91+" + std::to_string(128 * n) + "];\nmov.b32 %f" + number + ", %r" + number + ";\n";
  }
  Written w(text + body + "\nst.global.u32 [%d91], %r99;", 1);
  w.launch.dynamic_shared = dynamic_shared;
  w.with(memory).run();
  Lanes out;
  std::memcpy(out.data(), memory.data(), 128);
  return out;
}

/// Values that break arithmetic, and random ones.
inline Lanes values(std::mt19937& random, bool amounts = false) {
  static constexpr std::array<std::uint32_t, 9> edges = {0, 1, 0xffffffffu, 0x80000000u, 0x7fffffffu, 31, 32, 33, 0x10000u};
  Lanes v;
  for (auto& x : v) x = random() % 3 == 0 ? edges[random() % edges.size()] : amounts ? random() % 40 : static_cast<std::uint32_t>(random());
  return v;
}

inline float real(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
inline Lanes reals(std::mt19937& random, float scale = 1) {
  Lanes v;
  for (auto& x : v) x = bits(scale * (static_cast<float>(random() % 20001) - 10000) / 777.0f);
  return v;
}

}  // namespace octet::ptx::test
