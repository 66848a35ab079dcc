// A value of a scenario file as the parsers see it: its JSON (already checked against the schema), its
// position for messages, and a record of the keys that were read. Internal to scenario/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/json/document.h"

namespace crashpoint::scenario {

// One reading of one document.
struct Reading {
  const Document& document;
  std::vector<Problem>& problems;
  std::vector<Problem>& warnings;
  std::uint64_t seed = 1;       // replaces {seed}
  std::set<std::string> asked;  // pointers of all keys that a parser looked up, present or not
  // Pointers of values that are copies of other files -> their bytes.
  std::map<std::string, std::string> copied = {};
  // Pointers of paths of programs that were found -> their absolute paths.
  std::map<std::string, std::string> found = {};
};

class Node {
 public:
  Node(Reading& reading, const Json& json, std::string pointer)
      : reading_(&reading), json_(&json), pointer_(std::move(pointer)) {}

  [[nodiscard]] const Json& json() const { return *json_; }
  [[nodiscard]] const std::string& pointer() const { return pointer_; }
  [[nodiscard]] const std::string& file() const { return reading_->document.file(); }
  [[nodiscard]] std::uint64_t seed() const { return reading_->seed; }

  [[nodiscard]] bool has(const std::string& key) const { return find(key).has_value(); }
  [[nodiscard]] std::optional<Node> find(const std::string& key) const {
    reading_->asked.insert(pointer_ + pointer_token(key));
    const auto found = json_->find(key);
    if (found == json_->end()) {
      return std::nullopt;
    }
    return Node(*reading_, *found, pointer_ + pointer_token(key));
  }
  [[nodiscard]] Node at(const std::string& key) const { return *find(key); }

  // The members of an object with arbitrary keys; the items of a list.
  [[nodiscard]] std::vector<std::pair<std::string, Node>> members() const {
    std::vector<std::pair<std::string, Node>> all;
    for (const auto& [key, value] : json_->items()) {
      all.emplace_back(key, at(key));
    }
    return all;
  }
  [[nodiscard]] std::vector<Node> items() const {
    std::vector<Node> all;
    for (std::size_t i = 0; i < json_->size(); ++i) {
      all.emplace_back(*reading_, (*json_)[i], pointer_ + "/" + std::to_string(i));
    }
    return all;
  }

  template <typename T>
  [[nodiscard]] T as() const {
    return json_->get<T>();
  }
  // Text that goes where a NUL ends it: names, paths, patterns, arguments. parse_bytes() is for the rest.
  [[nodiscard]] std::string text() const {
    auto text = json_->get<std::string>();
    if (text.find('\0') != std::string::npos) {
      problem("found a NUL character (\\u0000); allowed: text without it");
    }
    return text;
  }
  [[nodiscard]] bool is_text() const { return json_->is_string(); }

  // Reads the value of `key` into `out`; leaves `out` unchanged if the key is missing.
  void read(const std::string& key, std::string& out) const {
    if (const std::optional<Node> found = find(key)) {
      out = found->text();
    }
  }
  template <typename T>
  void read(const std::string& key, T& out) const {
    if (const std::optional<Node> found = find(key)) {
      out = found->as<T>();
    }
  }
  template <typename T>
  void read(const std::string& key, std::optional<T>& out) const {
    if (const std::optional<Node> found = find(key)) {
      out = found->as<T>();
    }
  }

  void keep_copied(std::string bytes) const { reading_->copied[pointer_] = std::move(bytes); }

  void keep_found(std::string path) const { reading_->found[pointer_] = std::move(path); }

  void problem(std::string text) const {
    reading_->problems.push_back(
        problem_at(reading_->document.value_position(pointer_), pointer_, std::move(text)));
  }
  void problem_at_key(std::string text) const {
    reading_->problems.push_back(
        problem_at(reading_->document.key_position(pointer_), pointer_, std::move(text)));
  }
  // Valid, but probably a mistake.
  void warning(std::string text) const {
    reading_->warnings.push_back(
        problem_at(reading_->document.value_position(pointer_), pointer_, std::move(text)));
  }

 private:
  Reading* reading_;
  const Json* json_;
  std::string pointer_;
};

}  // namespace crashpoint::scenario
