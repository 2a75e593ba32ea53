// What a subcommand may be told: options and their values, checked with one clear line each.
#pragma once

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtimes/cuda/kernels/weights.h"
#include "runtimes/cuda/network_source.h"

namespace octet::bench {

/// A command line that makes no sense: one line for people, exit code 2.
struct Usage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Option {
  const char* name;   ///< "--rows"
  const char* value;  ///< What follows it, for the help ("LIST"); null: nothing, it is a switch.
  const char* help;   ///< One sentence with the default.
};

class Arguments {
 public:
  /// `words` follow the subcommand. Throws Usage where one is not an option of `known`, lacks its value or comes twice.
  Arguments(std::span<const Option> known, std::span<const char* const> words);

  bool has(const std::string& name) const { return given_.contains(name); }
  std::string text(const std::string& name, const std::string& fallback) const;
  int whole(const std::string& name, int fallback, int least, int most) const;
  double real(const std::string& name, double fallback, double least, double most) const;

  /// Lists are written "1,2,4"; so are the fallbacks.
  std::vector<std::string> list(const std::string& name, const std::string& fallback) const;
  std::vector<int> wholes(const std::string& name, const std::string& fallback, int least, int most) const;
  std::vector<cuda::WeightFormat> formats(const std::string& name, const std::string& fallback) const;
  std::vector<cuda::Architecture> shapes(const std::string& name, const std::string& fallback) const;
  cuda::Architecture shape(const std::string& name, const std::string& fallback) const;

  /// "--rows 1,8 --shape 7.8B": for the record.
  const std::string& line() const { return line_; }

 private:
  std::map<std::string, std::string> given_;
  std::string line_;
};

/// "bf16", as options and reports write it.
std::string option_name(cuda::WeightFormat format);

}  // namespace octet::bench
