// Arguments that several commands read in the same way.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "engine/commands/dispatch/context.h"

namespace engine::commands {

inline constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();

// Nothing: the argument is not a 32-bit integer, and `on_error` was replied (empty: the reply that
// Redis has for each case).
std::optional<int> integer_of_32_bits(Context& c, std::size_t index,
                                      std::string_view on_error = "");
// Whether this database exists; replies the error.
bool is_database(Context& c, int index);
// The number of an existing database. Replies the error.
std::optional<int> database_index(Context& c, std::size_t index);

enum class TimeUnit : std::uint8_t { kSeconds, kMilliseconds };

// The time at which a key expires, in ms since the epoch, from a time that is `absolute` or counts
// from now. Must be positive and fit; otherwise replies "ERR invalid expire time in 'set' command".
std::optional<std::int64_t> expire_time(Context& c, std::size_t index, TimeUnit unit,
                                        bool absolute);

// EX, PX, EXAT, PXAT at argument `index`; the time is the argument after it.
struct ExpireOption {
  TimeUnit unit;
  bool absolute;
};
std::optional<ExpireOption> expire_option(const Context& c, std::size_t index);

// A timeout in seconds with a fraction, as a deadline in monotonic ms (0: none). Replies the error.
std::optional<std::int64_t> deadline(Context& c, std::size_t index);

// LEFT or RIGHT; otherwise replies a syntax error.
std::optional<keyspace::ListEnd> list_end(Context& c, std::size_t index);

// A cursor of the SCAN family. Replies "ERR invalid cursor".
std::optional<std::uint64_t> scan_cursor(Context& c, std::size_t index);

// [start, stop] of a sequence of `size` elements, negative from the end, clamped to the sequence;
// nothing when that is empty.
struct IndexRange {
  std::size_t first;
  std::size_t count;
};
std::optional<IndexRange> index_range(std::int64_t start, std::int64_t stop, std::size_t size);

}  // namespace engine::commands
