#include "engine/rdb/decode.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/rdb/rdb_format.h"
#include "engine/rdb/ziplist.h"

namespace engine::rdb {
namespace {

using keyspace::Element;
using keyspace::EncodingLimits;
using keyspace::Hash;
using keyspace::Intset;
using keyspace::List;
using keyspace::ListEnd;
using keyspace::Listpack;
using keyspace::Object;
using keyspace::Set;
using keyspace::SortedSet;
using MaybeObject = std::optional<Object>;

MaybeObject corrupt(Input& input, std::string why) {
  input.fail(std::move(why));
  return std::nullopt;
}

double ascii_double(Input& input) {
  const std::uint8_t size = input.byte();
  switch (size) {
    case kAsciiNan:
      return std::numeric_limits<double>::quiet_NaN();
    case kAsciiPlusInf:
      return std::numeric_limits<double>::infinity();
    case kAsciiMinusInf:
      return -std::numeric_limits<double>::infinity();
    default:
      break;
  }
  const std::optional<double> value = parse_double(input.bytes(size));
  if (!value) {
    input.fail("a score that is not a number");
    return 0;
  }
  return *value;
}

MaybeObject get_list(Input& input, const EncodingLimits& limits) {
  auto list = std::make_unique<List>();
  for (std::uint64_t left = input.length(); left > 0 && input.ok(); --left) {
    const std::string_view text = input.string();
    if (input.ok()) {
      list->push(ListEnd::kBack, text, limits);
    }
  }
  return Object::list(std::move(list));
}

bool push_ziplist(List& list, std::string_view blob, const EncodingLimits& limits) {
  return for_each_in_ziplist(
      blob, [&](const Element& element) { list.push(ListEnd::kBack, element.text(), limits); });
}

MaybeObject get_list_of_ziplists(Input& input, bool one, const EncodingLimits& limits) {
  auto list = std::make_unique<List>();
  for (std::uint64_t left = one ? 1 : input.length(); left > 0 && input.ok(); --left) {
    if (!push_ziplist(*list, input.string(), limits) && input.ok()) {
      return corrupt(input, "Ziplist integrity check failed.");
    }
  }
  return Object::list(std::move(list));
}

MaybeObject get_quicklist(Input& input, const EncodingLimits& limits) {
  auto list = std::make_unique<List>();
  for (std::uint64_t left = input.length(); left > 0 && input.ok(); --left) {
    const std::uint64_t container = input.length();
    const std::string_view bytes = input.string();
    if (!input.ok()) {
      break;
    }
    std::size_t count = 0;
    if (container == kContainerPlain) {
      list->push(ListEnd::kBack, bytes, limits);
    } else if (container == kContainerPacked && Listpack::validate(bytes, count)) {
      if (count > 0) {
        list->append_node(Listpack::from_blob(bytes));
      }
    } else {
      return corrupt(
          input, container == kContainerPacked
                     ? "Listpack integrity check failed."
                     : fmt::format("Quicklist integrity check failed: container {}.", container));
    }
  }
  return Object::list(std::move(list));
}

MaybeObject get_set(Input& input, const EncodingLimits& limits) {
  auto set = std::make_unique<Set>();
  for (std::uint64_t left = input.length(); left > 0 && input.ok(); --left) {
    const std::string_view member = input.string();
    if (input.ok() && !set->insert(member, limits)) {
      return corrupt(input, "Duplicate set members detected");
    }
  }
  return Object::set(std::move(set));
}

MaybeObject get_intset(Input& input, const EncodingLimits& limits) {
  const std::string_view blob = input.string();
  if (!input.ok()) {
    return std::nullopt;
  }
  if (!Intset::validate(blob)) {
    return corrupt(input, "Intset integrity check failed.");
  }
  auto set = std::make_unique<Set>(Intset::from_blob(blob));
  if (set->size() > limits.set_max_intset_entries) {
    set->convert_to_table();
  }
  return Object::set(std::move(set));
}

bool add_score(SortedSet& set, std::string_view member, double score,
               const EncodingLimits& limits) {
  return !std::isnan(score) && set.set(member, score, limits);
}

MaybeObject get_sorted_set(Input& input, bool binary, const EncodingLimits& limits) {
  auto set = std::make_unique<SortedSet>();
  for (std::uint64_t left = input.length(); left > 0 && input.ok(); --left) {
    const std::string member(input.string());  // its score follows
    const double score = binary ? input.little_endian<double>() : ascii_double(input);
    if (input.ok() && !add_score(*set, member, score, limits)) {
      return corrupt(input, "Zset with a duplicate member or a score that is not a number");
    }
  }
  return Object::sorted_set(std::move(set));
}

MaybeObject get_hash(Input& input, const EncodingLimits& limits) {
  auto hash = std::make_unique<Hash>();
  for (std::uint64_t left = input.length(); left > 0 && input.ok(); --left) {
    const std::string field(input.string());  // its value follows
    const std::string_view value = input.string();
    if (input.ok() && !hash->set(field, value, limits)) {
      return corrupt(input, "Duplicate hash fields detected");
    }
  }
  return Object::hash(std::move(hash));
}

MaybeObject get_hash_zipmap(Input& input, const EncodingLimits& limits) {
  auto hash = std::make_unique<Hash>();
  bool unique = true;
  const bool whole =
      for_each_in_zipmap(input.string(), [&](std::string_view field, std::string_view value) {
        unique = hash->set(field, value, limits) && unique;
      });
  if (!whole || !unique) {
    return corrupt(input, "Zipmap integrity check failed.");
  }
  return Object::hash(std::move(hash));
}

// Calls fn(first, second) for each pair of elements; false if malformed or odd.
template <typename Fn>
bool for_each_pair_in_ziplist(std::string_view blob, Fn&& fn) {
  std::string first;
  bool have_first = false;
  const bool whole = for_each_in_ziplist(blob, [&](const Element& element) {
    if (have_first) {
      fn(first, element.text());
    } else {
      first = element.text();
    }
    have_first = !have_first;
  });
  return whole && !have_first;
}

MaybeObject get_hash_ziplist(Input& input, const EncodingLimits& limits) {
  auto hash = std::make_unique<Hash>();
  bool unique = true;
  const bool whole =
      for_each_pair_in_ziplist(input.string(), [&](std::string_view field, std::string_view value) {
        unique = hash->set(field, value, limits) && unique;
      });
  if (!whole || !unique) {
    return corrupt(input, "Hash ziplist integrity check failed.");
  }
  return Object::hash(std::move(hash));
}

MaybeObject get_sorted_set_ziplist(Input& input, const EncodingLimits& limits) {
  auto set = std::make_unique<SortedSet>();
  bool good = true;
  const bool whole =
      for_each_pair_in_ziplist(input.string(), [&](std::string_view member, std::string_view text) {
        const std::optional<double> score = parse_double(text);
        good = good && score && add_score(*set, member, *score, limits);
      });
  if (!whole || !good) {
    return corrupt(input, "Zset ziplist integrity check failed.");
  }
  return Object::sorted_set(std::move(set));
}

// Whether the first elements of all pairs differ.
bool firsts_are_unique(const Listpack& pairs, std::size_t count) {
  std::vector<std::string> firsts;
  firsts.reserve(count / 2);
  for (Listpack::Position at = pairs.first(); at != pairs.end(); at = pairs.next(pairs.next(at))) {
    firsts.push_back(pairs.get(at).str());
  }
  return std::unordered_set<std::string_view>(firsts.begin(), firsts.end()).size() == firsts.size();
}

std::optional<Listpack> get_pairs(Input& input) {
  const std::string_view blob = input.string();
  std::size_t count = 0;
  if (!input.ok()) {
    return std::nullopt;
  }
  if (!Listpack::validate(blob, count) || count % 2 != 0) {
    input.fail("Listpack integrity check failed.");
    return std::nullopt;
  }
  Listpack pairs = Listpack::from_blob(blob);
  if (!firsts_are_unique(pairs, count)) {
    input.fail("Listpack integrity check failed: a duplicate.");
    return std::nullopt;
  }
  return pairs;
}

MaybeObject get_hash_listpack(Input& input, const EncodingLimits& limits) {
  std::optional<Listpack> pairs = get_pairs(input);
  if (!pairs) {
    return std::nullopt;
  }
  auto hash = std::make_unique<Hash>(std::move(*pairs));
  hash->fit(limits);
  return Object::hash(std::move(hash));
}

// Whether (score, member) ascends and every score is a number.
bool is_ordered(const Listpack& pairs) {
  std::optional<std::pair<double, std::string>> before;
  for (Listpack::Position at = pairs.first(); at != pairs.end(); at = pairs.next(at)) {
    std::string member = pairs.get(at).str();
    at = pairs.next(at);
    const Element score_element = pairs.get(at);
    const std::optional<double> score = parse_double(score_element.text());
    if (!score) {
      return false;
    }
    std::pair<double, std::string> now(*score, std::move(member));
    if (before && *before >= now) {
      return false;
    }
    before = std::move(now);
  }
  return true;
}

MaybeObject get_sorted_set_listpack(Input& input, const EncodingLimits& limits) {
  std::optional<Listpack> pairs = get_pairs(input);
  if (!pairs) {
    return std::nullopt;
  }
  if (!is_ordered(*pairs)) {
    return corrupt(input, "Zset listpack integrity check failed.");
  }
  auto set = std::make_unique<SortedSet>(std::move(*pairs));
  set->fit(limits);
  return Object::sorted_set(std::move(set));
}

// By the type byte: rdb_format.h has the table.
MaybeObject get_any(Input& input, std::uint8_t type, const EncodingLimits& limits) {
  switch (type) {
    case kString:
      return Object::string(input.string());
    case kList:
      return get_list(input, limits);
    case kSet:
      return get_set(input, limits);
    case kZset:
      return get_sorted_set(input, false, limits);
    case kHash:
      return get_hash(input, limits);
    case kZset2:
      return get_sorted_set(input, true, limits);
    case kHashZipmap:
      return get_hash_zipmap(input, limits);
    case kListZiplist:
      return get_list_of_ziplists(input, true, limits);
    case kSetIntset:
      return get_intset(input, limits);
    case kZsetZiplist:
      return get_sorted_set_ziplist(input, limits);
    case kHashZiplist:
      return get_hash_ziplist(input, limits);
    case kListQuicklist:
      return get_list_of_ziplists(input, false, limits);
    case kHashListpack:
      return get_hash_listpack(input, limits);
    case kZsetListpack:
      return get_sorted_set_listpack(input, limits);
    case kListQuicklist2:
      return get_quicklist(input, limits);
    case kStreamListpacks:
    case kStreamListpacks2:
      return corrupt(input, "it holds a stream, a type that this engine does not have");
    case kModule:
    case kModule2:
      return corrupt(input, "it holds a value of a module, and this engine has no modules");
    default:
      return corrupt(
          input, fmt::format("Invalid object type: {} (Unknown RDB encoding type {})", type, type));
  }
}

}  // namespace

std::optional<Object> get_value(Input& input, std::uint8_t type, const EncodingLimits& limits) {
  MaybeObject value = get_any(input, type, limits);
  if (!input.ok() || (value->type() != keyspace::Type::kString && value->size() == 0)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace engine::rdb
