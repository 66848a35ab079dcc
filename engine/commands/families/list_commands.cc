// Lists: pushes, pops, and access by index or value. Moves between lists are in
// list_move_commands.cc.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::List;
using keyspace::ListEnd;
using keyspace::Object;
using keyspace::Type;

std::int64_t length_of(const KeyEntry* entry) {
  return entry == nullptr ? 0 : static_cast<std::int64_t>(entry->object.list().size());
}

void push(Context& c, ListEnd end, bool only_existing) {
  const std::string_view key = c.argv[1];
  KeyEntry* entry = c.find_to_write(key);
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  if (entry == nullptr) {
    if (only_existing) {
      return c.reply.integer(0);
    }
    entry = &c.insert(key, Object::list(std::make_unique<List>()));
  }
  for (const std::string_view element : c.argv.subspan(2)) {
    entry->object.list().push(end, element, c.limits());
  }
  c.modified(key, {kListEvent, end == ListEnd::kFront ? "lpush" : "rpush"}, c.argv.size() - 2);
  c.reply.integer(length_of(entry));
}

// LPOP, RPOP key [count]. Without a count the reply is the element, with one an array.
void pop(Context& c, ListEnd end) {
  const std::string_view key = c.argv[1];
  const bool has_count = c.argv.size() > 2;
  std::int64_t count = 1;
  if (c.argv.size() > 3) {
    return c.error(end == ListEnd::kFront ? "ERR wrong number of arguments for 'lpop' command"
                                          : "ERR wrong number of arguments for 'rpop' command");
  }
  if (has_count) {
    const auto given = c.integer_in(2, 0, kInt64Max, errors::kMustBePositive);
    if (!given) {
      return;
    }
    count = *given;
  }
  KeyEntry* entry = c.find_to_write(key);
  if (entry == nullptr) {
    return has_count ? c.reply.null_array() : c.reply.null();
  }
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  List& list = entry->object.list();
  const std::int64_t popped = std::min(count, length_of(entry));
  if (has_count) {
    c.reply.array(static_cast<std::size_t>(popped));
  }
  for (std::int64_t i = 0; i < popped; ++i) {
    c.reply.bulk(list.peek(end).text());
    list.drop(end);
  }
  if (popped > 0) {
    c.modified(key, {kListEvent, end == ListEnd::kFront ? "lpop" : "rpop"},
               static_cast<std::uint64_t>(popped));
    c.erase_if_empty(*entry);
  }
}

}  // namespace

void lpush_command(Context& c) {
  push(c, ListEnd::kFront, false);
}
void rpush_command(Context& c) {
  push(c, ListEnd::kBack, false);
}
void lpushx_command(Context& c) {
  push(c, ListEnd::kFront, true);
}
void rpushx_command(Context& c) {
  push(c, ListEnd::kBack, true);
}
void lpop_command(Context& c) {
  pop(c, ListEnd::kFront);
}
void rpop_command(Context& c) {
  pop(c, ListEnd::kBack);
}

void llen_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (!c.wrong_type(entry, Type::kList)) {
    c.reply.integer(length_of(entry));
  }
}

void lindex_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.null();
  }
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  const auto index = c.integer(2);
  if (!index) {
    return;
  }
  const List::Cursor cursor = entry->object.list().at(*index);
  if (cursor.valid()) {
    c.reply.bulk(cursor.get().text());
  } else {
    c.reply.null();
  }
}

void lset_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (entry == nullptr) {
    return c.error(errors::kNoSuchKey);
  }
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  const auto index = c.integer(2);
  if (!index) {
    return;
  }
  const List::Cursor cursor = entry->object.list().at(*index);
  if (!cursor.valid()) {
    return c.error(errors::kIndexOutOfRange);
  }
  entry->object.list().set(cursor, c.argv[3], c.limits());
  c.modified(c.argv[1], {kListEvent, "lset"});
  c.reply.ok();
}

void linsert_command(Context& c) {
  const bool after = c.is_word(2, "AFTER");
  if (!after && !c.is_word(2, "BEFORE")) {
    return c.error(errors::kSyntax);
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.integer(0);
  }
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  List& list = entry->object.list();
  for (List::Cursor cursor = list.at(0); cursor.valid(); cursor.next()) {
    if (cursor.get().text() == c.argv[3]) {
      if (after) {
        list.insert_after(cursor, c.argv[4], c.limits());
      } else {
        list.insert_before(cursor, c.argv[4], c.limits());
      }
      c.modified(c.argv[1], {kListEvent, "linsert"});
      return c.reply.integer(length_of(entry));
    }
  }
  c.reply.integer(-1);
}

