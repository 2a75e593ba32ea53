// Byte-level BPE: the pre-tokenizer that llama.cpp calls "qwen2", training by most frequent pair, and encoding by lowest rank.
// Token ids: 0 to 255 are the bytes, then one id a merge that makes a new string. tokenizer.py is the interface.
#include <cstdint>
#include <cstring>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

enum Kind : std::uint8_t { other, letter, number, space };

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using Words = std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>>;

std::uint64_t key(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; }

struct Bpe {
  const std::uint8_t* kinds = nullptr;  // of every code point; owned by the caller
  Words counts;
  std::vector<std::string> tokens;
  std::unordered_map<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>> merges;  // pair -> (rank, id)
  std::unordered_map<std::string, std::vector<std::uint32_t>, Hash, std::equal_to<>> cache;
};

struct Cursor {
  const Bpe& bpe;
  std::string_view text;
  /// Kind of the character at `at` (well-formed UTF-8); `next` is where the following one begins.
  Kind kind(std::size_t at, std::size_t& next) const {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t point = length == 1 ? lead : lead & (0xff >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) point = point << 6 | (text[at + i] & 0x3f);
    next = at + length;
    return static_cast<Kind>(bpe.kinds[point]);
  }
  bool is(std::size_t at, Kind wanted) const { std::size_t next; return at < text.size() && kind(at, next) == wanted; }
  std::size_t run(std::size_t at, Kind wanted) const {
    std::size_t next;
    while (at < text.size() && kind(at, next) == wanted) at = next;
    return at;
  }
  bool newline(std::size_t at) const { return at < text.size() && (text[at] == '\n' || text[at] == '\r'); }

  /// End of the word that begins at `at`: the alternatives of the pattern, in its order.
  std::size_t word(std::size_t at) const {
    std::size_t next, after;
    if (text[at] == '\'') {
      const auto lower = [&](std::size_t i) { return i < text.size() ? static_cast<char>(text[i] | 0x20) : '\0'; };
      const char a = lower(at + 1), b = lower(at + 2);
      if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
      if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return at + 3;
    }
    const Kind first = kind(at, next);
    if (first == letter) return run(at, letter);
    if (first != number && !newline(at) && is(next, letter)) return run(next, letter);
    if (first == number) return next;
    const std::size_t symbols = text[at] == ' ' ? next : at;
    if (is(symbols, other)) {
      for (after = run(symbols, other); newline(after);) ++after;
      return after;
    }
    const std::size_t end = run(at, space);
    for (after = end; after > at; --after) if (newline(after - 1)) return after;
    if (end == text.size()) return end;
    std::size_t last = end - 1;
    while ((text[last] & 0xc0) == 0x80) --last;
    return last > at ? last : end;
  }
};

std::vector<std::uint32_t> bytes(std::string_view word) { return {reinterpret_cast<const std::uint8_t*>(word.data()), reinterpret_cast<const std::uint8_t*>(word.data()) + word.size()}; }

void replace(std::vector<std::uint32_t>& word, std::uint32_t a, std::uint32_t b, std::uint32_t with) {
  std::size_t to = 0;
  for (std::size_t i = 0; i < word.size(); ++to) {
    const bool pair = i + 1 < word.size() && word[i] == a && word[i + 1] == b;
    word[to] = pair ? with : word[i];
    i += pair ? 2 : 1;
  }
  word.resize(to);
}

std::vector<std::uint32_t> encode_word(const Bpe& bpe, std::string_view text) {
  std::vector<std::uint32_t> word = bytes(text);
  while (word.size() > 1) {
    std::uint32_t best = UINT32_MAX, id = 0;
    std::size_t where = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto found = bpe.merges.find(key(word[i], word[i + 1]));
      if (found != bpe.merges.end() && found->second.first < best) { best = found->second.first; id = found->second.second; where = i; }
    }
    if (best == UINT32_MAX) break;
    word[where] = id;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
  return word;
}

}  // namespace

