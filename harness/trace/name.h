// An interned, immutable string: a trace of millions of events names only hundreds of paths.
//
// A Name is one pointer, copies for free, compares equal by address, and reads as a std::string or
// std::string_view. Interned text lives as long as the program. Safe from any thread.
#pragma once

#include <compare>
#include <concepts>
#include <ostream>
#include <string>
#include <string_view>

namespace crashpoint::trace {

class Name {
 public:
  Name() = default;
  // NOLINTBEGIN(google-explicit-constructor): a test writes event.path = "dump.rdb"
  template <typename Text>
  requires std::convertible_to<const Text&, std::string_view> Name(const Text& text)
      : text_(intern(text)) {}
  // NOLINTEND(google-explicit-constructor)

  [[nodiscard]] const std::string& str() const { return text_ == nullptr ? kEmpty : *text_; }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator const std::string&() const { return str(); }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::string_view() const { return str(); }
  [[nodiscard]] bool empty() const { return text_ == nullptr; }

  friend bool operator==(Name a, Name b) { return a.text_ == b.text_; }
  friend std::strong_ordering operator<=>(Name a, Name b) { return a.str() <=> b.str(); }
  template <typename Text>
  requires(std::convertible_to<const Text&, std::string_view> &&
           !std::same_as<Text, Name>) friend bool
  operator==(Name name, const Text& text) {
    return name.str() == std::string_view(text);
  }
  friend std::ostream& operator<<(std::ostream& out, Name name) { return out << name.str(); }

 private:
  static const std::string* intern(std::string_view text);  // nullptr for ""
  inline static const std::string kEmpty;

  const std::string* text_ = nullptr;
};

}  // namespace crashpoint::trace
