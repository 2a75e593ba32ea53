// From statements to instructions: spellings to handlers, operands to registers and constants, names to addresses.
#include <cstring>
#include <map>

#include "ptx/syntax.h"

namespace octet::ptx {
namespace {

std::size_t aligned(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

class Decoder {
 public:
  Decoder(const EntryText& entry, const std::vector<NamedVariable>& module_variables, const ModuleData& module) : entry_(entry) {
    kernel_->name = entry.name;
    kernel_->module = &module;
    kernel_->max_threads = entry.max_threads;
    kernel_->places = entry.places;
    place_parameters();
    place_variables(module_variables);
  }

  std::unique_ptr<Kernel> decode() {
    for (const Statement& s : entry_.statements) statement(s);
    Instruction end;  // a body may run to its end
    const Form form = find_form("ret", "");
    end.run = form.run;
    end.kind = form.kind;
    end.spelling = spelling("ret");
    end.line = entry_.statements.empty() ? entry_.line : entry_.statements.back().line;
    put(end, 0, 0);
    place_registers(*kernel_, entry_.registers, writes_, operands_);
    return std::move(kernel_);
  }

 private:
  void place_parameters() {
    for (const NamedVariable& p : entry_.parameters) {
      const std::size_t offset = aligned(kernel_->parameter_bytes, p.variable.align);
      kernel_->parameters.push_back({offset, p.variable.bytes});
      kernel_->parameter_bytes = offset + p.variable.bytes;
      symbols_[p.name] = offset;
    }
  }

  void use_names(std::map<std::string_view, bool>& used, const Operand& o) {
    if (!o.text.empty()) used[o.text] = true;
    for (const Operand& part : o.parts) use_names(used, part);
  }

  /// Static shared variables first, then the one of open length; locals in one frame; the module's globals where they are.
  void place_variables(const std::vector<NamedVariable>& module_variables) {
    std::map<std::string_view, bool> used;
    for (const Statement& s : entry_.statements)
      for (const Operand& o : s.operands) use_names(used, o);
    const auto shared = [&](const std::vector<NamedVariable>& variables, bool all) {
      for (const auto& [name, v] : variables) {
        if (v.space != Space::kShared || v.open || (!all && !used.contains(name))) continue;
        symbols_[name] = aligned(kernel_->static_shared, v.align);
        kernel_->static_shared = symbols_[name] + v.bytes;
      }
    };
    shared(module_variables, false);
    shared(entry_.variables, true);
    for (const auto& [name, v] : module_variables) {
      if (v.open && v.space == Space::kShared) kernel_->dynamic_align = std::max(kernel_->dynamic_align, v.align);
      if (v.space == Space::kGlobal) symbols_[name] = v.address;
    }
    for (const auto& [name, v] : module_variables)
      if (v.open && v.space == Space::kShared) symbols_[name] = aligned(kernel_->static_shared, kernel_->dynamic_align);
    for (const auto& [name, v] : entry_.variables) {
      if (v.space != Space::kLocal) continue;
      symbols_[name] = aligned(kernel_->local_bytes, v.align);
      kernel_->local_bytes = symbols_[name] + v.bytes;
    }
    kernel_->local_bytes = aligned(kernel_->local_bytes, 16);
  }

  std::uint32_t spelling(std::string_view text) {
    const auto [at, fresh] = spellings_.try_emplace(std::string(text), static_cast<std::uint32_t>(kernel_->spellings.size()));
    if (fresh) kernel_->spellings.emplace_back(text);
    return at->second;
  }

  std::uint64_t symbol(const Statement& s, std::string_view name) {
    const auto found = symbols_.find(name);
    if (found == symbols_.end()) syntax_error(s.line, "unknown name '" + std::string(name) + "'");
    return found->second;
  }

  /// A row of 32 times the value.
  std::uint32_t constant(char width, std::uint64_t bits) {
    const std::size_t bytes = width == 'h' ? 2 : width == 'w' ? 4 : width == 'q' ? 8 : 0;
    if (bytes == 0) bits = bits != 0 ? 0xffffffffu : 0;  // a predicate
    else if (bytes < 8) bits &= (std::uint64_t{1} << (8 * bytes)) - 1;
    const auto [at, fresh] = constants_.try_emplace({width, bits}, static_cast<std::uint32_t>(kernel_->constants.size()));
    if (fresh) {
      const std::size_t count = bytes == 0 ? 1 : kLanes, size = bytes == 0 ? 4 : bytes;
      kernel_->constants.resize(at->second + aligned(count * size, 64));
      for (std::size_t l = 0; l < count; ++l) std::memcpy(kernel_->constants.data() + at->second + l * size, &bits, size);
    }
    return at->second | kConstant;
  }

  struct Flat {
    const Operand* operand;
    char width;  // as find_form takes them
  };
  void flatten(const Statement& s, const Operand& o, std::vector<Flat>& flat) {
    switch (o.is) {
      case Operand::Is::kVector:
      case Operand::Is::kPair:
        for (const Operand& part : o.parts) flatten(s, part, flat);
        return;
      case Operand::Is::kRegister:
        if (o.reg >= entry_.registers.size()) syntax_error(s.line, "register out of range");
        return flat.push_back({&o, entry_.registers[o.reg].width});
      case Operand::Is::kAddress:
        return flat.push_back({&o, o.reg != kNone && entry_.registers[o.reg].width == 'w' ? 'W' : 'Q'});
      default:
        return flat.push_back({&o, 'i'});
    }
  }

  std::string name_of(const Statement& s) {
    std::string name(s.opcode);
    if (!name.starts_with("mov.") || s.operands.size() != 2) return name;
    if (s.operands[0].is == Operand::Is::kVector) return name + "/unpack";
    if (s.operands[1].is == Operand::Is::kVector) return name + "/pack";
    if (s.operands[1].is == Operand::Is::kRegister && entry_.registers[s.operands[1].reg].special == kClock) return name + "/clock";
    return name;
  }

  void branch(const Statement& s, Instruction& i) {
    if (s.operands.size() != 1 || s.operands[0].is != Operand::Is::kSymbol) syntax_error(s.line, "a branch to no label");
    const auto found = entry_.labels.find(s.operands[0].text);
    if (found == entry_.labels.end()) syntax_error(s.line, "unknown label '" + std::string(s.operands[0].text) + "'");
    i.kind = Kind::kBranch;
    i.target = found->second;
    put(i, 0, 0);
  }

  void statement(const Statement& s) {
    Instruction i;
    i.guard = s.guard;
    i.guard_negated = s.guard_negated;
    i.line = s.line;
    i.place = s.place;
    i.spelling = spelling(s.opcode);
    if (s.opcode == "bra" || s.opcode == "bra.uni") return branch(s, i);

    std::vector<Flat> flat;
    for (const Operand& o : s.operands) flatten(s, o, flat);
    std::string name = name_of(s), widths;
    bool clock = name.ends_with("/clock");
    if (clock) flat.pop_back();
    for (const Flat& f : flat) widths += f.width;
    const Form form = find_form(name, widths);
    const auto refuse = [&](const std::string& why) {
      std::string text(s.opcode);
      syntax_error(s.line, why + " '" + text + "' (operands: " + widths + ")");
    };
    if (form.run == nullptr) refuse("unknown instruction");
    std::size_t count = form.operands.size() / 2;
    if (flat.size() + 1 == count && form.operands.size() > 2 && form.operands[2] == 'o') flat.insert(flat.begin() + 1, {nullptr, 'o'});
    if (flat.size() != count || count > kMostOperands) refuse("other operands than are known of");
    i.run = form.run;
    i.kind = form.kind;
    i.space = form.space;
    i.elements = form.elements;
    if (i.space == Space::kGlobalConstant) kernel_->reads_constant = true;
    std::uint16_t writes = 0;
    std::size_t addresses = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const char role = form.operands[2 * k], width = form.operands[2 * k + 1];
      const Operand* o = flat[k].operand;
      if (o == nullptr) {
        i.operand[k] = kNone;
        continue;
      }
      if (role == 'd' || role == 'o' || role == 'u') {
        if (o->is != Operand::Is::kRegister || entry_.registers[o->reg].special >= 0) refuse("a result that is no register:");
        if (role != 'u' && k >= 8 * sizeof writes) refuse("more results than are told apart:");
        if (role != 'u') writes |= static_cast<std::uint16_t>(1u << k);  // what is read and written lives on as what is read does
      }
      if ((role == 'm') != (o->is == Operand::Is::kAddress)) refuse("an address where none belongs, or none:");
      i.operand[k] = operand(s, *o, width, refuse);
      if (role == 'm') i.offset[addresses++] = o->value;
      if (role == 'k') i.members = i.operand[k];
    }
    if (i.kind == Kind::kBarrier && (s.operands.size() != 1 || s.operands[0].is != Operand::Is::kNumber || s.operands[0].value != 0))
      refuse("a barrier other than 0:");
    put(i, writes, count);
  }

  template <class Refuse>
  std::uint32_t operand(const Statement& s, const Operand& o, char width, const Refuse& refuse) {
    if (o.is == Operand::Is::kAddress && o.reg == kNone) return constant('q', o.text.empty() ? 0 : symbol(s, o.text));
    if (o.is == Operand::Is::kSymbol) return constant(width, symbol(s, o.text));
    if (o.is == Operand::Is::kNumber) return constant(width, static_cast<std::uint64_t>(o.value));
    if (entry_.registers[o.reg].width != width) refuse("a register of another width:");
    return o.reg;
  }

  void put(const Instruction& i, std::uint16_t writes, std::size_t count) {
    kernel_->code.push_back(i);
    writes_.push_back(writes);
    operands_.push_back(static_cast<std::uint8_t>(count));
  }

  const EntryText& entry_;
  std::unique_ptr<Kernel> kernel_ = std::make_unique<Kernel>();
  Writes writes_;
  std::vector<std::uint8_t> operands_;
  std::unordered_map<std::string_view, std::uint64_t> symbols_;
  std::unordered_map<std::string, std::uint32_t> spellings_;
  std::map<std::pair<char, std::uint64_t>, std::uint32_t> constants_;
};

}  // namespace

std::unique_ptr<Kernel> decode(const EntryText& entry, const std::vector<NamedVariable>& module_variables, const ModuleData& module) {
  return Decoder(entry, module_variables, module).decode();
}

}  // namespace octet::ptx
