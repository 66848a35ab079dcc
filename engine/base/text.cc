#include "engine/base/text.h"

#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace engine {
namespace {

constexpr char kPairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

// Writes the digits so that they end at `end`; returns where they begin.
char* write_digits(std::uint64_t value, char* end) {
  while (value >= 100) {
    end -= 2;
    std::memcpy(end, kPairs + 2 * (value % 100), 2);
    value /= 100;
  }
  if (value >= 10) {
    end -= 2;
    std::memcpy(end, kPairs + 2 * value, 2);
  } else {
    *--end = static_cast<char>('0' + value);
  }
  return end;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == '\0';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// strtod and similar functions need a terminated string and accept more than Redis does.
template <typename Number>
std::optional<Number> parse_floating(std::string_view text,
                                     Number (*convert)(const char*, char**)) {
  constexpr std::size_t kLongest = 5UL * 1024;
  if (text.empty() || text.size() >= kLongest || is_blank(text.front())) {
    return std::nullopt;
  }
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const Number value = convert(terminated.c_str(), &end);
  const bool out_of_range = errno == ERANGE && (std::isinf(value) || value == 0);
  if (end != terminated.c_str() + terminated.size() || out_of_range || std::isnan(value)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

const char* error_text(int error) {
  const char* const text = ::strerrordesc_np(error);
  return text != nullptr ? text : "Unknown error";
}

// By hand: std::from_chars accepts leading zeros and "-0", which would not be printed back
// unchanged.
std::optional<std::int64_t> parse_int64(std::string_view text) {
  if (text.empty() || text.size() > 20) {
    return std::nullopt;
  }
  const bool negative = text[0] == '-';
  const char* at = text.data() + (negative ? 1 : 0);
  const char* const end = text.data() + text.size();
  if (at == end || *at < '0' || *at > '9' || (*at == '0' && text.size() > 1)) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit > 9) {
      return std::nullopt;
    }
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    if (value > kMax / 10 || value * 10 > kMax - digit) {
      return std::nullopt;
    }
    value = value * 10 + digit;
  }
  constexpr auto kMaxPositive =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value > kMaxPositive + (negative ? 1 : 0)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

std::optional<double> parse_double(std::string_view text) {
  return parse_floating<double>(text, std::strtod);
}

std::optional<double> parse_c_double(std::string_view text, bool in_range) {
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(terminated.c_str(), &end);
  if (*end != '\0' || std::isnan(value) || (in_range && errno == ERANGE)) {
    return std::nullopt;
  }
  return value;
}

std::optional<long double> parse_long_double(std::string_view text) {
  return parse_floating<long double>(text, std::strtold);
}

std::optional<std::uint64_t> parse_memory_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + digits, value);
  if (digits == 0 || failure != std::errc()) {
    return std::nullopt;
  }
  const std::string unit = to_lower(text.substr(digits));
  static constexpr struct {
    std::string_view name;
    std::uint64_t factor;
  } kUnits[] = {{"", 1},          {"b", 1},        {"k", 1000},          {"kb", 1 << 10},
                {"m", 1'000'000}, {"mb", 1 << 20}, {"g", 1'000'000'000}, {"gb", 1 << 30}};
  for (const auto& known : kUnits) {
    if (unit == known.name) {
      if (value > std::numeric_limits<std::uint64_t>::max() / known.factor) {
        return std::nullopt;
      }
      return value * known.factor;
    }
  }
  return std::nullopt;
}

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): what is read has been written
Digits::Digits(std::uint64_t value) {
  char* const end = digits_.data() + digits_.size();
  begin_ = write_digits(value, end);
  size_ = static_cast<std::size_t>(end - begin_);
}

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): what is read has been written
Digits::Digits(std::int64_t value) {
  char* const end = digits_.data() + digits_.size();
  const auto bits = static_cast<std::uint64_t>(value);
  char* begin = write_digits(value < 0 ? 0 - bits : bits, end);
  if (value < 0) {
    *--begin = '-';
  }
  begin_ = begin;
  size_ = static_cast<std::size_t>(end - begin_);
}

std::string format_double(double value) {
  if (std::isinf(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  char buffer[64];
  const auto [end, failure] =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::general, 17);
  return failure == std::errc() ? std::string(buffer, end) : std::string();
}

std::string format_long_double(long double value) {
  if (std::isinf(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  char buffer[5 * 1024];
  const int size = std::snprintf(buffer, sizeof(buffer), "%.17Lf", value);
  std::string text(buffer, static_cast<std::size_t>(size));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
      text.pop_back();
    }
  }
  return text == "-0" ? "0" : text;
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

namespace {

// Reads the bracket expression at pattern[at] == '['; moves `at` to its ']' (or the last byte when
// it is missing) and says whether `c` is in it.
bool matches_class(std::string_view pattern, std::size_t& at, char c, bool ignore_case) {
  ++at;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) {
    ++at;
  }
  const auto fold = [ignore_case](char x) { return ignore_case ? lower(x) : x; };
  bool found = false;
  for (;; ++at) {
    if (at >= pattern.size()) {
      --at;
      break;
    }
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      ++at;
      found |= pattern[at] == c;
    } else if (pattern[at] == ']') {
      break;
    } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
      const auto low = static_cast<unsigned char>(fold(pattern[at]));
      const auto high = static_cast<unsigned char>(fold(pattern[at + 2]));
      const auto byte = static_cast<unsigned char>(fold(c));
      at += 2;
      found |= byte >= std::min(low, high) && byte <= std::max(low, high);
    } else {
      found |= fold(pattern[at]) == fold(c);
    }
  }
  return found != negated;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case) {
  // Greedy with one point to come back to: only the last '*' ever needs to take more.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    bool matched = false;
    std::size_t next = p;
    if (p < pattern.size()) {
      switch (pattern[p]) {
        case '*':
          star = p++;
          star_text = t;
          continue;
        case '?':
          matched = true;
          next = p + 1;
          break;
        case '[':
          matched = matches_class(pattern, next, text[t], ignore_case);
          ++next;
          break;
        case '\\':
          if (p + 1 < pattern.size()) {
            ++next;
          }
          [[fallthrough]];
        default:
          matched = ignore_case ? lower(pattern[next]) == lower(text[t]) : pattern[next] == text[t];
          ++next;
      }
    }
    if (matched) {
      p = next;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

namespace {

// Reads the rest of a "..." word from `at` (after the opening quote) to after the closing one.
bool read_double_quoted(std::string_view line, std::size_t& at, std::string& word) {
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"') {
      ++at;
      return at == line.size() || is_blank(line[at]);
    }
    if (c != '\\' || at + 1 == line.size()) {
      word.push_back(c);
      continue;
    }
    const char escaped = line[++at];
    if (escaped == 'x' && at + 2 < line.size() && hex_digit(line[at + 1]) >= 0 &&
        hex_digit(line[at + 2]) >= 0) {
      word.push_back(static_cast<char>(hex_digit(line[at + 1]) * 16 + hex_digit(line[at + 2])));
      at += 2;
      continue;
    }
    switch (escaped) {
      case 'n':
        word.push_back('\n');
        break;
      case 'r':
        word.push_back('\r');
        break;
      case 't':
        word.push_back('\t');
        break;
      case 'b':
        word.push_back('\b');
        break;
      case 'a':
        word.push_back('\a');
        break;
      default:
        word.push_back(escaped);
    }
  }
  return false;
}

// The same for '...'.
bool read_single_quoted(std::string_view line, std::size_t& at, std::string& word) {
  for (; at < line.size(); ++at) {
    if (line[at] == '\'') {
      ++at;
      return at == line.size() || is_blank(line[at]);
    }
    if (line[at] == '\\' && at + 1 < line.size() && line[at + 1] == '\'') {
      ++at;
    }
    word.push_back(line[at]);
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_blank(line[at])) {
      ++at;
    }
    if (at == line.size()) {
      return words;
    }
    std::string& word = words.emplace_back();
    while (at < line.size() && !is_blank(line[at])) {
      const char c = line[at++];
      if (c == '"' || c == '\'') {
        if (!(c == '"' ? read_double_quoted(line, at, word) : read_single_quoted(line, at, word))) {
          return std::nullopt;
        }
      } else {
        word.push_back(c);
      }
    }
  }
}

std::string quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '\\':
      case '"':
        result.push_back('\\');
        result.push_back(c);
        break;
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\a':
        result += "\\a";
        break;
      case '\b':
        result += "\\b";
        break;
      default:
        if (c >= 0x20 && c < 0x7f) {
          result.push_back(c);
        } else {
          static constexpr char kHex[] = "0123456789abcdef";
          const auto byte = static_cast<unsigned char>(c);
          result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
  }
  result.push_back('"');
  return result;
}

}  // namespace engine
