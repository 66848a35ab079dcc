// Bytes and words made fit for people, shells and messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crashpoint {

// The length of the well-formed UTF-8 sequence at the front of `bytes`, 0 when there is none.
// (Unicode 15, table 3-7: no overlong forms, surrogates or code points past 10FFFF.)
[[nodiscard]] std::size_t utf8_length(std::string_view bytes);

// Printable ASCII and valid UTF-8 stay; the rest becomes \n \r \t \" \\ \xNN. The result is valid
// UTF-8 on one line, whatever the bytes.
[[nodiscard]] std::string escape(std::string_view bytes);

// The bytes that escape() made `text` of. Throws std::runtime_error where it made no such text.
[[nodiscard]] std::string unescape(std::string_view text);

// `text` made safe to print and to put into JSON or XML: bytes that are no UTF-8, and control
// characters other than newline and tab, become \xNN. All else stays, quotes and backslashes too, so
// that what is printable already is not changed.
[[nodiscard]] std::string printable(std::string_view text);

// escape(), cut after `size_max` bytes of input: "aaaa... (5000 bytes)".
[[nodiscard]] std::string shorten(std::string_view bytes, std::size_t size_max = 64);

// `word` as a POSIX shell reads it back; left bare when it needs no quotes.
[[nodiscard]] std::string shell_quote(std::string_view word);

// ASCII letters in lower case.
[[nodiscard]] std::string lower_case(std::string_view text);

// The lines of `text` that are not empty, without their ends (\n, \r\n). They point into it.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

// 1234567 -> "1,234,567".
[[nodiscard]] std::string with_commas(std::uint64_t number);

// "1 case", "3 cases".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view singular,
                                  std::string_view plural = {});

// What strerror() says, safe from any thread.
[[nodiscard]] std::string error_text(int error);

// 3 -> "3rd".
[[nodiscard]] std::string ordinal(std::uint64_t number);

}  // namespace crashpoint
