#include "harness/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace crashpoint {
namespace {

void append_escaped(std::string& out, unsigned char byte) {
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      if (byte >= 0x20 && byte < 0x7F) {
        out += static_cast<char>(byte);
      } else {
        out += fmt::format("\\x{:02x}", byte);
      }
  }
}

// The length of the character at the front of `bytes` if it is one beyond ASCII that can be shown; else 0.
std::size_t shown_length(std::string_view bytes) {
  const std::size_t length = utf8_length(bytes);
  // C1 controls and the line and paragraph separators would break the line; the directional marks
  // would show it in another order than it has. XML 1.0 forbids U+FFFE and U+FFFF.
  const std::string_view two = bytes.substr(0, 2);
  const std::string_view three = bytes.substr(0, 3);
  const bool control = two >= "\xC2\x80" && two <= "\xC2\x9F";
  const bool separator = three == "\xE2\x80\xA8" || three == "\xE2\x80\xA9";
  const bool direction = (three >= "\xE2\x80\xAA" && three <= "\xE2\x80\xAE") ||
                         (three >= "\xE2\x81\xA6" && three <= "\xE2\x81\xA9") ||
                         three == "\xE2\x80\x8E" || three == "\xE2\x80\x8F";
  const bool noncharacter = three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF";
  return length < 2 || control || separator || direction || noncharacter ? 0 : length;
}

// For a shell, in ASCII on one line: what a terminal or a report would not show as it is.
std::string quote_unprintable(std::string_view word) {
  std::string out = "$'";
  for (const char c : word) {
    if (c == '\'' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return out + "'";
}

}  // namespace

std::size_t utf8_length(std::string_view bytes) {
  const auto at = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  const unsigned second = at(1);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return follows(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool too_high = first == 0xF4 && second >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

std::string escape(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    if (const std::size_t length = shown_length(bytes); length != 0) {
      out += bytes.substr(0, length);
      bytes.remove_prefix(length);
    } else {
      append_escaped(out, static_cast<unsigned char>(bytes.front()));
      bytes.remove_prefix(1);
    }
  }
  return out;
}

std::string unescape(std::string_view text) {
  constexpr std::string_view kLetters = "nrt\"\\";
  constexpr std::string_view kBytes = "\n\r\t\"\\";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (text.front() != '\\') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::size_t letter = text.size() > 1 ? kLetters.find(text[1]) : std::string_view::npos;
    unsigned byte = 0;
    if (letter != std::string_view::npos) {
      out += kBytes[letter];
      text.remove_prefix(2);
    } else if (text.size() >= 4 && text[1] == 'x' &&
               std::from_chars(text.data() + 2, text.data() + 4, byte, 16).ptr == text.data() + 4) {
      out += static_cast<char>(byte);
      text.remove_prefix(4);
    } else {
      throw std::runtime_error(fmt::format("'{}' is no escape of a byte", text.substr(0, 4)));
    }
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char byte = text.front();
    const std::size_t length = std::max<std::size_t>(shown_length(text), 1);
    if (length > 1 || (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t') {
      out += text.substr(0, length);
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string shorten(std::string_view bytes, std::size_t size_max) {
  if (bytes.size() <= size_max) {
    return escape(bytes);
  }
  std::size_t end = size_max;
  while (end > 0 && size_max - end < 3 &&
         (static_cast<unsigned char>(bytes[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return fmt::format("{}... ({} bytes)", escape(bytes.substr(0, end)), bytes.size());
}

std::string shell_quote(std::string_view word) {
  constexpr std::string_view kBare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!word.empty() && word.find_first_not_of(kBare) == std::string_view::npos) {
    return std::string(word);
  }
  if (word.find('\n') != std::string_view::npos || printable(word) != word) {
    return quote_unprintable(word);
  }
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    while (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!line.empty()) {
      lines.push_back(line);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string with_commas(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3;) {
    at -= 3;
    out.insert(at, 1, ',');
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural) {
  if (count == 1) {
    return fmt::format("1 {}", singular);
  }
  return plural.empty() ? fmt::format("{} {}s", with_commas(count), singular)
                        : fmt::format("{} {}", with_commas(count), plural);
}

std::string error_text(int error) {
  const char* const text = ::strerrordesc_np(error);
  return text != nullptr ? text : fmt::format("error {}", error);
}

std::string ordinal(std::uint64_t number) {
  constexpr std::array<std::string_view, 4> kSuffixes = {"th", "st", "nd", "rd"};
  const bool teen = number % 100 >= 11 && number % 100 <= 13;
  const std::uint64_t last = number % 10;
  return fmt::format("{}{}", number, kSuffixes[teen || last > 3 ? 0 : last]);
}

}  // namespace crashpoint
