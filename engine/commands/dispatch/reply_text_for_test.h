// For tests: replies in RESP as text that can be compared and read.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/text.h"

namespace engine::commands {

// Takes the first reply off `bytes` and returns it as text: the line of a simple type ("+OK", ":1",
// "$-1"), "..." for a string, "*[a, b]", "%[...]", ... for an aggregate. With `sorted`, elements
// (pairs, of a map) come in the order of their text: for replies that have no order. Nothing, and
// `bytes` unchanged, while the reply is not complete.
inline std::optional<std::string> take_reply(std::string_view& bytes, bool sorted = false) {
  const std::string_view all = bytes;
  const std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + 2);
  std::int64_t size = 0;
  std::from_chars(line.data() + 1, line.data() + line.size(), size);
  const char kind = line.at(0);
  if (size < 0 || std::string_view("$=*~%>").find(kind) == std::string_view::npos) {
    return std::string(line);
  }
  const auto count = static_cast<std::size_t>(size);
  if (kind == '$' || kind == '=') {
    if (bytes.size() < count + 2) {
      bytes = all;
      return std::nullopt;
    }
    const std::string text = (kind == '=' ? "=" : "") + quote(bytes.substr(0, count));
    bytes.remove_prefix(count + 2);
    return text;
  }
  std::vector<std::string> elements;
  for (std::size_t i = 0; i < count * (kind == '%' ? 2 : 1); ++i) {
    const std::optional<std::string> element = take_reply(bytes, sorted);
    if (!element) {
      bytes = all;
      return std::nullopt;
    }
    if (kind == '%' && i % 2 == 1) {
      elements.back() += " => " + *element;
    } else {
      elements.push_back(*element);
    }
  }
  if (sorted) {
    std::sort(elements.begin(), elements.end());
  }
  std::string text(1, kind);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    text += (i == 0 ? "[" : ", ") + elements[i];
  }
  return text + (elements.empty() ? "[]" : "]");
}

// The one reply in `bytes`.
inline std::string reply_text(std::string_view bytes, bool sorted = false) {
  const std::optional<std::string> text = take_reply(bytes, sorted);
  EXPECT_TRUE(text.has_value() && bytes.empty()) << "not one reply: " << bytes;
  return text.value_or("");
}

}  // namespace engine::commands
