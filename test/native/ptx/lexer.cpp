#include <charconv>
#include <cctype>
#include <stdexcept>

#include "ptx/syntax.h"

namespace octet::ptx {

void syntax_error(std::uint32_t line, const std::string& what) { throw std::runtime_error("PTX line " + std::to_string(line) + ": " + what); }

namespace {
bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '.'; }
}  // namespace

void Lexer::skip_blanks() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '\n') {
      ++line_;
    } else if (c == '/' && text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
    } else if (c == '/' && text_.substr(at_, 2) == "/*") {
      const std::size_t end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) syntax_error(line_, "a comment that does not end");
      for (; at_ < end; ++at_) line_ += text_[at_] == '\n';
      ++at_;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
  }
}

Token Lexer::next() {
  const Token before = token_;
  skip_blanks();
  const std::size_t begin = at_;
  token_ = {Token::Is::kEnd, {}, line_};
  if (at_ >= text_.size()) return before;
  const char c = text_[at_];
  if (c == '"') {
    const std::size_t end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) syntax_error(line_, "a string that does not end");
    token_.is = Token::Is::kString;
    token_.text = text_.substr(begin + 1, end - begin - 1);
    at_ = end + 1;
    return before;
  }
  if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    token_.is = Token::Is::kNumber;
  } else if (in_name(c) || c == '%') {
    ++at_;
    while (at_ < text_.size()) {
      if (in_name(text_[at_])) ++at_;
      else if (text_.substr(at_, 2) == "::") at_ += 2;
      else break;
    }
    token_.is = Token::Is::kName;
  } else {
    ++at_;
    token_.is = Token::Is::kMark;
  }
  token_.text = text_.substr(begin, at_ - begin);
  return before;
}

void Lexer::expect(std::string_view mark) {
  if (!take(mark)) syntax_error(token_.line, "expected '" + std::string(mark) + "', not '" + std::string(token_.text) + "'");
}

bool Lexer::take(std::string_view text) {
  if (!(token_ == text)) return false;
  next();
  return true;
}

std::uint64_t Lexer::number() {
  const bool negative = take("-");
  std::string_view digits = token_.text;
  int base = 10;
  if (token_.is != Token::Is::kNumber) syntax_error(token_.line, "expected a number, not '" + std::string(digits) + "'");
  if (digits.size() > 1 && digits[0] == '0') {
    const char kind = digits[1];
    const bool real = (kind == 'f' || kind == 'F') ? digits.size() == 10 : (kind == 'd' || kind == 'D') && digits.size() == 18;
    if (kind == 'x' || kind == 'X' || real) {
      base = 16;
      digits.remove_prefix(2);
    } else {
      base = 8;
    }
  }
  if (base != 16 || token_.text[1] == 'x')
    if (digits.ends_with('U')) digits.remove_suffix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) syntax_error(token_.line, "not a number: '" + std::string(token_.text) + "'");
  next();
  return negative ? 0 - value : value;
}

void Lexer::skip_braces() {
  expect("{");
  for (int depth = 1; depth > 0; next()) {
    if (token_.is == Token::Is::kEnd) syntax_error(token_.line, "'{' without its '}'");
    if (token_ == "{") ++depth;
    if (token_ == "}") --depth;
  }
}

}  // namespace octet::ptx
