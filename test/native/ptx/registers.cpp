// Rows for registers. nvcc names thousands, of which some hundred live at a time: each gets a row from its first to its last instruction of
// life, so that a warp's registers stay in the cache. A register that is live at the entry may be read before it is written: its row
// begins poisoned; of all others no lane can see what lay in the row before.
#include <algorithm>
#include <bit>

#include "ptx/syntax.h"

namespace octet::ptx {
namespace {

using Set = std::vector<std::uint64_t>;

struct Block {
  std::uint32_t begin, end;
  std::vector<std::uint32_t> next;
  Set in, out, reads, writes;  // reads: before any write of the block
};

bool has(const Set& s, std::uint32_t r) { return (s[r / 64] >> (r % 64) & 1) != 0; }
void add(Set& s, std::uint32_t r) { s[r / 64] |= std::uint64_t{1} << (r % 64); }

template <class F>
void each_in(const Set& s, F f) {
  for (std::uint32_t word = 0; word < s.size(); ++word)
    for (std::uint64_t bits = s[word]; bits != 0; bits &= bits - 1) f(word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits)));
}

/// f(register, written) for each register that the instruction mentions, reads before writes. A guarded write leaves some lanes' old value.
template <class F>
void each_register(const Instruction& i, std::uint64_t writes, std::uint8_t count, F f) {
  if (i.guard != kNone) f(i.guard, false);
  for (std::uint8_t k = 0; k < count; ++k) {
    if ((i.operand[k] & kConstant) != 0) continue;  // kNone too
    if ((writes >> k & 1) == 0 || i.guard != kNone) f(i.operand[k], false);
  }
  for (std::uint8_t k = 0; k < count; ++k)
    if ((i.operand[k] & kConstant) == 0 && (writes >> k & 1) != 0) f(i.operand[k], true);
}

std::vector<Block> blocks_of(const std::vector<Instruction>& code) {
  const auto size = static_cast<std::uint32_t>(code.size());
  std::vector<bool> leads(size + 1, false);
  leads[0] = leads[size] = true;
  for (std::uint32_t i = 0; i < size; ++i) {
    if (code[i].kind == Kind::kBranch) leads[code[i].target] = true;
    if (code[i].kind == Kind::kBranch || code[i].kind == Kind::kReturn) leads[i + 1] = true;
  }
  std::vector<Block> blocks;
  std::vector<std::uint32_t> number(size + 1);
  for (std::uint32_t i = 0; i < size; ++i) {
    if (leads[i]) blocks.push_back({i, i, {}, {}, {}, {}, {}});
    blocks.back().end = i + 1;
    number[i] = static_cast<std::uint32_t>(blocks.size() - 1);
  }
  for (std::uint32_t b = 0; b < blocks.size(); ++b) {
    const Instruction& last = code[blocks[b].end - 1];
    if (last.kind == Kind::kBranch) blocks[b].next.push_back(number[last.target]);
    const bool falls = (last.kind != Kind::kBranch && last.kind != Kind::kReturn) || last.guard != kNone;
    if (falls && b + 1 < blocks.size()) blocks[b].next.push_back(b + 1);
  }
  return blocks;
}

}  // namespace

void place_registers(Kernel& kernel, const std::vector<Register>& registers, const Writes& writes, const std::vector<std::uint8_t>& operands) {
  const auto count = static_cast<std::uint32_t>(registers.size());
  const std::size_t words = count / 64 + 1;
  std::vector<Block> blocks = blocks_of(kernel.code);
  for (Block& block : blocks) {
    block.in = block.out = block.reads = block.writes = Set(words);
    for (std::uint32_t i = block.begin; i < block.end; ++i)
      each_register(kernel.code[i], writes[i], operands[i], [&](std::uint32_t r, bool written) {
        if (written) add(block.writes, r);
        else if (!has(block.writes, r)) add(block.reads, r);
      });
    block.in = block.reads;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block)
      for (const std::uint32_t next : block->next)
        for (std::size_t word = 0; word < words; ++word) {
          const std::uint64_t more = blocks[next].in[word] & ~block->out[word];
          if (more == 0) continue;
          block->out[word] |= more;
          const std::uint64_t in = block->in[word] | (block->out[word] & ~block->writes[word]);
          changed |= in != block->in[word];
          block->in[word] = in;
        }
  }

  struct Life {
    std::uint32_t reg, first = kNone, last = 0;
  };
  std::vector<Life> lives(count);
  const auto live = [&](std::uint32_t r, std::uint32_t at) {
    lives[r].first = std::min(lives[r].first, at);
    lives[r].last = std::max(lives[r].last, at);
  };
  for (const Block& block : blocks) {
    each_in(block.in, [&](std::uint32_t r) { live(r, block.begin); });
    each_in(block.out, [&](std::uint32_t r) { live(r, block.end - 1); });
    for (std::uint32_t i = block.begin; i < block.end; ++i)
      each_register(kernel.code[i], writes[i], operands[i], [&](std::uint32_t r, bool) { live(r, i); });
  }
  for (std::uint32_t r = 0; r < count; ++r) {
    lives[r].reg = r;
    if (registers[r].special >= 0 && lives[r].first != kNone) lives[r] = {r, 0, kNone - 1};
  }
  std::sort(lives.begin(), lives.end(), [](const Life& a, const Life& b) { return a.first < b.first; });

  static constexpr std::array<char, 4> kWidths = {'q', 'w', 'h', 'p'};
  static constexpr std::array<std::uint32_t, 4> kBytes = {256, 128, 64, 4};
  std::vector<std::uint32_t> slot(count, kNone);
  std::uint32_t base = 0;
  std::vector<std::uint32_t> row(count, kNone);
  for (std::size_t w = 0; w < kWidths.size(); ++w) {
    std::vector<std::uint32_t> free;
    std::vector<Life> busy;  // a heap, the first to end on top
    const auto later = [](const Life& a, const Life& b) { return a.last > b.last; };
    std::uint32_t slots = 0;
    for (const Life& life : lives) {
      if (life.first == kNone || registers[life.reg].width != kWidths[w]) continue;
      while (!busy.empty() && busy.front().last < life.first) {
        free.push_back(slot[busy.front().reg]);
        std::pop_heap(busy.begin(), busy.end(), later);
        busy.pop_back();
      }
      if (free.empty()) free.push_back(slots++);
      slot[life.reg] = free.back();
      free.pop_back();
      busy.push_back(life);
      std::push_heap(busy.begin(), busy.end(), later);
      row[life.reg] = base + slot[life.reg] * kBytes[w];
      if (registers[life.reg].special >= 0) kernel.specials.push_back({registers[life.reg].special, row[life.reg]});
      else if (has(blocks[0].in, life.reg)) kernel.poisoned.emplace_back(row[life.reg], kBytes[w]);
    }
    base += slots * kBytes[w];
  }
  kernel.register_bytes = base;

  for (std::size_t i = 0; i < kernel.code.size(); ++i) {
    Instruction& instruction = kernel.code[i];
    if (instruction.guard != kNone) instruction.guard = row[instruction.guard];
    if (instruction.members != kNone && (instruction.members & kConstant) == 0) instruction.members = row[instruction.members];
    for (std::uint8_t k = 0; k < operands[i]; ++k)
      if ((instruction.operand[k] & kConstant) == 0) instruction.operand[k] = row[instruction.operand[k]];
  }
}

}  // namespace octet::ptx
