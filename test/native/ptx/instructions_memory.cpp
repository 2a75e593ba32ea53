// ld and st, of any space the kernels use, scalar and vector (PTX ISA, "Data Movement and Conversion Instructions: ld, st").
#include "ptx/addresses.h"
#include "ptx/spelling.h"

namespace octet::ptx::OCTET_PTX_LEVEL {
namespace {

/// Elements of M in memory to registers of R, which may be wider: extended by M's sign.
template <class Base, class M, class R>
void load(Warp& w, const Instruction& i, U32 mask) {
  Addresses a = addresses<Base>(w, i.operand[i.elements], i.offset[0], mask);
  const bool run = resolve(w, a, mask, sizeof(M) * i.elements, i.space, Access::kLoad);
  if (run && i.elements == 1 && sizeof(M) == sizeof(R)) {
    std::memcpy(row<R>(w, i.operand[0]), pointer(a.at[0]), kLanes * sizeof(R));
    return;
  }
  for (int e = 0; e < i.elements; ++e) {
    R* d = row<R>(w, i.operand[e]);
    each_active(mask, [&](int l) {
      M x;
      std::memcpy(&x, pointer(a.at[l]) + e * sizeof(M), sizeof x);
      d[l] = static_cast<R>(x);
    });
  }
}

template <class Base, class M, class R>
void store(Warp& w, const Instruction& i, U32 mask) {
  Addresses a = addresses<Base>(w, i.operand[0], i.offset[0], mask);
  const bool run = resolve(w, a, mask, sizeof(M) * i.elements, i.space, Access::kStore);
  if (run && i.elements == 1 && sizeof(M) == sizeof(R)) {
    std::memcpy(pointer(a.at[0]), row<R>(w, i.operand[1]), kLanes * sizeof(R));
    return;
  }
  for (int e = 0; e < i.elements; ++e) {
    const R* s = row<const R>(w, i.operand[1 + e]);
    each_active(mask, [&](int l) {  // the highest lane's value stays where two meet
      const M x = static_cast<M>(s[l]);
      std::memcpy(pointer(a.at[l]) + e * sizeof(M), &x, sizeof x);
    });
  }
}

template <class Base, class M>
Handler of_register(bool loads, char r) {
  const auto pick = [&]<class R>(R) -> Handler { return loads ? &load<Base, M, R> : &store<Base, M, R>; };
  if (r == 'h' && sizeof(M) <= 2) return pick(U16{});
  if (r == 'w' && sizeof(M) <= 4) return pick(U32{});
  if (r == 'q') return pick(U64{});
  return nullptr;
}

template <class Base>
Handler of_type(bool loads, std::string_view type, char r) {
  if (type == "u8" || type == "b8") return of_register<Base, std::uint8_t>(loads, r);
  if (type == "s8") return of_register<Base, std::int8_t>(loads, r);
  if (type == "u16" || type == "b16") return of_register<Base, U16>(loads, r);
  if (type == "s16") return of_register<Base, S16>(loads, r);
  if (type == "u32" || type == "b32" || type == "f32") return of_register<Base, U32>(loads, r);
  if (type == "s32") return of_register<Base, S32>(loads, r);
  if (type == "u64" || type == "b64" || type == "s64" || type == "f64") return of_register<Base, U64>(loads, r);
  return nullptr;
}

}  // namespace

Form memory_form(std::string_view spelling, std::string_view widths) {
  Spelling s(spelling);
  const bool loads = s.take("ld");
  if (!loads && !s.take("st")) return {};
  Form form;
  // Caches and orders of memory make no difference where blocks run one after another and every access is done at once.
  for (const char* hint : {"volatile", "weak", "relaxed", "acquire", "release", "cta", "gpu", "sys"}) s.take(hint);
  for (const char* hint : {"cta", "gpu", "sys"}) s.take(hint);
  form.space = s.take("global")  ? Space::kGlobal
               : s.take("shared") || s.take("shared::cta") ? Space::kShared
               : s.take("local") ? Space::kLocal
               : loads && s.take("param") ? Space::kParameter
                                 : Space::kNone;
  if (form.space == Space::kNone) return {};  // generic addresses are not known here
  for (const char* hint : {"ca", "cg", "cs", "lu", "cv", "wb", "wt"}) s.take(hint);
  if (s.take("nc")) form.space = Space::kGlobalConstant;
  for (const char* hint : {"L1::no_allocate", "L1::evict_last", "L1::evict_first", "L2::64B", "L2::128B", "L2::256B"}) s.take(hint);
  form.elements = s.take("v2") ? 2 : s.take("v4") ? 4 : 1;
  const std::string_view type = s.rest();
  if (widths.size() != form.elements + 1u) return {};
  const char base = widths[loads ? form.elements : 0];
  char r = 'i';
  for (std::size_t k = 0; k < form.elements; ++k)
    if (const char c = widths[loads ? k : k + 1]; c != 'i') r = c;
  if (r == 'i') r = type.ends_with("64") ? 'q' : type.ends_with("32") ? 'w' : 'h';  // stores of immediates
  form.run = base == 'W' ? of_type<U32>(loads, type, r) : base == 'Q' ? of_type<U64>(loads, type, r) : nullptr;
  const std::string address{'m', static_cast<char>(base == 'W' ? 'w' : 'q')};
  if (!loads) form.operands = address;
  for (int k = 0; k < form.elements; ++k) form.operands += {loads ? 'd' : 's', r};
  if (loads) form.operands += address;
  return form;
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
