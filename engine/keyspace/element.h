// One element read out of a collection: a borrowed string, or an integer that is stored as such.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace engine::keyspace {

class Element {
 public:
  // A string is an element. The digits stay unset until they are asked for.
  // NOLINTNEXTLINE(google-explicit-constructor,cppcoreguidelines-pro-type-member-init)
  Element(std::string_view text)
      : data_(text.data() == nullptr ? "" : text.data()), size_(text.size()) {}
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  explicit Element(std::int64_t integer) : data_(nullptr), integer_(integer) {}

  bool is_integer() const { return data_ == nullptr; }
  std::int64_t integer() const { return integer_; }  // only when is_integer()
  // A string lives as long as the collection is unchanged; an integer's digits as long as this.
  std::string_view text() const { return is_integer() ? digits() : std::string_view(data_, size_); }
  std::string str() const { return std::string(text()); }

 private:
  std::string_view digits() const;

  const char* data_;
  union {                   // private, whatever the check of names says
    std::size_t size_;      // NOLINT(readability-identifier-naming)
    std::int64_t integer_;  // NOLINT(readability-identifier-naming)
  };
  mutable std::array<char, 20> digits_;
};

}  // namespace engine::keyspace
