// SORT: the elements of a list, set or sorted set in order, by themselves or by keys they name.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/text.h"
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

struct SortOptions {
  std::optional<std::string_view> by;
  std::vector<std::string_view> gets;
  std::optional<std::string_view> store;
  bool descending = false;
  bool alphabetically = false;
  std::int64_t offset = 0;
  std::int64_t count = -1;

  // BY a pattern that names no key keeps the elements in their order.
  bool unsorted() const { return by && by->find('*') == std::string_view::npos; }
};

bool parse_options(Context& c, bool may_store, SortOptions& options) {
  for (std::size_t i = 2; i < c.argv.size(); ++i) {
    const std::size_t left = c.argv.size() - i - 1;
    if (c.is_word(i, "ASC")) {
      options.descending = false;
    } else if (c.is_word(i, "DESC")) {
      options.descending = true;
    } else if (c.is_word(i, "ALPHA")) {
      options.alphabetically = true;
    } else if (c.is_word(i, "LIMIT") && left >= 2) {
      const auto offset = c.integer(i + 1);
      const auto count = offset ? c.integer(i + 2) : std::nullopt;
      if (!count) {
        return false;
      }
      options.offset = *offset;
      options.count = *count;
      i += 2;
    } else if (may_store && c.is_word(i, "STORE") && left >= 1) {
      options.store = c.argv[++i];
    } else if (c.is_word(i, "BY") && left >= 1) {
      options.by = c.argv[++i];
    } else if (c.is_word(i, "GET") && left >= 1) {
      options.gets.push_back(c.argv[++i]);
    } else {
      c.error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

// What the pattern names for an element: "weight_*" the string of a key, "obj_*->field" a field of
// a hash, "#" the element itself. Nothing when there is none.
std::optional<std::string> look_up(Context& c, std::string_view pattern, std::string_view element) {
  if (pattern == "#") {
    return std::string(element);
  }
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return std::nullopt;
  }
  // A field is named after "->"; an arrow at the very end names none.
  std::size_t arrow = pattern.find("->", star + 1);
  if (arrow + 2 == pattern.size()) {
    arrow = std::string_view::npos;
  }
  std::string key(pattern.substr(0, star));
  key += element;
  key += pattern.substr(star + 1, arrow == std::string_view::npos ? arrow : arrow - star - 1);
  KeyEntry* entry = c.find_to_read(key);
  if (entry == nullptr) {
    return std::nullopt;
  }
  if (arrow == std::string_view::npos) {
    return entry->object.type() == Type::kString ? std::optional(entry->object.text().str())
                                                 : std::nullopt;
  }
  if (entry->object.type() != Type::kHash) {
    return std::nullopt;
  }
  const auto value = entry->object.hash().get(pattern.substr(arrow + 2));
  return value ? std::optional(value->str()) : std::nullopt;
}

std::vector<std::string> elements_of(const Object& object, bool descending_unsorted) {
  std::vector<std::string> elements;
  const auto add = [&elements](std::string_view element) { elements.emplace_back(element); };
  switch (object.type()) {
    case Type::kList:
      object.list().for_each(add);
      break;
    case Type::kSet:
      object.set().for_each(add);
      break;
    case Type::kSortedSet:
      if (descending_unsorted) {
        object.sorted_set().for_each_reverse(
            [&add](std::string_view member, double) { add(member); });
      } else {
        object.sorted_set().for_each([&add](std::string_view member, double) { add(member); });
      }
      break;
    case Type::kString:
    case Type::kHash:
      break;
  }
  return elements;
}

struct Weighted {
  std::string element;
  double number = 0;
  std::optional<std::string> text;
};

// By number or text; elements of equal weight in the order of their bytes, so that the result is
// unique.
bool comes_before(const Weighted& a, const Weighted& b, const SortOptions& options) {
  int order = 0;
  if (!options.alphabetically) {
    order = a.number < b.number ? -1 : (a.number > b.number ? 1 : 0);
    if (order == 0) {
      order = a.element.compare(b.element);
    }
  } else if (options.by) {
    if (a.text.has_value() != b.text.has_value()) {
      order = a.text ? 1 : -1;
    } else if (a.text) {
      order = std::strcoll(a.text->c_str(), b.text->c_str());
    }
  } else {
    order = std::strcoll(a.element.c_str(), b.element.c_str());
  }
  return options.descending ? order > 0 : order < 0;
}

// False when a weight is no number (an error was replied).
bool sort_elements(Context& c, const SortOptions& options, std::vector<std::string>& elements) {
  std::vector<Weighted> weighted;
  weighted.reserve(elements.size());
  for (std::string& element : elements) {
    Weighted each;
    const std::optional<std::string> weight =
        options.by ? look_up(c, *options.by, element) : std::optional(element);
    if (options.alphabetically) {
      each.text = weight;
    } else if (weight) {
      const auto number = parse_c_double(*weight, true);
      if (!number) {
        c.error("ERR One or more scores can't be converted into double");
        return false;
      }
      each.number = *number;
    }
    each.element = std::move(element);
    weighted.push_back(std::move(each));
  }
  std::stable_sort(weighted.begin(), weighted.end(), [&](const Weighted& a, const Weighted& b) {
    return comes_before(a, b, options);
  });
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    elements[i] = std::move(weighted[i].element);
  }
  return true;
}

void sort(Context& c, bool may_store) {
  SortOptions options;
  if (!parse_options(c, may_store, options)) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry != nullptr && entry->object.type() != Type::kList &&
      entry->object.type() != Type::kSet && c.wrong_type(entry, Type::kSortedSet)) {
    return;
  }
  // A set has no order: with STORE, every replay must give its elements in the same order.
  const bool is_set = entry != nullptr && entry->object.type() == Type::kSet;
  if (options.unsorted() && options.store && is_set) {
    options.by.reset();
    options.alphabetically = true;
  }
  std::vector<std::string> elements;
  if (entry != nullptr) {
    elements = elements_of(entry->object, options.unsorted() && options.descending);
  }
  if (!options.unsorted() && !sort_elements(c, options, elements)) {
    return;
  }
  const auto size = static_cast<std::int64_t>(elements.size());
  const std::int64_t first = std::clamp<std::int64_t>(options.offset, 0, size);
  const std::int64_t count =
      options.count < 0 ? size - first : std::min(options.count, size - first);

  const std::size_t per_element = std::max<std::size_t>(1, options.gets.size());
  auto result = std::make_unique<List>();
  if (!options.store) {
    c.reply.array(static_cast<std::size_t>(count) * per_element);
  }
  for (std::int64_t i = first; i < first + count; ++i) {
    const std::string& element = elements[static_cast<std::size_t>(i)];
    for (std::size_t g = 0; g < per_element; ++g) {
      const std::optional<std::string> value =
          options.gets.empty() ? std::optional(element) : look_up(c, options.gets[g], element);
      if (options.store) {
        result->push(ListEnd::kBack, value.value_or(""), c.limits());
      } else if (value) {
        c.reply.bulk(*value);
      } else {
        c.reply.null();
      }
    }
  }
  if (options.store) {
    const std::size_t stored = result->size();
    c.store(*options.store,
            stored == 0 ? std::nullopt : std::optional(Object::list(std::move(result))),
            {kListEvent, "sortstore"}, stored);
    c.reply.integer(static_cast<std::int64_t>(stored));
  }
}

}  // namespace

void sort_command(Context& c) {
  sort(c, true);
}

void sort_ro_command(Context& c) {
  sort(c, false);
}

}  // namespace engine::commands
