// A module's directives: files, variables, entries (PTX ISA, "Directives").
#include <cstring>

#include "ptx/syntax.h"

namespace octet::ptx {

char width_of_type(std::string_view type) {
  if (type == ".pred") return 'p';
  if (type.size() < 3 || type[0] != '.' || std::string_view("busf").find(type[1]) == std::string_view::npos) return 0;
  const std::string_view bits = type.substr(2);
  if (bits == "8") return 'b';
  if (bits == "16") return 'h';
  if (bits == "32" || type == ".f16x2" || type == ".bf16x2") return 'w';
  return bits == "64" ? 'q' : '\0';
}

namespace {

std::size_t bytes_of(char width) { return width == 'b' ? 1 : width == 'h' ? 2 : width == 'w' ? 4 : 8; }

void parse_initial(Lexer& lexer, Variable& variable, std::size_t element) {
  variable.initial.resize(variable.bytes);
  std::size_t at = 0;
  const auto one = [&] {
    const std::uint64_t value = lexer.number();  // a symbol is none
    if (at + element > variable.bytes) syntax_error(lexer.peek().line, "more values than the variable has");
    std::memcpy(variable.initial.data() + at, &value, element);
    at += element;
  };
  if (!lexer.take("{")) return one();
  while (!lexer.take("}")) {
    one();
    lexer.take(",");
  }
}

EntryText parse_entry(Lexer& lexer) {
  EntryText entry;
  entry.line = lexer.peek().line;
  entry.name = lexer.next().text;
  if (lexer.take("("))
    while (!lexer.take(")")) {
      lexer.expect(".param");
      entry.parameters.push_back(parse_variable(lexer, Space::kParameter));
      lexer.take(",");
    }
  for (;;) {
    if (lexer.take(".maxntid") || lexer.peek() == ".reqntid") {
      lexer.take(".reqntid");
      std::uint64_t threads = lexer.number();
      while (lexer.take(",")) threads *= lexer.number();
      entry.max_threads = static_cast<int>(threads);
    } else if (lexer.take(".minnctapersm") || lexer.take(".maxnreg") || lexer.take(".maxnctapersm")) {
      lexer.number();
    } else {
      break;
    }
  }
  parse_body(lexer, entry);
  return entry;
}

}  // namespace

NamedVariable parse_variable(Lexer& lexer, Space space) {
  NamedVariable named;
  Variable& variable = named.variable;
  variable.space = space;
  std::size_t align = 0, element = 0, count = 1;
  while (lexer.peek().is == Token::Is::kName && lexer.peek().text[0] == '.') {
    const Token token = lexer.next();
    if (token == ".align") align = lexer.number();
    else if (token == ".ptr" || token == ".global" || token == ".shared") continue;  // of a pointer parameter
    else if (token == ".v2") count *= 2;
    else if (token == ".v4") count *= 4;
    else if (const char width = width_of_type(token.text); width != 0 && width != 'p') element = bytes_of(width);
    else syntax_error(token.line, "unknown '" + std::string(token.text) + "' in a declaration");
  }
  if (element == 0) syntax_error(lexer.peek().line, "a variable without a type");
  named.name = lexer.next().text;
  while (lexer.take("[")) {
    if (lexer.take("]")) {
      variable.open = true;
      continue;
    }
    count *= lexer.number();
    lexer.expect("]");
  }
  variable.bytes = variable.open ? 0 : element * count;
  variable.align = align == 0 ? element : align;
  if (lexer.take("=")) parse_initial(lexer, variable, element);
  return named;
}

ModuleText parse(std::string_view text) {
  ModuleText module;
  Lexer lexer(text);
  while (lexer.peek().is != Token::Is::kEnd) {
    const Token token = lexer.next();
    if (token == ".version" || token == ".address_size") {
      lexer.next();
    } else if (token == ".target") {
      do lexer.next();
      while (lexer.take(","));
    } else if (token == ".file") {
      const std::size_t number = lexer.number();
      if (module.files.size() <= number) module.files.resize(number + 1);
      module.files[number] = lexer.next().text;
      while (lexer.take(",")) lexer.number();
    } else if (token == ".section") {
      lexer.next();
      lexer.skip_braces();
    } else if (token == ".pragma") {
      lexer.next();
      lexer.expect(";");
    } else if (token == ".visible" || token == ".extern" || token == ".weak" || token == ".common" || token == ";") {
      continue;
    } else if (token == ".shared" || token == ".global" || token == ".const") {
      module.variables.push_back(parse_variable(lexer, token == ".shared" ? Space::kShared : Space::kGlobal));
      if (token == ".const") module.variables.back().variable.space = Space::kNone;  // ld.const is not known here
      lexer.expect(";");
    } else if (token == ".entry") {
      module.entries.push_back(parse_entry(lexer));
    } else {
      syntax_error(token.line, "unknown directive '" + std::string(token.text) + "'");
    }
  }
  return module;
}

}  // namespace octet::ptx
