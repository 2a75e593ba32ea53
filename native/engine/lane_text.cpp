#include "engine/lane_text.h"

#include <algorithm>
#include <utility>

#include "engine/utf8.h"

namespace octet {

bool LaneText::append(std::string_view bytes, bool accepted) {
  if (stopped_) return true;
  const std::size_t lead = std::min(lead_, bytes.size());
  lead_ -= lead;
  bytes.remove_prefix(lead);
  held_.append(bytes);
  accepted_.insert(accepted_.end(), bytes.size(), accepted);
  // The first to be complete counts, so that it does not matter how the bytes are cut into tokens.
  constexpr std::size_t kNone = std::string::npos;
  std::size_t first = kNone, first_end = kNone;
  for (const std::string& stop : stop_) {
    const std::size_t at = held_.find(stop), end = at + stop.size();
    if (at != kNone && std::pair(end, at) < std::pair(first_end, first)) first = at, first_end = end;
  }
  if (first == kNone) return false;
  held_.resize(first);
  accepted_.resize(first);
  return stopped_ = true;
}

std::vector<TextSpan> LaneText::take() {
  std::size_t certain = held_.size();
  if (!stopped_)
    for (const std::string& stop : stop_)
      for (std::size_t length = std::min(stop.size() - 1, held_.size()); length > 0; --length)
        if (std::string_view(held_).substr(held_.size() - length) == std::string_view(stop).substr(0, length)) {
          certain = std::min(certain, held_.size() - length);
          break;
        }
  std::size_t whole = 0;
  while (whole < certain) {
    const int length = character_length(held_, whole);
    if (length < 0 || whole + std::max(length, 1) > certain) break;
    whole += std::max(length, 1);
  }
  return release(whole);
}

std::vector<TextSpan> LaneText::finish() { return release(held_.size()); }

std::vector<TextSpan> LaneText::release(std::size_t length) {
  std::vector<TextSpan> spans;
  for (std::size_t at = 0; at < length;) {
    const int valid = character_length(std::string_view(held_).substr(0, length), at);
    if (spans.empty() || spans.back().accepted != accepted_[at]) spans.push_back({{}, accepted_[at]});
    if (valid > 0)
      spans.back().text.append(held_, at, valid);
    else
      spans.back().text.append("\xEF\xBF\xBD");
    at += std::max(valid, 1);
  }
  held_.erase(0, length);
  accepted_.erase(accepted_.begin(), accepted_.begin() + static_cast<std::ptrdiff_t>(length));
  for (const TextSpan& span : spans) text_ += span.text;
  return spans;
}

}  // namespace octet
