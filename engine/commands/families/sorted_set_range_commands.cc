// Sorted sets: ZRANGE in all its forms, counts and removals by range.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/families/sorted_set_range.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::SortedSet;
using keyspace::Type;
using By = RangeSpec::By;

struct RangeOptions {
  RangeSpec spec;
  bool with_scores = false;
};

// The options after the bounds. `is_general`: ZRANGE and ZRANGESTORE, which also accept BYSCORE,
// BYLEX and REV. Replies the error.
bool parse_options(Context& c, std::size_t first, bool is_general, bool is_store,
                   RangeOptions& options) {
  for (std::size_t i = first; i < c.argv.size(); ++i) {
    if (!is_store && c.is_word(i, "WITHSCORES")) {
      options.with_scores = true;
    } else if (c.is_word(i, "LIMIT") && i + 2 < c.argv.size()) {
      const auto offset = c.integer(i + 1);
      const auto limit = offset ? c.integer(i + 2) : std::nullopt;
      if (!limit) {
        return false;
      }
      options.spec.offset = *offset;
      options.spec.limit = *limit;
      i += 2;
    } else if (is_general && c.is_word(i, "REV")) {
      options.spec.reverse = true;
    } else if (is_general && c.is_word(i, "BYLEX")) {
      options.spec.by = By::kMember;
    } else if (is_general && c.is_word(i, "BYSCORE")) {
      options.spec.by = By::kScore;
    } else {
      c.error(errors::kSyntax);
      return false;
    }
  }
  if (options.spec.limit != -1 && options.spec.by == By::kRank) {
    c.error(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (options.spec.by == By::kRank) {
    options.spec.offset = 0;  // LIMIT n -1 has no effect
  }
  if (options.with_scores && options.spec.by == By::kMember) {
    c.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  return true;
}

void reply_range(Context& c, By by, bool reverse, bool is_general) {
  RangeOptions options;
  options.spec.by = by;
  options.spec.reverse = reverse;
  if (!parse_options(c, 4, is_general, false, options) || !parse_bounds(c, 2, options.spec)) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kSortedSet)) {
    return;
  }
  if (entry == nullptr) {
    return c.reply.array(0);
  }
  const std::size_t mark = c.reply.mark();
  std::size_t elements = 0;
  const bool as_pairs = options.with_scores && c.reply.resp3();
  for_each_in_range(entry->object.sorted_set(), options.spec,
                    [&](std::string_view member, double score) {
                      if (as_pairs) {
                        c.reply.array(2);
                      }
                      c.reply.bulk(member);
                      if (options.with_scores) {
                        c.reply.number(score);
                      }
                      ++elements;
                    });
  c.reply.close_array(mark, options.with_scores && !as_pairs ? 2 * elements : elements);
}

void count_range(Context& c, By by) {
  RangeSpec spec;
  spec.by = by;
  if (!parse_bounds(c, 2, spec)) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kSortedSet)) {
    return;
  }
  const auto range = entry == nullptr ? std::nullopt : find_range(entry->object.sorted_set(), spec);
  c.reply.integer(range ? static_cast<std::int64_t>(range->count) : 0);
}

void remove_range(Context& c, By by, std::string_view event) {
  RangeSpec spec;
  spec.by = by;
  if (!parse_bounds(c, 2, spec)) {
    return;
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kSortedSet)) {
    return;
  }
  const auto range = entry == nullptr ? std::nullopt : find_range(entry->object.sorted_set(), spec);
  if (!range) {
    return c.reply.integer(0);
  }
  entry->object.sorted_set().erase_range(range->first, range->count);
  c.modified(c.argv[1], {kSortedSetEvent, event}, range->count);
  c.erase_if_empty(*entry);
  c.reply.integer(static_cast<std::int64_t>(range->count));
}

}  // namespace

void zrange_command(Context& c) {
  reply_range(c, By::kRank, false, true);
}
void zrevrange_command(Context& c) {
  reply_range(c, By::kRank, true, false);
}
void zrangebyscore_command(Context& c) {
  reply_range(c, By::kScore, false, false);
}
void zrevrangebyscore_command(Context& c) {
  reply_range(c, By::kScore, true, false);
}
void zrangebylex_command(Context& c) {
  reply_range(c, By::kMember, false, false);
}
void zrevrangebylex_command(Context& c) {
  reply_range(c, By::kMember, true, false);
}
void zcount_command(Context& c) {
  count_range(c, By::kScore);
}
void zlexcount_command(Context& c) {
  count_range(c, By::kMember);
}
void zremrangebyrank_command(Context& c) {
  remove_range(c, By::kRank, "zremrangebyrank");
}
void zremrangebyscore_command(Context& c) {
  remove_range(c, By::kScore, "zremrangebyscore");
}
void zremrangebylex_command(Context& c) {
  remove_range(c, By::kMember, "zremrangebylex");
}

void zrangestore_command(Context& c) {
  RangeOptions options;
  if (!parse_options(c, 5, true, true, options) || !parse_bounds(c, 3, options.spec)) {
    return;
  }
  KeyEntry* source = c.find_to_read(c.argv[2]);
  if (c.wrong_type(source, Type::kSortedSet)) {
    return;
  }
  auto result = std::make_unique<SortedSet>();
  if (source != nullptr) {
    for_each_in_range(
        source->object.sorted_set(), options.spec,
        [&](std::string_view member, double score) { result->set(member, score, c.limits()); });
  }
  const std::size_t size = result->size();
  c.store(c.argv[1],
          size == 0 ? std::nullopt : std::optional(Object::sorted_set(std::move(result))),
          {kSortedSetEvent, "zrangestore"});
  c.reply.integer(static_cast<std::int64_t>(size));
}

}  // namespace engine::commands
