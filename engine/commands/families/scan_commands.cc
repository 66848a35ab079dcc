// SCAN, HSCAN, SSCAN and ZSCAN. How a cursor works: see keyspace/table.h.
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Type;

struct ScanOptions {
  std::string_view pattern;  // empty: everything
  std::size_t count = 10;
  std::optional<std::string_view> type;

  bool matches(std::string_view text) const { return pattern.empty() || glob_match(pattern, text); }
};

std::optional<ScanOptions> parse_options(Context& c, std::size_t first, bool with_type) {
  ScanOptions options;
  for (std::size_t i = first; i < c.argv.size(); i += 2) {
    if (i + 1 == c.argv.size()) {
      c.error(errors::kSyntax);
      return std::nullopt;
    }
    if (c.is_word(i, "COUNT")) {
      const auto count = c.integer(i + 1);
      if (!count) {
        return std::nullopt;
      }
      if (*count < 1) {
        c.error(errors::kSyntax);
        return std::nullopt;
      }
      options.count = static_cast<std::size_t>(*count);
    } else if (c.is_word(i, "MATCH")) {
      options.pattern = c.argv[i + 1] == "*" ? std::string_view() : c.argv[i + 1];
    } else if (with_type && c.is_word(i, "TYPE")) {
      options.type = c.argv[i + 1];
    } else {
      c.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

// Replies [cursor, elements]: scan(emit) calls emit(text...) for each element and returns the
// cursor.
template <typename Scan>
void reply_scan(Context& c, Scan scan) {
  c.reply.array(2);
  const std::size_t mark = c.reply.mark();
  std::size_t count = 0;
  const std::uint64_t cursor = scan([&](std::string_view text) {
    c.reply.bulk(text);
    ++count;
  });
  c.reply.close_array(mark, count);
  // The cursor comes first, but is known last.
  const Digits digits(cursor);
  const std::string head =
      "$" + std::to_string(digits.view().size()) + "\r\n" + std::string(digits.view()) + "\r\n";
  c.reply.buffer().insert(mark, head);
}

// The collection of HSCAN, SSCAN and ZSCAN: scan(entry, cursor, options, emit) reads on in it.
template <typename Scan>
void scan_collection(Context& c, Type type, Scan scan) {
  const auto cursor = scan_cursor(c, 2);
  if (!cursor) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry == nullptr) {
    c.reply.array(2);
    c.reply.bulk("0");
    return c.reply.array(0);
  }
  if (c.wrong_type(entry, type)) {
    return;
  }
  const auto options = parse_options(c, 3, false);
  if (!options) {
    return;
  }
  reply_scan(c, [&](const auto& emit) { return scan(*entry, *cursor, *options, emit); });
}

}  // namespace

void scan_command(Context& c) {
  const auto cursor = scan_cursor(c, 1);
  if (!cursor) {
    return;
  }
  const auto options = parse_options(c, 2, true);
  if (!options) {
    return;
  }
  std::vector<std::string> expired;
  reply_scan(c, [&](const auto& emit) {
    return c.db().scan(*cursor, options->count, [&](KeyEntry& entry) {
      if (!options->matches(entry.key()) ||
          (options->type &&
           !equals_ignoring_case(*options->type, type_name(entry.object.type())))) {
        return;
      }
      if (entry.has_expiry() && c.db().expire_ms(entry) < c.now_ms()) {
        expired.emplace_back(entry.key());
        return;
      }
      emit(entry.key());
    });
  });
  for (const std::string& key : expired) {
    c.peek(key);
  }
}

void hscan_command(Context& c) {
  scan_collection(c, Type::kHash,
                  [](const KeyEntry& entry, std::uint64_t cursor, const ScanOptions& options,
                     const auto& emit) {
                    return entry.object.hash().scan(
                        cursor, options.count, [&](std::string_view field, std::string_view value) {
                          if (options.matches(field)) {
                            emit(field);
                            emit(value);
                          }
                        });
                  });
}

void sscan_command(Context& c) {
  scan_collection(c, Type::kSet,
                  [](const KeyEntry& entry, std::uint64_t cursor, const ScanOptions& options,
                     const auto& emit) {
                    return entry.object.set().scan(cursor, options.count,
                                                   [&](std::string_view member) {
                                                     if (options.matches(member)) {
                                                       emit(member);
                                                     }
                                                   });
                  });
}

void zscan_command(Context& c) {
  scan_collection(c, Type::kSortedSet,
                  [](const KeyEntry& entry, std::uint64_t cursor, const ScanOptions& options,
                     const auto& emit) {
                    const keyspace::SortedSet& zset = entry.object.sorted_set();
                    return zset.scan(
                        cursor, options.count, [&](std::string_view member, double score) {
                          if (options.matches(member)) {
                            emit(member);
                            emit(zset.is_listpack() ? keyspace::SortedSet::score_text(score)
                                                    : format_double(score));
                          }
                        });
                  });
}

}  // namespace engine::commands
