// Blocks, and the warps of a block in turns.
#include "ptx/machine.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "ptx/places.h"
#include "ptx/syntax.h"
#include "ptx/warp_run.h"

namespace octet::ptx {
namespace {

struct Random {  // splitmix64
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
};

void poison(std::byte* p, std::size_t bytes) {
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) std::memcpy(p + i, &kPoison, 4);
  std::memcpy(p + bytes / 4 * 4, &kPoison, bytes % 4);
}

std::byte* aligned(std::byte* p) { return reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(p) + 63) / 64 * 64); }

void set_special(Warp& w, const SpecialRow& special) {
  const Launch& launch = *w.grid->launch;
  auto* row = reinterpret_cast<std::uint32_t*>(w.base[0] + special.row);
  for (std::uint32_t l = 0; l < kLanes; ++l) {
    std::uint32_t rest = w.index * kLanes + l, tid[3];
    for (int d = 0; d < 3; ++d) {
      tid[d] = rest % launch.block[d];
      rest /= launch.block[d];
    }
    const int d = special.which % 3;
    switch (special.which / 3) {
      case 0: row[l] = tid[d]; break;
      case 1: row[l] = w.grid->block[d]; break;
      case 2: row[l] = launch.block[d]; break;
      case 3: row[l] = launch.grid[d]; break;
      default: row[l] = d == 0 ? l : w.index; break;
    }
  }
}

void begin(Warp& w, GridRun& grid, std::uint32_t index, std::uint32_t threads, std::byte* constants) {
  const Kernel& kernel = *grid.kernel;
  w.grid = &grid;
  w.index = index;
  const std::uint32_t lanes = std::min<std::uint32_t>(kLanes, threads - index * kLanes);
  w.exist = w.live = lanes == kLanes ? ~0u : (1u << lanes) - 1;
  w.range_begin = 1;
  w.range_end = 0;
  if (w.registers.size() < kernel.register_bytes + 64) w.registers.resize(kernel.register_bytes + 64);
  w.base = {aligned(w.registers.data()), constants};
  w.local_bytes = kernel.local_bytes;
  if (w.frames.size() < kernel.local_bytes * kLanes + 64) w.frames.resize(kernel.local_bytes * kLanes + 64);
  w.local = aligned(w.frames.data());
  poison(w.local, kernel.local_bytes * kLanes);
  for (const auto& [row, bytes] : kernel.poisoned) poison(w.base[0] + row, bytes);
  for (const SpecialRow& special : kernel.specials) set_special(w, special);
  for (AsyncQueue& queue : w.async) {
    queue.copies.clear();
    queue.head = 0;
    queue.committed = 0;
    queue.landed.clear();
  }
  w.products = {};
  w.groups.assign(1, {0, w.exist, false});
  w.at_barrier = false;
}

/// All of a block's warps to their end.
void run_block(GridRun& grid, std::span<Warp> warps, Random* random) {
  const std::uint64_t limit = grid.launch->instruction_limit != 0 ? grid.launch->instruction_limit : std::uint64_t{1} << 40;
  const std::uint64_t last = grid.counts.instructions + limit;
  std::vector<std::uint32_t> ready(warps.size());
  std::iota(ready.begin(), ready.end(), 0u);
  std::size_t waiting = 0;
  const Warp* done = nullptr;
  for (std::size_t turn = 0; !ready.empty() || waiting != 0;) {
    if (ready.empty()) {  // all that are left wait at the barrier
      for (const Warp& w : warps)
        if (w.at_barrier && done != nullptr)
          fault(w, std::countr_zero(w.live), "waits at a barrier that warp " + std::to_string(done->index) + " has returned before");
      for (Warp& w : warps) w.at_barrier = false;
      grid.counts.barriers += warps.size();
      waiting = 0;
      ready.resize(warps.size());
      std::iota(ready.begin(), ready.end(), 0u);
    }
    const std::size_t at = random != nullptr ? random->below(ready.size()) : turn++ % ready.size();
    Warp& w = warps[ready[at]];
    const Stop stop = run_warp(w, random != nullptr ? 1 + random->below(200) : 20000);
    if (stop == Stop::kQuantum) {
      if (grid.counts.instructions > last)
        fault(w, std::countr_zero(w.live), "the block has run for more than " + std::to_string(limit) + " instructions");
      continue;
    }
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(at));
    if (random == nullptr && turn > 0) --turn;
    if (stop == Stop::kDone) {
      done = &w;
    } else {
      w.at_barrier = true;
      ++waiting;
    }
  }
}

