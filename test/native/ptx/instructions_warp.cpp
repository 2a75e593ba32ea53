// What the lanes of a warp do together, barriers, and hints that change nothing here (PTX ISA, "shfl.sync", "vote.sync",
// "redux.sync", "bar", "membar").
#include <chrono>

#include "ptx/lanes.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

enum Mode { kUp, kDown, kButterfly, kIndex };

/// c holds the bound in its low five bits and the mask of the segments in bits 8 to 12.
template <Mode M>
void shuffle(Warp& w, const Instruction& i, U32 mask) {
  U32 a[kLanes], source[kLanes];
  std::memcpy(a, row<const U32>(w, i.operand[2]), sizeof a);
  const U32 *b = row<const U32>(w, i.operand[3]), *c = row<const U32>(w, i.operand[4]), *members = row<const U32>(w, i.operand[5]);
  alignas(32) U32 in_range[kLanes];
  U32 all = ~0u;
  for (int lane = 0; lane < kLanes; ++lane) {
    const int by = static_cast<int>(b[lane] & 31), clamp = static_cast<int>(c[lane] & 31), segment = static_cast<int>(c[lane] >> 8 & 31);
    const int most = (lane & segment) | (clamp & ~segment), least = lane & segment;
    const int j = M == kUp ? lane - by : M == kDown ? lane + by : M == kButterfly ? lane ^ by : least | (by & ~segment);
    const bool in = M == kUp ? j >= most : j <= most;
    source[lane] = static_cast<U32>(in ? j : lane);
    in_range[lane] = in ? ~0u : 0u;
    all &= members[lane];
  }
  const U32 valid = packed(in_range);
  if (all != ~0u)
    each_active(mask, [&](int lane) {
      if ((members[lane] >> source[lane] & 1) == 0)
        fault(w, lane, "shfl.sync reads lane " + std::to_string(source[lane]) + ", which takes no part");
    });
  U32* d = row<U32>(w, i.operand[0]);
  each_active(mask, [&](int lane) { d[lane] = a[source[lane]]; });
  if (i.operand[1] != kNone) set_predicate(predicate(w, i.operand[1]), mask, valid);
}

enum Vote { kBallot, kAll, kAny, kUniform };

template <Vote V>
void vote(Warp& w, const Instruction& i, U32 mask) {
  const U32 p = predicate(w, i.operand[1]);
  const U32* members = row<const U32>(w, i.operand[2]);
  U32 result = 0;
  each_active(mask, [&](int l) {
    const U32 yes = p & members[l];
    if (V == kBallot) row<U32>(w, i.operand[0])[l] = yes;
    const bool all = yes == members[l], any = yes != 0;
    result |= static_cast<U32>(V == kAll ? all : V == kAny ? any : all || !any) << l;
  });
  if (V != kBallot) set_predicate(predicate(w, i.operand[0]), mask, result);
}

template <class T, auto F>
void reduce(Warp& w, const Instruction& i, U32 mask) {
  T a[kLanes];
  std::memcpy(a, row<const T>(w, i.operand[1]), sizeof a);
  const U32* members = row<const U32>(w, i.operand[2]);
  T* d = row<T>(w, i.operand[0]);
  each_active(mask, [&](int l) {
    T sum = a[std::countr_zero(members[l])];
    each_active(members[l] & (members[l] - 1), [&](int j) { sum = F(sum, a[j]); });
    d[l] = sum;
  });
}
template <class T, auto F>
void put_reduce(Table& t, const char* name) {
  t[std::string("redux.sync.") + name] = {&reduce<T, F>, "dwswkw", Kind::kWarpSync};
}

void nothing(Warp&, const Instruction&, U32) {}

/// Of no meaning here: zero, so that it is the same in every run.
void policy(Warp& w, const Instruction& i, U32 mask) {
  each(mask, row<U64>(w, i.operand[0]), [](int) { return U64{0}; });
}

template <class T>
void clock(Warp& w, const Instruction& i, U32 mask) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const T ns = static_cast<T>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  each(mask, row<T>(w, i.operand[0]), [=](int) { return ns; });
}

void active(Warp& w, const Instruction& i, U32 mask) {
  each(mask, row<U32>(w, i.operand[0]), [=](int) { return mask; });
}

void trap(Warp& w, const Instruction&, U32 mask) { fault(w, std::countr_zero(mask), "trap"); }

}  // namespace

void put_warp(Table& t) {
  const char* operands = "dwopswswswkw";
  t["shfl.sync.up.b32"] = {&shuffle<kUp>, operands, Kind::kWarpSync};
  t["shfl.sync.down.b32"] = {&shuffle<kDown>, operands, Kind::kWarpSync};
  t["shfl.sync.bfly.b32"] = {&shuffle<kButterfly>, operands, Kind::kWarpSync};
  t["shfl.sync.idx.b32"] = {&shuffle<kIndex>, operands, Kind::kWarpSync};
  t["vote.sync.ballot.b32"] = {&vote<kBallot>, "dwspkw", Kind::kWarpSync};
  t["vote.sync.all.pred"] = {&vote<kAll>, "dpspkw", Kind::kWarpSync};
  t["vote.sync.any.pred"] = {&vote<kAny>, "dpspkw", Kind::kWarpSync};
  t["vote.sync.uni.pred"] = {&vote<kUniform>, "dpspkw", Kind::kWarpSync};
  put_reduce<U32, [](U32 a, U32 b) { return a + b; }>(t, "add.u32");
  put_reduce<U32, [](U32 a, U32 b) { return a + b; }>(t, "add.s32");
  put_reduce<U32, [](U32 a, U32 b) { return b < a ? b : a; }>(t, "min.u32");
  put_reduce<S32, [](S32 a, S32 b) { return b < a ? b : a; }>(t, "min.s32");
  put_reduce<U32, [](U32 a, U32 b) { return a < b ? b : a; }>(t, "max.u32");
  put_reduce<S32, [](S32 a, S32 b) { return a < b ? b : a; }>(t, "max.s32");
  put_reduce<U32, [](U32 a, U32 b) { return a & b; }>(t, "and.b32");
  put_reduce<U32, [](U32 a, U32 b) { return a | b; }>(t, "or.b32");
  put_reduce<U32, [](U32 a, U32 b) { return a ^ b; }>(t, "xor.b32");
  t["activemask.b32"] = {&active, "dw"};
  t["bar.warp.sync"] = {&nothing, "kw", Kind::kWarpSync};
  t["bar.sync"] = {&nothing, "sw", Kind::kBarrier};
  t["ret"] = t["exit"] = {&nothing, "", Kind::kReturn};
  t["trap"] = {&trap, ""};
  // One warp at a time, each access done at once; launches one after another.
  for (const char* name : {"membar.cta", "membar.gl", "membar.sys", "fence.acq_rel.gpu", "fence.acq_rel.cta", "fence.sc.gpu",
                           "fence.acq_rel.sys", "griddepcontrol.wait", "griddepcontrol.launch_dependents"})
    t[name] = {&nothing, ""};
  t["nanosleep.u32"] = {&nothing, "sw"};
  t["createpolicy.fractional.L2::evict_first.b64"] = t["createpolicy.fractional.L2::evict_last.b64"] = {&policy, "dq"};
  t["mov.u64/clock"] = {&clock<U64>, "dq"};
  t["mov.u32/clock"] = {&clock<U32>, "dw"};
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
