// A lane's text as it grows: bytes of tokens in, whole UTF-8 characters out, cut before the first stop string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/request.h"

namespace octet {

class LaneText {
 public:
  /// `stop` outlives this; none of its strings is empty. The first `lead` bytes are no part of the text: they stand before it already.
  explicit LaneText(const std::vector<std::string>& stop, std::size_t lead = 0) : stop_(stop), lead_(lead) {}

  /// Takes a token's bytes. Returns true if a stop string is now complete: the text ends before it and takes no more.
  bool append(std::string_view bytes, bool accepted);

  /// Text that is certain by now: held back are bytes of an unfinished character and what may become a stop string.
  std::vector<TextSpan> take();

  /// All that was held back, at the end of a lane. Bytes that are no UTF-8 become U+FFFD.
  std::vector<TextSpan> finish();

  const std::string& text() const { return text_; }  ///< Everything taken so far.

 private:
  std::vector<TextSpan> release(std::size_t length);

  const std::vector<std::string>& stop_;
  std::size_t lead_;  // bytes yet to come that are no part
  std::string held_;
  std::vector<bool> accepted_;  // for each byte held
  std::string text_;
  bool stopped_ = false;
};

}  // namespace octet
