// Invariants of the harness itself, checked in every build. What the target does wrong is a verdict,
// and what the user or the machine does wrong is an exception (error.h); neither belongs here.
//
//   HARNESS_CHECK(node.first_op < ops.size());
//   HARNESS_CHECK(from <= to, from, to);
//
// The condition and the values, which fmt must be able to format, are evaluated once: the values only
// when the condition does not hold. Then they are written to stderr with the place, and the process
// aborts: an answer computed from a broken state would be worse than none.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

namespace crashpoint::internal {

template <typename... Values>
[[noreturn]] [[gnu::cold]] [[gnu::noinline]] void check_failed(const char* file, int line,
                                                               const char* condition,
                                                               std::string_view names,
                                                               const Values&... values) {
  std::string text = fmt::format("{}:{}: {} does not hold", file, line, condition);
  if constexpr (sizeof...(Values) > 0) {
    text += fmt::format(": {} =", names);
    const char* separator = " ";
    const auto add = [&](const auto& value) {
      fmt::format_to(std::back_inserter(text), "{}{}", separator, value);
      separator = ", ";
    };
    (add(values), ...);
  }
  text += "\nThis is a bug of crashpoint itself, please report it.\n";
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  std::abort();
}

}  // namespace crashpoint::internal

#define HARNESS_CHECK(condition, ...)                                                \
  do {                                                                               \
    if (!(condition)) [[unlikely]] {                                                 \
      ::crashpoint::internal::check_failed(__FILE__, __LINE__, #condition,           \
                                           #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__); \
    }                                                                                \
  } while (false)
