// A RESP reply as a value. Arrays and nested replies own their elements.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace crashpoint::target {

struct RespValue {
  enum class Kind : std::uint8_t { kSimple, kError, kInteger, kBulk, kNull, kArray, kNullArray };
  Kind kind = Kind::kNull;
  std::string text = {};              // kSimple, kError, kBulk
  std::int64_t integer = 0;           // kInteger
  std::vector<RespValue> items = {};  // kArray

  [[nodiscard]] bool is_error() const { return kind == Kind::kError; }
  friend bool operator==(const RespValue&, const RespValue&) = default;
};

}  // namespace crashpoint::target
