#include "engine/commands/dispatch/arguments.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "engine/base/text.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/executor_state.h"

namespace engine::commands {
namespace {}  // namespace

std::optional<int> integer_of_32_bits(Context& c, std::size_t index, std::string_view on_error) {
  const std::optional<std::int64_t> given =
      c.integer(index, on_error.empty() ? errors::kNotInteger : on_error);
  if (!given) {
    return std::nullopt;
  }
  if (*given < std::numeric_limits<int>::min() || *given > std::numeric_limits<int>::max()) {
    c.error(on_error.empty()
                ? "ERR value is out of range, value must between -2147483648 and 2147483647"
                : on_error);
    return std::nullopt;
  }
  return static_cast<int>(*given);
}

bool is_database(Context& c, int index) {
  const bool exists = index >= 0 && index < c.state.keyspace.count();
  if (!exists) {
    c.error(errors::kDbIndexOutOfRange);
  }
  return exists;
}

std::optional<int> database_index(Context& c, std::size_t index) {
  const std::optional<int> given = integer_of_32_bits(c, index);
  return given && is_database(c, *given) ? given : std::nullopt;
}

std::optional<std::int64_t> expire_time(Context& c, std::size_t index, TimeUnit unit,
                                        bool absolute) {
  const std::optional<std::int64_t> given = c.integer(index);
  if (!given) {
    return std::nullopt;
  }
  const std::int64_t base = absolute ? 0 : c.now_ms();
  const std::int64_t factor = unit == TimeUnit::kSeconds ? 1000 : 1;
  if (*given <= 0 || *given > kInt64Max / factor || *given * factor > kInt64Max - base) {
    c.error("ERR invalid expire time in '" + full_name(c.spec) + "' command");
    return std::nullopt;
  }
  return *given * factor + base;
}

std::optional<ExpireOption> expire_option(const Context& c, std::size_t index) {
  if (c.is_word(index, "EX")) {
    return ExpireOption{TimeUnit::kSeconds, false};
  }
  if (c.is_word(index, "PX")) {
    return ExpireOption{TimeUnit::kMilliseconds, false};
  }
  if (c.is_word(index, "EXAT")) {
    return ExpireOption{TimeUnit::kSeconds, true};
  }
  if (c.is_word(index, "PXAT")) {
    return ExpireOption{TimeUnit::kMilliseconds, true};
  }
  return std::nullopt;
}

std::optional<std::int64_t> deadline(Context& c, std::size_t index) {
  const std::optional<long double> seconds = parse_long_double(c.argv[index]);
  if (!seconds) {
    c.error(errors::kTimeoutNotFloat);
    return std::nullopt;
  }
  const long double ms = std::ceil(*seconds * 1000);
  const std::int64_t now_ms = c.state.monotonic_ms();
  // Beyond an int64 the result of Redis's conversion is negative.
  if (ms < 0 || ms > static_cast<long double>(kInt64Max)) {
    c.error(errors::kTimeoutNegative);
    return std::nullopt;
  }
  const auto whole_ms = static_cast<std::int64_t>(ms);
  if (whole_ms > kInt64Max - now_ms) {
    c.error(errors::kTimeoutOutOfRange);
    return std::nullopt;
  }
  return whole_ms == 0 ? 0 : now_ms + whole_ms;
}

std::optional<keyspace::ListEnd> list_end(Context& c, std::size_t index) {
  if (c.is_word(index, "LEFT")) {
    return keyspace::ListEnd::kFront;
  }
  if (c.is_word(index, "RIGHT")) {
    return keyspace::ListEnd::kBack;
  }
  c.error(errors::kSyntax);
  return std::nullopt;
}

std::optional<std::uint64_t> scan_cursor(Context& c, std::size_t index) {
  const std::string_view text = c.argv[index];
  std::uint64_t cursor = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), cursor);
  if (failure != std::errc() || end != text.data() + text.size()) {
    c.error(errors::kInvalidCursor);
    return std::nullopt;
  }
  return cursor;
}

std::optional<IndexRange> index_range(std::int64_t start, std::int64_t stop, std::size_t size) {
  const auto length = static_cast<std::int64_t>(size);
  if (start < 0) {
    start = std::max<std::int64_t>(start + length, 0);
  }
  if (stop < 0) {
    stop += length;
  }
  stop = std::min(stop, length - 1);
  if (start > stop || start >= length) {
    return std::nullopt;
  }
  return IndexRange{static_cast<std::size_t>(start), static_cast<std::size_t>(stop - start + 1)};
}

}  // namespace engine::commands
