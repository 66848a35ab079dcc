// A JSON text that keeps the position of each of its values, through comments, inheritance and
// matrices, so that every message can name the line in the file. Internal to scenario/.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/scenario/json/problem.h"

namespace crashpoint::scenario {

using Json = nlohmann::json;
using Pointer = Json::json_pointer;

struct Position {
  std::shared_ptr<const std::string> file;
  std::size_t line = 0;  // from 1; columns count characters, not bytes
  std::size_t column = 0;
};

// NOLINTNEXTLINE(bugprone-exception-escape): of the move constructor that is made for it
class Document {
 public:
  // Parses strict JSON (RFC 8259) plus // and /* */ comments; accepts a byte order mark and CRLF.
  // Duplicate keys and nesting deeper than kDepthMax are problems. Empty if there is any problem.
  static std::optional<Document> parse(const std::string& file, std::string_view text,
                                       std::vector<Problem>& problems);

  [[nodiscard]] const Json& json() const { return json_; }
  [[nodiscard]] const std::string& file() const { return *file_; }

  // Where the value at `pointer`, or its key, begins. For a value that is in no text (a default, a
  // missing value): the position of the nearest enclosing value.
  [[nodiscard]] Position value_position(const std::string& pointer) const;
  [[nodiscard]] Position key_position(const std::string& pointer) const;

  // JSON merge patch (RFC 7396) at `at`, which names an object: `patch` wins, null removes. Merges the
  // positions, too.
  void merge(const std::string& at, const Document& patch, const std::string& patch_at = "");

  // Copies the value at `source_pointer` of `source` to `pointer`, whose parent must exist.
  void assign(const std::string& pointer, const Document& source,
              const std::string& source_pointer);
  void assign(const std::string& pointer, Json value, const Position& position);

  void erase(const std::string& key);  // at the top level

  static constexpr std::size_t kDepthMax = 64;

 private:
  struct Place {
    Position key;
    Position value;
  };

  void copy_places(const std::string& to, const Document& source, const std::string& from);
  void erase_places(const std::string& pointer);
  [[nodiscard]] const Place* nearest_place(std::string pointer) const;

  std::shared_ptr<const std::string> file_;
  Json json_;
  std::map<std::string, Place, std::less<>> places_;  // by JSON pointer

  friend class PlaceScanner;
};

// `token` as part of a JSON pointer (RFC 6901): a slash, then the token with ~ and / escaped.
[[nodiscard]] std::string pointer_token(std::string_view token);

[[nodiscard]] Problem problem_at(const Position& position, std::string pointer, std::string text);

}  // namespace crashpoint::scenario