void lrange_command(Context& c) {
  const auto start = c.integer(2);
  if (!start) {
    return;
  }
  const auto stop = c.integer(3);
  if (!stop) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  const auto range =
      entry == nullptr ? std::nullopt : index_range(*start, *stop, entry->object.list().size());
  if (!range) {
    return c.reply.array(0);
  }
  c.reply.array(range->count);
  List::Cursor cursor = entry->object.list().at(static_cast<std::int64_t>(range->first));
  for (std::size_t left = range->count; left > 0; --left, cursor.next()) {
    c.reply.bulk(cursor.get().text());
  }
}

void ltrim_command(Context& c) {
  const auto start = c.integer(2);
  if (!start) {
    return;
  }
  const auto stop = c.integer(3);
  if (!stop) {
    return;
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.ok();
  }
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  List& list = entry->object.list();
  const std::size_t size = list.size();
  const IndexRange kept = index_range(*start, *stop, size).value_or(IndexRange{0, 0});
  list.erase_range(kept.first + kept.count, size);
  list.erase_range(0, kept.first);
  c.modified(c.argv[1], {kListEvent, "ltrim"}, size - kept.count);
  c.erase_if_empty(*entry);
  c.reply.ok();
}

void lrem_command(Context& c) {
  const auto count = c.integer(2);
  if (!count) {
    return;
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.integer(0);
  }
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  List& list = entry->object.list();
  const bool backwards = *count < 0;
  std::int64_t removed = 0;
  const auto enough = [&] { return *count != 0 && removed == (backwards ? -*count : *count); };
  List::Cursor cursor = list.at(backwards ? -1 : 0);
  // Backwards by index: erasing shifts only what was looked at already.
  for (std::int64_t index = length_of(entry) - 1; cursor.valid() && !enough(); --index) {
    const bool matches = cursor.get().text() == c.argv[3];
    if (!backwards) {
      if (matches) {
        cursor = list.erase(cursor);
        ++removed;
      } else {
        cursor.next();
      }
      continue;
    }
    if (!matches) {
      cursor.previous();
      continue;
    }
    list.erase(cursor);
    ++removed;
    cursor = index == 0 ? List::Cursor() : list.at(index - 1);
  }
  if (removed > 0) {
    c.modified(c.argv[1], {kListEvent, "lrem"}, static_cast<std::uint64_t>(removed));
    c.erase_if_empty(*entry);
  }
  c.reply.integer(removed);
}

void lpos_command(Context& c) {
  std::int64_t rank = 1;
  std::int64_t count = -1;  // not given: the reply is a single position
  std::int64_t looked_at_max = 0;
  for (std::size_t i = 3; i < c.argv.size(); i += 2) {
    if (i + 1 == c.argv.size()) {
      return c.error(errors::kSyntax);
    }
    if (c.is_word(i, "RANK")) {
      const auto given = c.integer(i + 1);
      if (!given) {
        return;
      }
      if (*given == 0) {
        return c.error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or "
            "use negative to start from the end of the list");
      }
      rank = *given;
    } else if (c.is_word(i, "COUNT")) {
      const auto given = c.integer_in(i + 1, 0, kInt64Max, "ERR COUNT can't be negative");
      if (!given) {
        return;
      }
      count = *given;
    } else if (c.is_word(i, "MAXLEN")) {
      const auto given = c.integer_in(i + 1, 0, kInt64Max, "ERR MAXLEN can't be negative");
      if (!given) {
        return;
      }
      looked_at_max = *given;
    } else {
      return c.error(errors::kSyntax);
    }
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry == nullptr) {
    return count >= 0 ? c.reply.array(0) : c.reply.null();
  }
  if (c.wrong_type(entry, Type::kList)) {
    return;
  }
  const bool backwards = rank < 0;
  std::int64_t to_skip = backwards ? -(rank + 1) : rank - 1;
  std::vector<std::int64_t> positions;
  const std::int64_t wanted = count < 0 ? 1 : count;  // 0: all
  List::Cursor cursor = entry->object.list().at(backwards ? -1 : 0);
  for (std::int64_t looked_at = 0;
       cursor.valid() && (looked_at_max == 0 || looked_at < looked_at_max); ++looked_at) {
    if (cursor.get().text() == c.argv[2] && to_skip-- <= 0) {
      positions.push_back(backwards ? length_of(entry) - 1 - looked_at : looked_at);
      if (static_cast<std::int64_t>(positions.size()) == wanted) {
        break;
      }
    }
    if (backwards) {
      cursor.previous();
    } else {
      cursor.next();
    }
  }
  if (count >= 0) {
    c.reply.array(positions.size());
    for (const std::int64_t position : positions) {
      c.reply.integer(position);
    }
  } else if (positions.empty()) {
    c.reply.null();
  } else {
    c.reply.integer(positions.front());
  }
}

}  // namespace engine::commands
