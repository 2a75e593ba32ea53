// An entry's body: declarations, labels, .loc, statements (PTX ISA, "Syntax", "Identifiers", ".loc").
#include <array>
#include <charconv>

#include "ptx/syntax.h"

namespace octet::ptx {
namespace {

/// "%r<60>": `count` registers from `first` on, "%r0" to "%r59"; count 0: one register of that very name.
struct Declared {
  std::uint32_t first, count;
};

class Body {
 public:
  Body(Lexer& lexer, EntryText& entry) : lexer_(lexer), entry_(entry) {}

  void parse() {
    lexer_.expect("{");
    scopes_.emplace_back();
    while (!scopes_.empty()) {
      const Token token = lexer_.next();
      if (token.is == Token::Is::kEnd) syntax_error(token.line, "a body that does not end");
      if (token == "{") scopes_.emplace_back();
      else if (token == "}") scopes_.pop_back();
      else if (token == ";") continue;
      else if (token == "@") guarded(token.line);
      else if (token.text[0] == '.') directive(token);
      else if (token.is == Token::Is::kName && lexer_.take(":")) label(token);
      else if (token.is == Token::Is::kName) statement(token, kNone, false);
      else syntax_error(token.line, "unexpected '" + std::string(token.text) + "'");
    }
  }

 private:
  void label(const Token& token) {
    if (!entry_.labels.emplace(token.text, static_cast<std::uint32_t>(entry_.statements.size())).second)
      syntax_error(token.line, "label " + std::string(token.text) + " a second time");
  }

  void directive(const Token& token) {
    if (token == ".reg") return registers();
    if (token == ".loc") return location();
    if (token == ".pragma") {
      lexer_.next();
      return lexer_.expect(";");
    }
    if (token == ".shared" || token == ".local") {
      entry_.variables.push_back(parse_variable(lexer_, token == ".shared" ? Space::kShared : Space::kLocal));
      return lexer_.expect(";");
    }
    syntax_error(token.line, "unknown directive '" + std::string(token.text) + "' in a body");
  }

  void registers() {
    const Token type = lexer_.next();
    const char width = width_of_type(type.text);
    if (width == 0 || width == 'b') syntax_error(type.line, "registers of type '" + std::string(type.text) + "'");
    do {
      const std::string_view name = lexer_.next().text;
      std::uint32_t count = 0;
      if (lexer_.take("<")) {
        count = static_cast<std::uint32_t>(lexer_.number());
        lexer_.expect(">");
      }
      scopes_.back()[name] = {static_cast<std::uint32_t>(entry_.registers.size()), count};
      entry_.registers.resize(entry_.registers.size() + std::max(count, 1u), Register{width});
    } while (lexer_.take(","));
    lexer_.expect(";");
  }

  /// The line, as a part of the calls that it was inlined through: .loc tells one call, the ones around it came before.
  void location() {
    std::array<std::uint32_t, 3> at{}, caller{};
    for (auto& n : at) n = static_cast<std::uint32_t>(lexer_.number());
    std::uint32_t parent = kNone;
    if (lexer_.take(",")) {
      lexer_.next();  // function_name
      lexer_.next();
      if (lexer_.take("+")) lexer_.number();
      lexer_.expect(",");
      lexer_.expect("inlined_at");
      for (auto& n : caller) n = static_cast<std::uint32_t>(lexer_.number());
      for (parent = place_; parent != kNone; parent = entry_.places[parent].parent) {
        const Place& p = entry_.places[parent];
        if (p.file == caller[0] && p.line == caller[1] && p.column == caller[2]) break;
      }
      if (parent == kNone) parent = put_place({caller[0], caller[1], caller[2], kNone});
    }
    place_ = put_place({at[0], at[1], at[2], parent});
  }
  std::uint32_t put_place(const Place& place) {
    entry_.places.push_back(place);
    return static_cast<std::uint32_t>(entry_.places.size() - 1);
  }

