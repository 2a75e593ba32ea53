// atom and red, in the order of the lanes (PTX ISA, "Parallel Synchronization and Communication Instructions").
#include "ptx/addresses.h"
#include "ptx/spelling.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

template <class Base, class T, auto F, bool Gives, bool Swaps>
void atomic(Warp& w, const Instruction& i, U32 mask) {
  const std::size_t at = Gives ? 1 : 0;
  Addresses a = addresses<Base>(w, i.operand[at], i.offset[0], mask);
  resolve(w, a, mask, sizeof(T), i.space, Access::kAtomic);
  w.grid->counts.atomics += static_cast<unsigned>(std::popcount(mask));
  const T *b = row<const T>(w, i.operand[at + 1]), *c = Swaps ? row<const T>(w, i.operand[at + 2]) : b;
  each_active(mask, [&](int l) {
    T before;
    std::memcpy(&before, pointer(a.at[l]), sizeof before);
    const T after = F(before, b[l], c[l]);
    std::memcpy(pointer(a.at[l]), &after, sizeof after);
    if constexpr (Gives) row<T>(w, i.operand[0])[l] = before;
  });
}

template <class T, auto F, bool Swaps = false>
Handler pick(bool gives, char base) {
  if (base == 'W') return gives ? &atomic<U32, T, F, true, Swaps> : &atomic<U32, T, F, false, Swaps>;
  return gives ? &atomic<U64, T, F, true, Swaps> : &atomic<U64, T, F, false, Swaps>;
}

template <class T>
Handler of_order(std::string_view operation, bool gives, char base) {
  if (operation == "min") return pick<T, [](T a, T b, T) { return b < a ? b : a; }>(gives, base);
  if (operation == "max") return pick<T, [](T a, T b, T) { return a < b ? b : a; }>(gives, base);
  if (operation == "add") return pick<T, [](T a, T b, T) { return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + b); }>(gives, base);
  return nullptr;
}
template <class T>
Handler of_bits(std::string_view operation, bool gives, char base) {
  if (operation == "and") return pick<T, [](T a, T b, T) { return a & b; }>(gives, base);
  if (operation == "or") return pick<T, [](T a, T b, T) { return a | b; }>(gives, base);
  if (operation == "xor") return pick<T, [](T a, T b, T) { return a ^ b; }>(gives, base);
  if (operation == "exch") return pick<T, [](T, T b, T) { return b; }>(gives, base);
  if (operation == "cas") return pick<T, [](T a, T b, T c) { return a == b ? c : a; }, true>(gives, base);
  return nullptr;
}

}  // namespace

Form atomic_form(std::string_view spelling, std::string_view widths) {
  Spelling s(spelling);
  const bool gives = s.take("atom");
  if (!gives && !s.take("red")) return {};
  for (const char* order : {"relaxed", "acquire", "release", "acq_rel"}) s.take(order);
  for (const char* scope : {"cta", "gpu", "sys"}) s.take(scope);
  Form form;
  form.space = s.take("global") ? Space::kGlobal : s.take("shared") || s.take("shared::cta") ? Space::kShared : Space::kNone;
  if (form.space == Space::kNone || widths.size() < 2) return {};
  const std::string_view rest = s.rest(), operation = rest.substr(0, rest.find('.'));
  if (operation.size() == rest.size()) return {};
  const std::string_view type = rest.substr(operation.size() + 1);
  const char base = widths[gives ? 1 : 0];
  if (base != 'W' && base != 'Q') return {};
  if (type == "u32") form.run = of_order<U32>(operation, gives, base);
  if (type == "s32") form.run = of_order<S32>(operation, gives, base);
  if (type == "u64") form.run = of_order<U64>(operation, gives, base);
  if (type == "s64") form.run = of_order<S64>(operation, gives, base);
  if (type == "b32") form.run = of_bits<U32>(operation, gives, base);
  if (type == "b64") form.run = of_bits<U64>(operation, gives, base);
  if (type == "f32" && operation == "add") form.run = pick<float, [](float a, float b, float) { return a + b; }>(gives, base);
  if (type == "u32" && operation == "inc") form.run = pick<U32, [](U32 a, U32 b, U32) { return b <= a ? 0 : a + 1; }>(gives, base);
  const char width = type.ends_with("64") ? 'q' : 'w';
  if (gives) form.operands += {'d', width};
  form.operands += {'m', static_cast<char>(base == 'W' ? 'w' : 'q'), 's', width};
  if (operation == "cas") form.operands += {'s', width};
  return form;
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
