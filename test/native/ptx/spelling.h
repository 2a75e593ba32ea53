// A spelled instruction, taken apart at its dots.
#pragma once

#include <string_view>

namespace octet::ptx {

class Spelling {
 public:
  explicit Spelling(std::string_view text) : rest_(text) {}

  /// Whether the next part is this one; it is then behind us.
  bool take(std::string_view part) {
    if (!rest_.starts_with(part) || (rest_.size() > part.size() && rest_[part.size()] != '.')) return false;
    rest_.remove_prefix(rest_.size() > part.size() ? part.size() + 1 : part.size());
    return true;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace octet::ptx
