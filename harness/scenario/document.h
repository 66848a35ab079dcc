// A JSON text that remembers where each of its values stands, through comments, inheritance and
// matrices: so that every message can point at the line somebody wrote. Internal to scenario/.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/scenario/load.h"

namespace crashpoint::scenario {

using Json = nlohmann::json;
using Pointer = Json::json_pointer;

struct Position {
  std::shared_ptr<const std::string> file;
  std::size_t line = 0;  // from 1; columns count characters, not bytes
  std::size_t column = 0;
};

class Document {
 public:
  // Strict JSON (RFC 8259) plus // and /* */ comments; a byte order mark and CRLF are fine. A key
  // given twice, or nesting past kDepthMax, is a problem too. Empty when there was any.
  static std::optional<Document> parse(const std::string& file, std::string_view text,
                                       std::vector<Problem>& problems);

  [[nodiscard]] const Json& json() const { return json_; }
  [[nodiscard]] const std::string& file() const { return *file_; }

  // Where the value at `pointer` begins, or its key does; of the nearest thing around it when it is
  // not in any text (a default, or a value that is missing).
  [[nodiscard]] Position value_position(const std::string& pointer) const;
  [[nodiscard]] Position key_position(const std::string& pointer) const;

  // JSON merge patch (RFC 7396) at `at`, which names an object: what `patch` says wins, null
  // removes. Positions come along.
  void merge(const std::string& at, const Document& patch, const std::string& patch_at = "");

  // Puts the value of `source` at `source_pointer` at `pointer`, whose parent exists.
  void assign(const std::string& pointer, const Document& source,
              const std::string& source_pointer);
  void assign(const std::string& pointer, Json value, const Position& position);

  void erase(const std::string& key);  // of the top level

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

// `token` as part of a JSON pointer (RFC 6901): ~ and / escaped, with the slash before it.
[[nodiscard]] std::string pointer_token(std::string_view token);

[[nodiscard]] Problem problem_at(const Position& position, std::string pointer, std::string text);

}  // namespace crashpoint::scenario
