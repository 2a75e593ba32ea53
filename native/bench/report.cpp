#include "bench/report.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "bench/arguments.h"

namespace octet::bench {
namespace {

std::string with_decimals(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", std::max(decimals, 0), value);
  return text;
}

std::string shown(const Value& value, const Column& column) {
  if (const double* const number = std::get_if<double>(&value)) return with_decimals(*number * column.scale, column.decimals);
  if (const std::string* const text = std::get_if<std::string>(&value)) return *text;
  return "-";
}

std::string quoted(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      all += escape;
    } else {
      all += c;
    }
  }
  return all + '"';
}

std::string json(const Value& value) {
  if (const std::string* const text = std::get_if<std::string>(&value)) return quoted(*text);
  const double* const number = std::get_if<double>(&value);
  if (!number || !std::isfinite(*number)) return "null";
  char text[64];
  std::snprintf(text, sizeof text, "%.9g", *number);
  return text;
}

}  // namespace

Report::Report(std::FILE* text, std::FILE* progress, std::string json_path) : text_(text), progress_(progress), json_path_(std::move(json_path)) {
  if (json_path_.empty()) return;
  const std::string unfinished = unfinished_path();
  std::FILE* const file = std::fopen(unfinished.c_str(), "w");
  if (!file) throw Usage("--json: " + json_path_ + " cannot be written: " + std::strerror(errno));
  std::fclose(file);
  std::remove(unfinished.c_str());
}

void Report::fact(const std::string& key, const std::string& label, const Value& value, int decimals) {
  facts_.emplace_back(key, value);
  std::fprintf(text_, "- %s: %s\n", label.c_str(), shown(value, {.key = "", .heading = "", .decimals = decimals}).c_str());
  std::fflush(text_);
}

void Report::table(const std::string& key, const std::string& title, std::vector<Column> columns) {
  std::string headings, rule;
  for (const Column& column : columns) {
    headings += std::string("| ") + column.heading + " ";
    rule += column.decimals < 0 ? "|---" : "|--:";
  }
  std::fprintf(text_, "\n%s\n\n%s|\n%s|\n", title.c_str(), headings.c_str(), rule.c_str());
  std::fflush(text_);
  tables_.push_back({.key = key, .title = title, .columns = std::move(columns)});
}

void Report::row(const std::vector<Value>& values) {
  Table& table = tables_.back();
  if (values.size() != table.columns.size()) throw std::logic_error("a row of " + table.key + " has as many values as the table columns");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string text = shown(values[i], table.columns[i]);
    std::fprintf(text_, table.columns[i].decimals < 0 ? "| %-*s " : "| %*s ", static_cast<int>(std::strlen(table.columns[i].heading)), text.c_str());
  }
  std::fprintf(text_, "|\n");
  std::fflush(text_);
  table.rows.push_back(values);
  save();
}

void Report::note(const std::string& text) {
  std::fprintf(text_, "\n%s\n", text.c_str());
  std::fflush(text_);
  if (tables_.empty()) return;
  tables_.back().notes.push_back(text);
  save();
}

void Report::progress(const std::string& text) const {
  std::fprintf(progress_, "%s\n", text.c_str());
  std::fflush(progress_);
}

void Report::save() const {
  if (json_path_.empty()) return;
  const std::string unfinished = unfinished_path();
  std::FILE* const file = std::fopen(unfinished.c_str(), "w");
  if (!file) throw std::runtime_error(json_path_ + " cannot be written: " + std::strerror(errno));
  std::fprintf(file, "{");
  for (const auto& [key, value] : facts_) std::fprintf(file, "%s: %s,\n ", quoted(key).c_str(), json(value).c_str());
  std::fprintf(file, "\"tables\": [");
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const Table& table = tables_[t];
    std::fprintf(file, "%s\n  {\"key\": %s, \"title\": %s, \"rows\": [", t ? "," : "", quoted(table.key).c_str(), quoted(table.title).c_str());
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      std::fprintf(file, "%s\n    {", r ? "," : "");
      for (std::size_t i = 0; i < table.columns.size(); ++i)
        std::fprintf(file, "%s%s: %s", i ? ", " : "", quoted(table.columns[i].key).c_str(), json(table.rows[r][i]).c_str());
      std::fprintf(file, "}");
    }
    std::fprintf(file, "], \"notes\": [");
    for (std::size_t i = 0; i < table.notes.size(); ++i) std::fprintf(file, "%s%s", i ? ", " : "", quoted(table.notes[i]).c_str());
    std::fprintf(file, "]}");
  }
  const bool written = std::fprintf(file, "\n]}\n") > 0;
  if (std::fclose(file) != 0 || !written) throw std::runtime_error(json_path_ + " cannot be written: " + std::strerror(errno));
  std::filesystem::rename(unfinished, json_path_);
}

}  // namespace octet::bench
