// Reading and writing numbers, names and patterns exactly as Redis does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

// The canonical decimal of an int64: no sign but '-', no leading zero, no blank. What may be stored
// as an integer and printed back unchanged.
std::optional<std::int64_t> parse_int64(std::string_view text);

// A finite or infinite double, whole text, no leading blank, no NaN ("inf", "-infinity", "0x1p3"
// are numbers as they are for strtod).
std::optional<double> parse_double(std::string_view text);
// As strtod reads a C string: leading blanks are skipped, an empty string is 0, and what follows a
// NUL is ignored. No NaN. With `in_range`, no number beyond a double's range either (else it is
// infinite).
std::optional<double> parse_c_double(std::string_view text, bool in_range);
// As parse_double, in long double, for INCRBYFLOAT.
std::optional<long double> parse_long_double(std::string_view text);

// Bytes from "64mb", "1g", "100" (k = 1000, kb = 1024, ...; case of letters does not matter).
std::optional<std::uint64_t> parse_memory_size(std::string_view text);

// What strerror() says, safe from any thread.
const char* error_text(int error);

// Decimal digits of an integer, without allocation.
class Digits {
 public:
  explicit Digits(std::int64_t value);
  explicit Digits(std::uint64_t value);
  std::string_view view() const { return {begin_, size_}; }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
  Digits(const Digits&) = delete;
  Digits& operator=(const Digits&) = delete;

 private:
  std::array<char, 24> digits_;
  const char* begin_;
  std::size_t size_;
};

// "%.17g", with "inf" and "-inf"; a double that is a whole number prints as one.
std::string format_double(double value);
// Fixed notation with trailing zeros cut, 17 digits after the point: the form of INCRBYFLOAT.
std::string format_long_double(long double value);

std::string to_lower(std::string_view text);
// ASCII letters only.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// Redis's glob: * ? [a-z] [^a] and backslash. Takes time linear in |pattern| x |text| at worst.
bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case = false);

// Splits a line into words as the inline protocol and redis.conf do: blanks separate, "..." knows
// \n \r \t \b \a \xHH escapes, '...' only \'. Nothing when quotes are unbalanced.
std::optional<std::vector<std::string>> split_words(std::string_view line);

// "..." with everything unprintable escaped: the reverse of split_words for one word.
std::string quote(std::string_view text);

}  // namespace engine
