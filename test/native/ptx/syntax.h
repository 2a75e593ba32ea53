// PTX as it is written: tokens, and what the parser makes of an entry before it is decoded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/program.h"

namespace octet::ptx {

/// "PTX line 12: ...".
[[noreturn]] void syntax_error(std::uint32_t line, const std::string& what);

struct Token {
  enum class Is : std::uint8_t { kName, kNumber, kString, kMark, kEnd } is = Is::kEnd;
  std::string_view text;
  std::uint32_t line = 1;
  bool operator==(std::string_view other) const { return is != Is::kString && text == other; }
};

/// Names hold dots, "::" and a leading %, so that an instruction with its qualifiers is one token.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { next(); }
  const Token& peek() const { return token_; }
  Token next();                          ///< The token that peek showed.
  void expect(std::string_view mark);
  bool take(std::string_view text);      ///< Whether the token was this; it is then behind us.
  std::uint64_t number();                ///< An integer, or the bits of 0f..., 0d....
  void skip_braces();                    ///< From "{" to the "}" that closes it, whatever is between.

 private:
  void skip_blanks();
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  Token token_;
};

struct Operand {
  enum class Is : std::uint8_t { kRegister, kNumber, kSymbol, kVector, kPair, kAddress } is = Is::kNumber;
  std::string_view text;       // of a symbol, or of a symbol that an address begins at
  std::uint32_t reg = kNone;   // of the entry's registers; of an address: its base
  std::int64_t value = 0;      // bits of a number, an address's offset
  std::vector<Operand> parts;  // of a vector or pair: registers, numbers
};

struct Statement {
  std::string_view opcode;
  std::uint32_t guard = kNone;
  bool guard_negated = false;
  std::vector<Operand> operands;
  std::uint32_t line = 0, place = kNone;
};

struct Variable {
  Space space = Space::kNone;
  std::size_t bytes = 0, align = 1;
  bool open = false;  // "[]": as long as the launch says
  std::vector<std::byte> initial;
  std::uint64_t address = 0;
};

struct NamedVariable {
  std::string_view name;
  Variable variable;
};

/// `which` of SpecialRow, or 100 for a clock.
struct Register {
  char width;
  int special = -1;
};
constexpr int kClock = 100;

struct EntryText {
  std::string_view name;
  std::uint32_t line = 0;
  std::vector<NamedVariable> parameters, variables;  // variables: .shared and .local of the body
  int max_threads = 1024;
  std::vector<Register> registers;
  std::vector<Statement> statements;
  std::unordered_map<std::string_view, std::uint32_t> labels;  // to the statement that follows
  std::vector<Place> places;
};

struct ModuleText {
  std::vector<std::string> files;  // by number
  std::vector<NamedVariable> variables;
  std::vector<EntryText> entries;
};

ModuleText parse(std::string_view text);
void parse_body(Lexer& lexer, EntryText& entry);            // from "{" to "}"
NamedVariable parse_variable(Lexer& lexer, Space space);    // after .shared and the like, without the ";"
char width_of_type(std::string_view type);                  // ".u32" to 'w'; 0 where it is none

struct ModuleData {
  std::vector<std::string> files;
  std::vector<std::unique_ptr<std::byte[]>> storage;
  std::vector<Memory::Range> globals;
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::unordered_map<std::string, const Kernel*> by_name;
};

std::unique_ptr<Kernel> decode(const EntryText& entry, const std::vector<NamedVariable>& module_variables, const ModuleData& module);

/// Which operands an instruction writes: bit n for operand n.
using Writes = std::vector<std::uint16_t>;
/// Gives every register (operands hold their numbers) a row that is its own while it lives: operands then hold rows. Registers that may be
/// read before they are written are listed in kernel.poisoned.
void place_registers(Kernel& kernel, const std::vector<Register>& registers, const Writes& writes, const std::vector<std::uint8_t>& operands);

}  // namespace octet::ptx
