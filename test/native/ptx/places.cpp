#include "ptx/places.h"

#include "ptx/syntax.h"
#include "ptx/warp_run.h"

namespace octet::ptx {

namespace {

const std::string& path_of(const Kernel& kernel, const Place& place) {
  static const std::string unknown = "?";
  return place.file < kernel.module->files.size() ? kernel.module->files[place.file] : unknown;
}

std::string line_of(const Kernel& kernel, const Place& place) {
  const std::string& path = path_of(kernel, place);
  return path.substr(path.rfind('/') + 1).append(":").append(std::to_string(place.line));
}

std::string triple(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  return std::string("(").append(std::to_string(x)).append(",").append(std::to_string(y)).append(",").append(std::to_string(z)).append(")");
}

}  // namespace

std::string place_text(const Kernel& kernel, std::uint32_t place) {
  std::string text;
  for (; place != kNone; place = kernel.places[place].parent)
    text.append(text.empty() ? "" : ", inlined at ").append(line_of(kernel, kernel.places[place]));
  return text.empty() ? "?" : text;
}

std::string own_line(const Kernel& kernel, std::uint32_t place) {
  std::string text = "?";
  for (; place != kNone; place = kernel.places[place].parent) {
    text = line_of(kernel, kernel.places[place]);
    if (path_of(kernel, kernel.places[place]).find("/kernels/") != std::string::npos) break;
  }
  return text;
}

void fault(const Warp& w, int lane, const std::string& what) {
  const Kernel& kernel = *w.grid->kernel;
  const Launch& launch = *w.grid->launch;
  const Instruction& i = kernel.code[w.pc];
  const std::uint32_t thread = w.index * kLanes + static_cast<std::uint32_t>(lane);
  const auto& b = w.grid->block;
  throw Fault("kernel " + kernel.name + ", block " + triple(b[0], b[1], b[2]) + ", thread " +
              triple(thread % launch.block[0], thread / launch.block[0] % launch.block[1], thread / launch.block[0] / launch.block[1]) + ", " +
              place_text(kernel, i.place) + " (PTX line " + std::to_string(i.line) + ", " + kernel.spellings[i.spelling] + "): " + what);
}

}  // namespace octet::ptx
