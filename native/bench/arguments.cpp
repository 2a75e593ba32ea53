#include "bench/arguments.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "bench/shapes.h"

namespace octet::bench {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

template <class Number>
Number number_of(const std::string& option, const std::string& text, Number least, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) throw Usage(option + ": \"" + text + "\" is not a number");
  if (value < least || value > most) {
    const auto shown = [](Number number) {
      std::string digits = std::to_string(number);
      if (digits.find('.') != std::string::npos) digits.erase(std::max(digits.find_last_not_of('0'), digits.find('.') + 1) + 1);
      return digits;
    };
    throw Usage(option + ": " + text + " is not between " + shown(least) + " and " + shown(most));
  }
  return value;
}

cuda::WeightFormat format_named(const std::string& option, const std::string& name) {
  using enum cuda::WeightFormat;
  static const cuda::WeightFormat all[] = {kBf16, kF16, kQ8_0, kQ4_0, kQ4_K, kQ6_K};
  std::vector<std::string> known;
  for (const cuda::WeightFormat format : all) {
    if (option_name(format) == name) return format;
    known.push_back(option_name(format));
  }
  throw Usage(option + ": there is no format \"" + name + "\"; there are: " + joined(known));
}

cuda::Architecture known_shape(const std::string& option, const std::string& name) {
  if (const cuda::Architecture* const shape = shape_named(name)) return *shape;
  std::vector<std::string> known;
  for (const cuda::Architecture& shape : shapes()) known.push_back(shape.name);
  throw Usage(option + ": there is no shape \"" + name + "\"; there are: " + joined(known));
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ',') parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

}  // namespace

Arguments::Arguments(std::span<const Option> known, std::span<const char* const> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string name = words[i];
    line_ += (line_.empty() ? "" : " ") + name;
    const auto option = std::find_if(known.begin(), known.end(), [&](const Option& each) { return name == each.name; });
    if (option == known.end()) throw Usage("there is no option " + name + "; --help lists those there are");
    if (has(name)) throw Usage(name + " is given twice");
    std::string value;
    if (option->value) {
      if (i + 1 == words.size() || *words[i + 1] == '\0') throw Usage(name + " needs a value: " + option->value);
      value = words[++i];
      line_ += " " + value;
    }
    given_.emplace(name, value);
  }
}

std::string Arguments::text(const std::string& name, const std::string& fallback) const {
  const auto it = given_.find(name);
  return it == given_.end() ? fallback : it->second;
}

int Arguments::whole(const std::string& name, int fallback, int least, int most) const {
  return has(name) ? number_of(name, text(name, ""), least, most) : fallback;
}

double Arguments::real(const std::string& name, double fallback, double least, double most) const {
  return has(name) ? number_of(name, text(name, ""), least, most) : fallback;
}

std::vector<std::string> Arguments::list(const std::string& name, const std::string& fallback) const { return parts_of(text(name, fallback)); }

std::vector<int> Arguments::wholes(const std::string& name, const std::string& fallback, int least, int most) const {
  std::vector<int> values;
  for (const std::string& part : list(name, fallback)) values.push_back(number_of(name, part, least, most));
  return values;
}

std::vector<cuda::WeightFormat> Arguments::formats(const std::string& name, const std::string& fallback) const {
  std::vector<cuda::WeightFormat> values;
  for (const std::string& part : list(name, fallback)) values.push_back(format_named(name, part));
  return values;
}

std::vector<cuda::Architecture> Arguments::shapes(const std::string& name, const std::string& fallback) const {
  std::vector<cuda::Architecture> values;
  for (const std::string& part : list(name, fallback)) values.push_back(known_shape(name, part));
  return values;
}

cuda::Architecture Arguments::shape(const std::string& name, const std::string& fallback) const { return known_shape(name, text(name, fallback)); }

std::string option_name(cuda::WeightFormat format) {
  std::string name(cuda::name_of(format));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

}  // namespace octet::bench