std::uint64_t seed_of(const Launch& launch) {
  if (launch.seed != 0) return launch.seed;
  const char* text = std::getenv("OCTET_PTX_SEED");
  if (text == nullptr || *text == 0) return 0;
  char* end = nullptr;
  const std::uint64_t seed = std::strtoull(text, &end, 10);
  if (*end != 0) throw std::invalid_argument("OCTET_PTX_SEED is a number, not \"" + std::string(text) + '"');
  return seed;
}

std::uint32_t check(const Kernel& kernel, const Launch& launch) {
  const auto refuse = [&](const std::string& why) { throw std::invalid_argument("launch of " + kernel.name + ": " + why); };
  std::uint64_t threads = 1, blocks = 1;
  for (int d = 0; d < 3; ++d) {
    threads *= launch.block[d];
    blocks *= launch.grid[d];
  }
  const auto limit = static_cast<std::uint64_t>(kernel.max_threads);
  if (threads == 0 || threads > limit) refuse(std::to_string(threads) + " threads a block, of at most " + std::to_string(limit));
  if (blocks == 0 || launch.grid[1] > 65535 || launch.grid[2] > 65535 || launch.grid[0] > 0x7fffffffu) refuse("a grid of no or too many blocks");
  if (launch.parameters.size() != kernel.parameter_bytes)
    refuse(std::to_string(launch.parameters.size()) + " bytes of parameters for " + std::to_string(kernel.parameter_bytes));
  return static_cast<std::uint32_t>(threads);
}

void add_lines(const Kernel& kernel, const std::vector<Counts::Line>& by_instruction, Counts& counts) {
  for (std::size_t pc = 0; pc < by_instruction.size(); ++pc) {
    if (by_instruction[pc].instructions == 0) continue;
    Counts::Line& line = counts.lines[own_line(kernel, kernel.code[pc].place)];
    line.instructions += by_instruction[pc].instructions;
    line.conflicts += by_instruction[pc].conflicts;
  }
}

}  // namespace

void run(const Kernel& kernel, const Launch& launch, Memory& memory, Counts& counts) {
  const std::uint32_t threads = check(kernel, launch), warps_needed = (threads + kLanes - 1) / kLanes;
  const std::uint64_t seed = seed_of(launch);
  Random random{seed};
  GridRun grid{.kernel = &kernel, .launch = &launch, .memory = &memory, .own = kernel.module->globals};
  const std::size_t dynamic = (kernel.static_shared + kernel.dynamic_align - 1) / kernel.dynamic_align * kernel.dynamic_align;
  const std::size_t shared = launch.dynamic_shared == 0 ? kernel.static_shared : dynamic + launch.dynamic_shared;
  thread_local std::vector<Warp> pool;  // keeps its registers from launch to launch
  if (pool.size() < warps_needed) pool.resize(warps_needed);
  std::vector<std::byte> constants(kernel.constants.size() + 64);
  std::byte* first_constant = aligned(constants.data());
  if (!kernel.constants.empty()) std::memcpy(first_constant, kernel.constants.data(), kernel.constants.size());

  const std::uint64_t blocks = std::uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
  std::vector<std::uint32_t> order;
  if (seed != 0) {
    order.resize(blocks);
    std::iota(order.begin(), order.end(), 0u);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  }
  const std::span<Warp> warps(pool.data(), warps_needed);
  grid.shared.resize(shared);
  grid.counts.launches = 1;
  if (!counts.lines_of.empty() && kernel.name.find(counts.lines_of) != std::string::npos) grid.by_instruction.resize(kernel.code.size());
  for (std::uint64_t b = 0; b < blocks; ++b) {
    const std::uint64_t number = seed != 0 ? order[b] : b;
    grid.block = {static_cast<std::uint32_t>(number % launch.grid[0]), static_cast<std::uint32_t>(number / launch.grid[0] % launch.grid[1]),
                  static_cast<std::uint32_t>(number / launch.grid[0] / launch.grid[1])};
    poison(grid.shared.data(), shared);
    grid.unshown.assign((shared + 3) / 4, 0);
    grid.descriptors.assign((warps_needed + 3) / 4, {});
    for (std::uint32_t w = 0; w < warps_needed; ++w) begin(warps[w], grid, w, threads, first_constant);
    run_block(grid, warps, seed != 0 ? &random : nullptr);
    ++grid.counts.blocks;
  }
  counts.kernels[kernel.name] += grid.counts;
  add_lines(kernel, grid.by_instruction, counts);
}

}  // namespace octet::ptx