  void guarded(std::uint32_t line) {
    const bool negated = lexer_.take("!");
    const std::uint32_t guard = reg(lexer_.next());
    if (entry_.registers[guard].width != 'p') syntax_error(line, "a guard that is no predicate");
    statement(lexer_.next(), guard, negated);
  }

  void statement(const Token& opcode, std::uint32_t guard, bool negated) {
    Statement s{opcode.text, guard, negated, {}, opcode.line, place_};
    while (!lexer_.take(";")) {
      s.operands.push_back(operand());
      if (!lexer_.take(",") && !(lexer_.peek() == ";"))
        syntax_error(lexer_.peek().line, std::string(lexer_.peek().text) + " after an operand of " + std::string(opcode.text));
    }
    entry_.statements.push_back(std::move(s));
  }

  Operand operand() {
    Operand o;
    if (lexer_.take("{")) {
      o.is = Operand::Is::kVector;
      while (!lexer_.take("}")) {
        o.parts.push_back(operand());
        lexer_.take(",");
      }
    } else if (lexer_.take("[")) {
      o.is = Operand::Is::kAddress;
      if (lexer_.peek().is == Token::Is::kName) {
        const Token base = lexer_.next();
        if (base.text[0] == '%') o.reg = reg(base);
        else o.text = base.text;
        if (lexer_.take("+")) o.value = static_cast<std::int64_t>(lexer_.number());
        else if (lexer_.peek() == "-") o.value = static_cast<std::int64_t>(lexer_.number());
      } else {
        o.value = static_cast<std::int64_t>(lexer_.number());
      }
      lexer_.expect("]");
    } else if (lexer_.peek().is == Token::Is::kName && lexer_.peek().text[0] == '%') {
      o.is = Operand::Is::kRegister;
      o.reg = reg(lexer_.next());
      if (lexer_.take("|")) {
        Operand pair;
        pair.is = Operand::Is::kPair;
        pair.parts = {o, operand()};
        return pair;
      }
    } else if (lexer_.peek().is == Token::Is::kName) {
      o.is = Operand::Is::kSymbol;
      o.text = lexer_.next().text;
    } else {
      o.value = static_cast<std::int64_t>(lexer_.number());
    }
    return o;
  }

  std::uint32_t reg(const Token& token) {
    const std::string_view name = token.text;
    std::size_t digits = name.size();
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
    std::uint32_t number = 0;
    const bool numbered = digits < name.size() && std::from_chars(name.data() + digits, name.data() + name.size(), number).ec == std::errc{};
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (const auto found = scope->find(name); found != scope->end() && found->second.count == 0) return found->second.first;
      if (!numbered) continue;
      if (const auto found = scope->find(name.substr(0, digits)); found != scope->end() && number < found->second.count)
        return found->second.first + number;
    }
    return special(token);
  }

  std::uint32_t special(const Token& token) {
    if (const auto found = specials_.find(token.text); found != specials_.end()) return found->second;
    static constexpr std::array<std::string_view, 14> names = {
        "%tid.x", "%tid.y", "%tid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%ntid.x", "%ntid.y", "%ntid.z",
        "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid", "%warpid"};
    Register r{'w'};
    for (std::size_t i = 0; i < names.size(); ++i)
      if (token.text == names[i]) r.special = static_cast<int>(i);
    if (token == "%globaltimer" || token == "%clock64") r = {'q', kClock};
    if (token == "%clock") r.special = kClock;
    if (r.special < 0) syntax_error(token.line, "unknown register '" + std::string(token.text) + "'");
    entry_.registers.push_back(r);
    return specials_[token.text] = static_cast<std::uint32_t>(entry_.registers.size() - 1);
  }

  Lexer& lexer_;
  EntryText& entry_;
  std::vector<std::unordered_map<std::string_view, Declared>> scopes_;
  std::unordered_map<std::string_view, std::uint32_t> specials_;
  std::uint32_t place_ = kNone;
};

}  // namespace

void parse_body(Lexer& lexer, EntryText& entry) { Body(lexer, entry).parse(); }

}  // namespace octet::ptx