extern "C" {

Bpe* bpe_new(const std::uint8_t* kinds) {
  Bpe* bpe = new Bpe;
  bpe->kinds = kinds;
  for (int i = 0; i < 256; ++i) bpe->tokens.emplace_back(1, static_cast<char>(i));
  return bpe;
}
void bpe_free(Bpe* bpe) { delete bpe; }

void bpe_count(Bpe* bpe, const char* text, std::size_t length) {
  const Cursor cursor{*bpe, {text, length}};
  for (std::size_t at = 0, end; at < length; at = end) {
    end = cursor.word(at);
    const std::string_view word = cursor.text.substr(at, end - at);
    if (const auto found = bpe->counts.find(word); found != bpe->counts.end()) ++found->second;
    else bpe->counts.emplace(word, 1);
  }
}

/// Learns merges until there are `size` tokens or no pair occurs twice. `out`: pairs of ids, room for 2 * capacity. Returns their count.
std::size_t bpe_train(Bpe* bpe, std::uint32_t size, std::uint32_t* out, std::size_t capacity) {
  struct Word { std::vector<std::uint32_t> ids; std::int64_t count; };
  std::vector<Word> words;
  for (const auto& [word, count] : bpe->counts) if (count > 1 && word.size() < 256) words.push_back({bytes(word), static_cast<std::int64_t>(count)});
  std::unordered_map<std::uint64_t, std::int64_t> pairs;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> where;
  const auto tally = [&](std::uint32_t index, std::int64_t sign, std::uint32_t with, auto&& touched) {  // with: note its pairs; all: every one
    constexpr std::uint32_t all = UINT32_MAX;
    const Word& word = words[index];
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      const std::uint64_t pair = key(word.ids[i], word.ids[i + 1]);
      pairs[pair] += sign * word.count;
      if (sign > 0 && (with == all || word.ids[i] == with || word.ids[i + 1] == with)) {
        auto& list = where[pair];
        if (list.empty() || list.back() != index) list.push_back(index);
        touched(pair);
      }
    }
  };
  for (std::uint32_t i = 0; i < words.size(); ++i) tally(i, 1, UINT32_MAX, [](std::uint64_t) {});
  using Entry = std::pair<std::int64_t, std::uint64_t>;  // (count, ~pair): ties go to the smallest pair
  std::priority_queue<Entry> heap;
  for (const auto& [pair, count] : pairs) heap.emplace(count, ~pair);
  std::unordered_map<std::string, std::uint32_t> ids;
  for (std::uint32_t i = 0; i < 256; ++i) ids[bpe->tokens[i]] = i;
  std::size_t made = 0;
  while (bpe->tokens.size() < size && made < capacity && !heap.empty()) {
    const auto [count, inverted] = heap.top();
    heap.pop();
    const std::uint64_t pair = ~inverted;
    const std::int64_t now = pairs[pair];
    if (now != count) { if (now > 1 && now < count) heap.emplace(now, inverted); continue; }
    if (count < 2) break;
    const auto a = static_cast<std::uint32_t>(pair >> 32), b = static_cast<std::uint32_t>(pair);
    const std::string merged = bpe->tokens[a] + bpe->tokens[b];
    const auto [entry, fresh] = ids.try_emplace(merged, static_cast<std::uint32_t>(bpe->tokens.size()));
    if (fresh) bpe->tokens.push_back(merged);
    out[2 * made] = a;
    out[2 * made + 1] = b;
    ++made;
    std::set<std::uint64_t> changed;
    const std::vector<std::uint32_t> affected = std::move(where[pair]);
    for (const std::uint32_t index : affected) {
      const std::size_t before = words[index].ids.size();
      std::vector<std::uint32_t> shorter = words[index].ids;
      replace(shorter, a, b, entry->second);
      if (shorter.size() == before) continue;  // an entry of before an earlier merge
      tally(index, -1, UINT32_MAX, [](std::uint64_t) {});
      words[index].ids = std::move(shorter);
      tally(index, 1, entry->second, [&](std::uint64_t touched) { changed.insert(touched); });
    }
    pairs.erase(pair);
    where.erase(pair);
    for (const std::uint64_t touched : changed) if (touched != pair) heap.emplace(pairs[touched], ~touched);
  }
  return made;
}

/// Sets the merges, lowest rank first, as triples (a, b, id of the result).
void bpe_merges(Bpe* bpe, const std::uint32_t* triples, std::size_t count) {
  bpe->cache.clear();
  for (std::size_t i = 0; i < count; ++i)
    bpe->merges.try_emplace(key(triples[3 * i], triples[3 * i + 1]), static_cast<std::uint32_t>(i), triples[3 * i + 2]);
}

/// Ids of a text, at most `length` of them. Returns how many.
std::size_t bpe_encode(Bpe* bpe, const char* text, std::size_t length, std::uint32_t* out) {
  const Cursor cursor{*bpe, {text, length}};
  std::size_t made = 0;
  for (std::size_t at = 0, end; at < length; at = end) {
    end = cursor.word(at);
    const std::string_view word = cursor.text.substr(at, end - at);
    auto found = bpe->cache.find(word);
    if (found == bpe->cache.end()) {
      if (bpe->cache.size() > 2'000'000) bpe->cache.clear();
      found = bpe->cache.emplace(word, encode_word(*bpe, word)).first;
    }
    std::memcpy(out + made, found->second.data(), found->second.size() * sizeof(std::uint32_t));
    made += found->second.size();
  }
  return made;
}

}
