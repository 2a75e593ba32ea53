#include "ptx/warp_run.h"

#include <algorithm>
#include <bit>

namespace octet::ptx {
namespace {

std::string lanes_text(std::uint32_t mask) {
  std::string text;
  for (; mask != 0; mask &= mask - 1) text += (text.empty() ? "" : ", ") + std::to_string(std::countr_zero(mask));
  return text;
}

std::uint32_t read_mask(const Warp& w, std::uint32_t operand, int lane) {
  return reinterpret_cast<const std::uint32_t*>(w.base[operand >> 31] + (operand & ~kConstant))[lane];
}

/// By pc; groups that meet become one, which need no longer wait.
void regroup(std::vector<Group>& groups) {
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.pc < b.pc; });
  std::size_t n = 0;
  for (std::size_t i = 1; i < groups.size(); ++i)
    if (groups[i].pc == groups[n].pc) groups[n] = {groups[n].pc, groups[n].mask | groups[i].mask, false};
    else groups[++n] = groups[i];
  groups.resize(n + 1);
}

/// The lanes of `active` whose instruction's members are all at it. Faults where they never can be.
std::uint32_t assembled(const Warp& w, const Instruction& i, std::uint32_t active) {
  std::uint32_t ready = 0;
  for (std::uint32_t rest = active; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const std::uint32_t members = i.members == kNone ? ~0u : read_mask(w, i.members, lane);
    if ((members >> lane & 1) == 0) fault(w, lane, "takes part without being in the mask of lanes");
    if ((members & ~w.live) != 0)
      fault(w, lane, "waits for lanes that have returned or that the block does not have: " + lanes_text(members & ~w.live));
    if ((members & ~active) == 0) ready |= 1u << lane;
  }
  return ready;
}

[[noreturn]] void stuck(Warp& w) {
  const Group& first = w.groups.front();
  w.pc = first.pc;
  const Instruction& i = w.grid->kernel->code[first.pc];
  const int lane = std::countr_zero(first.mask);
  std::uint32_t wanted = i.kind == Kind::kBarrier ? w.exist : ~0u;
  if (i.kind != Kind::kBarrier && i.members != kNone) wanted = read_mask(w, i.members, lane);
  if ((wanted & ~w.live) != 0) fault(w, lane, "waits for lanes that have returned: " + lanes_text(wanted & ~w.live));
  fault(w, lane, "waits for lanes that wait elsewhere: " + lanes_text(wanted & ~first.mask));
}

void leave(Warp& w, std::uint32_t lanes) {
  if (lanes == 0) return;
  for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (!w.async[lane].empty())
      fault(w, lane, "returns with " + std::to_string(w.async[lane].copies.size() - w.async[lane].head) + " cp.async that no wait covers");
  }
  if (!w.products.pending.empty()) fault(w, std::countr_zero(lanes), "returns with wgmma.mma_async that no wait covers");
  w.live &= ~lanes;
}

}  // namespace

Stop run_warp(Warp& w, std::uint64_t quantum) {
  const Instruction* code = w.grid->kernel->code.data();
  KernelCounts& counts = w.grid->counts;
  Counts::Line* const lines = w.grid->by_instruction.empty() ? nullptr : w.grid->by_instruction.data();
  const std::uint64_t until = counts.instructions + quantum;
  std::vector<Group>& groups = w.groups;
  while (!groups.empty()) {
    if (groups.size() > 1) regroup(groups);
    const auto chosen = std::find_if(groups.begin(), groups.end(), [](const Group& g) { return !g.waiting; });
    if (chosen == groups.end()) stuck(w);
    const std::size_t at = static_cast<std::size_t>(chosen - groups.begin());
    const std::uint32_t mask = chosen->mask, meets = at + 1 < groups.size() ? groups[at + 1].pc : kNone;
    const bool alone = groups.size() == 1;
    const auto lanes = static_cast<unsigned>(std::popcount(mask));
    std::uint32_t pc = chosen->pc;
    for (bool going = true; going;) {
      const Instruction& i = code[pc];
      std::uint32_t active = mask;
      if (i.guard != kNone) {
        const std::uint32_t p = *reinterpret_cast<const std::uint32_t*>(w.base[0] + i.guard);
        active &= i.guard_negated ? ~p : p;
      }
      w.pc = pc;
      ++counts.instructions;
      counts.lane_instructions += lanes;
      if (lines != nullptr) ++lines[pc].instructions;
      switch (i.kind) {
        case Kind::kPlain:
          if (active != 0) {
            const std::uint64_t before = counts.shared_wavefronts - counts.shared_wavefronts_ideal;
            i.run(w, i, active);
            if (lines != nullptr) lines[pc].conflicts += counts.shared_wavefronts - counts.shared_wavefronts_ideal - before;
          }
          ++pc;
          break;
        case Kind::kBranch:
          if (active == mask) {
            pc = i.target;
            going = alone;
          } else if (active == 0) {
            ++pc;
          } else {
            groups[at] = {pc + 1, mask & ~active, false};
            groups.push_back({i.target, active, false});
            going = false;
            pc = kNone;
          }
          break;
        case Kind::kReturn:
          leave(w, active);
          ++pc;
          if (active == 0) break;
          if (active == mask) groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(at));
          else groups[at] = {pc, mask & ~active, false};
          pc = kNone;
          going = false;
          break;
        case Kind::kWarpSync: {
          if (active == 0) {
            ++pc;
            break;
          }
          const std::uint32_t ready = assembled(w, i, active);
          if (ready == active) {
            i.run(w, i, active);
            ++pc;
            break;
          }
          --counts.instructions;  // to be done again, by more lanes or by fewer
          counts.lane_instructions -= lanes;
          if (ready == 0) {
            groups[at].pc = pc;
            groups[at].waiting = true;
          } else {
            i.run(w, i, ready);
            groups[at] = {pc, mask & ~ready, true};
            groups.push_back({pc + 1, ready, false});
          }
          pc = kNone;
          going = false;
          break;
        }
        case Kind::kBarrier:
          if (active == 0) {
            ++pc;
            break;
          }
          if (w.live != w.exist)
            fault(w, std::countr_zero(active),
                  "waits at a barrier that lanes of its warp have returned before: " + lanes_text(w.exist & ~w.live));
          if (active == w.live) {
            groups[at].pc = pc + 1;
            return Stop::kBarrier;
          }
          groups[at].pc = pc;
          groups[at].waiting = true;
          pc = kNone;
          going = false;
          break;
      }
      if (going && (pc == meets || counts.instructions >= until)) going = false;
    }
    if (pc != kNone) groups[at].pc = pc;
    if (counts.instructions >= until && !groups.empty()) return Stop::kQuantum;
  }
  return Stop::kDone;
}

}  // namespace octet::ptx
