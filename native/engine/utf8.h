// UTF-8, byte by byte.
#pragma once

#include <string>
#include <string_view>

namespace octet {

/// Length of the character that starts at text[at]; 0 if the bytes there are no UTF-8 (RFC 3629: no overlong forms,
/// no surrogates, at most U+10FFFF); -1 if the text ends inside what may become one.
int character_length(std::string_view text, std::size_t at);

}  // namespace octet
