// SORT with STORE. Without it SORT is a read.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "harness/oracle/resp/command_table.h"
#include "harness/oracle/resp/sorted_set_order.h"

namespace crashpoint::oracle {
namespace {

struct SortOptions {
  bool descending = false;
  bool alphabetic = false;
  std::int64_t offset = 0;
  std::int64_t limit = -1;
  std::optional<std::string> by;
  std::vector<std::string> gets;
  std::optional<std::size_t> destination;  // argument

  // A pattern without '*' names the same key for every element: nothing to sort by.
  [[nodiscard]] bool sorts() const { return !by || by->find('*') != std::string::npos; }
};

SortOptions parse(const Context& c) {
  SortOptions options;
  for (std::size_t at = 2; at < c.count(); ++at) {
    const std::size_t left = c.count() - at - 1;
    if (c.is(at, "ASC")) {
      options.descending = false;
    } else if (c.is(at, "DESC")) {
      options.descending = true;
    } else if (c.is(at, "ALPHA")) {
      options.alphabetic = true;
    } else if (c.is(at, "LIMIT") && left >= 2) {
      options.offset = c.integer_at(at + 1);
      options.limit = c.integer_at(at + 2);
      at += 2;
    } else if (c.is(at, "STORE") && left >= 1) {
      options.destination = ++at;
    } else if (c.is(at, "BY") && left >= 1) {
      options.by = c[++at];
    } else if (c.is(at, "GET") && left >= 1) {
      options.gets.push_back(c[++at]);
    } else {
      throw Failure{};
    }
  }
  return options;
}

// What `pattern` names for `element`: "weight_*" a key, "object_*->field" a field of a hash, "#" the
// element itself.
std::optional<std::string> look_up(Context& c, const std::string& pattern,
                                   const std::string& element) {
  if (pattern == "#") {
    return element;
  }
  const std::size_t star = pattern.find('*');
  if (star == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t arrow = pattern.find("->", star + 1);
  const bool has_field = arrow != std::string::npos && arrow + 2 < pattern.size();
  const std::string name =
      pattern.substr(0, star) + element +
      pattern.substr(star + 1, has_field ? arrow - star - 1 : std::string::npos);
  const TrackedValue* value = c.find_any(c.key_in(c.database(), name));
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!has_field) {
    const auto* text = std::get_if<TrackedString>(value);
    return text == nullptr ? std::nullopt : std::optional(text->get());
  }
  const auto* hash = std::get_if<TrackedHash>(value);
  if (hash == nullptr) {
    return std::nullopt;
  }
  const auto found = hash->get().find(pattern.substr(arrow + 2));
  return found == hash->get().end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> elements_of(Context& c) {
  const TrackedValue* value = c.find_any(c.key(1));
  if (value == nullptr) {
    return {};
  }
  if (const auto* list = std::get_if<TrackedList>(value)) {
    return {list->get().begin(), list->get().end()};
  }
  if (const auto* set = std::get_if<TrackedSet>(value)) {
    return {set->get().begin(), set->get().end()};
  }
  const auto* sorted = std::get_if<TrackedSortedSet>(value);
  if (sorted == nullptr) {
    throw Failure{"WRONGTYPE"};
  }
  std::vector<std::string> elements;
  for (Ranked& item : ranked(*sorted)) {
    elements.push_back(std::move(item.member));
  }
  return elements;
}

struct Weighted {
  std::string element;
  std::string text;
  double number = 0;
  bool has_text = false;
};

// Whether `one` comes before `other` in ascending order: below zero yes, above zero no.
int compare(const Weighted& one, const Weighted& other, bool alphabetic) {
  if (!alphabetic) {
    if (one.number != other.number) {
      return one.number < other.number ? -1 : 1;
    }
    return one.element.compare(other.element);
  }
  if (one.has_text != other.has_text) {
    return one.has_text ? 1 : -1;
  }
  return one.text.compare(other.text);
}

// More lenient than scores: nothing is 0, and a NUL ends the number.
double weight_of(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const double number = std::strtod(text.c_str(), &end);
  if (*end != '\0' || errno == ERANGE || std::isnan(number)) {
    throw Failure{};
  }
  return number;
}

void sort(Context& c, const SortOptions& options, std::vector<std::string>& elements) {
  std::vector<Weighted> weighted;
  for (std::string& element : elements) {
    Weighted& item = weighted.emplace_back();
    const std::optional<std::string> weight =
        options.by ? look_up(c, *options.by, element) : element;
    item.element = std::move(element);
    item.has_text = weight.has_value();
    if (!weight) {
      continue;
    }
    item.text = *weight;
    if (options.alphabetic) {
      continue;
    }
    item.number = weight_of(*weight);
  }
  std::ranges::stable_sort(weighted, [&](const Weighted& one, const Weighted& other) {
    const int order = compare(one, other, options.alphabetic);
    return options.descending ? order > 0 : order < 0;
  });
  // How the server orders equals is its own matter.
  for (std::size_t at = 1; options.alphabetic && options.by && at < weighted.size(); ++at) {
    if (compare(weighted[at - 1], weighted[at], true) == 0) {
      throw Undetermined{};
    }
  }
  for (std::size_t at = 0; at < weighted.size(); ++at) {
    elements[at] = std::move(weighted[at].element);
  }
}

Reply sort_store(Context& c) {
  SortOptions options = parse(c);
  const TrackedValue* source = c.find_any(c.key(1));
  const bool is_set = source != nullptr && std::holds_alternative<TrackedSet>(*source);
  std::vector<std::string> elements = elements_of(c);
  if (!options.destination) {
    return std::nullopt;
  }
  if (options.sorts()) {
    sort(c, options, elements);
  } else if (is_set) {
    // A set has no order of its own: stored results are sorted all the same.
    options.by.reset();
    options.alphabetic = true;
    sort(c, options, elements);
  } else if (options.descending && source != nullptr &&
             std::holds_alternative<TrackedSortedSet>(*source)) {
    std::ranges::reverse(elements);
  }
  const auto size = static_cast<std::int64_t>(elements.size());
  const std::int64_t start = std::min(std::max<std::int64_t>(options.offset, 0), size);
  const std::int64_t end = options.limit < 0 ? size : std::min(start + options.limit, size);
  target::List result;
  for (std::int64_t at = start; at < end; ++at) {
    std::string& element = elements[static_cast<std::size_t>(at)];
    if (options.gets.empty()) {
      result.push_back(std::move(element));
      continue;
    }
    for (const std::string& pattern : options.gets) {
      result.push_back(look_up(c, pattern, element).value_or(""));
    }
  }
  const auto stored = static_cast<std::int64_t>(result.size());
  c.put(c.key(*options.destination), TrackedList(std::move(result)));
  return integer(stored);
}

// The destination comes first: it alone is written.
void sort_keys(std::span<const std::string> arguments, std::uint32_t database,
               std::vector<target::Key>& keys) {
  for (std::size_t at = 2; at + 1 < arguments.size(); ++at) {
    if (same_word(arguments[at], "STORE")) {
      keys.push_back({database, arguments[at + 1]});
    }
  }
  if (!keys.empty() && arguments.size() > 1) {
    keys.push_back({database, arguments[1]});
  }
}

constexpr Command kSortCommands[] = {
    {"SORT", -2, {.first = 0, .last = 0, .step = 1, .written = 1}, sort_store, sort_keys},
};

}  // namespace

std::span<const Command> sort_commands() {
  return kSortCommands;
}

}  // namespace crashpoint::oracle
