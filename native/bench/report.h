// What a benchmark prints: facts about the machine and tables, as Markdown while it runs and as JSON in a file. A run that is cut
// short leaves what it had measured.
#pragma once

#include <cstdio>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace octet::bench {

struct Column {
  const char* key;       ///< In JSON.
  const char* heading;   ///< In Markdown; with the unit.
  int decimals = -1;     ///< Of numbers; -1: text.
  double scale = 1;      ///< Numbers are multiplied by it for Markdown (100 for a percentage). JSON has them as they are.
};

/// Nothing where a figure is unknown, as the peak of an unknown device: "-" in Markdown, null in JSON.
using Value = std::variant<std::monostate, double, std::string>;

class Report {
 public:
  /// `json_path` may be empty. Throws Usage if it cannot be written. What stands there is replaced, whole, with every row: a program that is
  /// killed leaves whole JSON, and one that measures nothing leaves what was there.
  Report(std::FILE* text, std::FILE* progress, std::string json_path);

  /// "label: value", once, before the tables.
  void fact(const std::string& key, const std::string& label, const Value& value, int decimals = 0);

  void table(const std::string& key, const std::string& title, std::vector<Column> columns);

  /// One value a column of the last table.
  void row(const std::vector<Value>& values);

  /// A line under the last table, kept in JSON too.
  void note(const std::string& text);

  /// What is being done, for a person who waits: a line on the error output.
  void progress(const std::string& text) const;

 private:
  struct Table {
    std::string key, title;
    std::vector<Column> columns;
    std::vector<std::vector<Value>> rows;
    std::vector<std::string> notes;
  };
  void save() const;
  std::string unfinished_path() const { return json_path_ + ".unfinished"; }

  std::FILE* text_;
  std::FILE* progress_;
  std::string json_path_;
  std::vector<std::pair<std::string, Value>> facts_;
  std::vector<Table> tables_;
};

}  // namespace octet::bench
