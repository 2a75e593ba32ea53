// All families' spellings in one table.
#include "ptx/lanes.h"

namespace octet::ptx::OCTET_PTX_LEVEL {

Form find(std::string_view spelling, std::string_view widths) {
  static const Table table = [] {
    Table t;
    put_integer(t);
    put_bits(t);
    put_float(t);
    put_convert(t);
    put_warp(t);
    put_async(t);
    put_tensor(t);
    put_wgmma(t);
    return t;
  }();
  if (const auto found = table.find(std::string(spelling)); found != table.end()) return found->second;
  for (const auto form : {&memory_form, &atomic_form, &async_form, &ldmatrix_form})
    if (Form found = form(spelling, widths); found.run != nullptr) return found;
  return {};
}

}  // namespace octet::ptx::OCTET_PTX_LEVEL
