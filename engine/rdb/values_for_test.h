// For tests: values of every type, encoding and size class, and their comparison.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/keyspace/keyspace.h"

namespace engine::rdb {

// Everything about a value that a client can see, element by element.
inline std::string describe(const keyspace::Object& value) {
  std::string text = std::string(keyspace::type_name(value.type())) + "/" +
                     std::string(value.encoding_name()) + ":";
  const auto add = [&text](std::string_view part) { text += quote(part) + " "; };
  std::vector<std::string> unordered;
  switch (value.type()) {
    case keyspace::Type::kString:
      add(value.text().text());
      break;
    case keyspace::Type::kList:
      value.list().for_each(add);
      break;
    case keyspace::Type::kSet:
      value.set().for_each([&](std::string_view member) { unordered.emplace_back(member); });
      break;
    case keyspace::Type::kSortedSet:
      value.sorted_set().for_each([&](std::string_view member, double score) {
        add(member);
        add(format_double(score));
      });
      break;
    case keyspace::Type::kHash:
      value.hash().for_each([&](std::string_view field, std::string_view content) {
        unordered.push_back(quote(field) + "=" + quote(content));
      });
      break;
  }
  std::sort(unordered.begin(), unordered.end());
  for (const std::string& part : unordered) {
    add(part);
  }
  return text;
}

// All keys with value and expiry, a line each, in order.
inline std::string describe(const keyspace::Keyspace& keyspace) {
  std::vector<std::string> lines;
  for (int db = 0; db < keyspace.count(); ++db) {
    keyspace.database(db).for_each(
        [&](std::string_view key, const keyspace::Object& value, std::int64_t expire_ms) {
          lines.push_back(std::to_string(db) + " " + quote(key) + " @" + std::to_string(expire_ms) +
                          " " + describe(value) + "\n");
        });
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) {
    text += line;
  }
  return text;
}

struct NamedValue {
  std::string name;
  keyspace::Object value;
};

// Every type x encoding x size class.
inline std::vector<NamedValue> all_values(const keyspace::EncodingLimits& limits) {
  using keyspace::Object;
  std::vector<NamedValue> values;
  const auto add = [&](std::string name, Object value) {
    values.push_back({std::move(name), std::move(value)});
  };
  const std::string repeated(5000, 'r');
  std::string binary;
  for (int i = 0; i < 3000; ++i) {
    binary += static_cast<char>((i * 7919) >> 3);
  }
  std::vector<std::string> texts = {"",
                                    "0",
                                    "-1",
                                    "127",
                                    "128",
                                    "-129",
                                    "32767",
                                    "32768",
                                    "2147483647",
                                    "-2147483648",
                                    "2147483648",
                                    "12345678901",
                                    "9223372036854775807",
                                    "-9223372036854775808",
                                    "007",
                                    "+5",
                                    "1.5",
                                    "short text",
                                    std::string(44, 'e'),
                                    std::string(45, 'r'),
                                    std::string(63, 'a'),
                                    std::string(64, 'b'),
                                    repeated,
                                    binary,
                                    std::string(20000, 'x'),
                                    std::string("nul\0inside", 10)};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    add("string" + std::to_string(i), Object::string(texts[i]));
  }

  for (const std::size_t count : {1UL, 10UL, 128UL, 129UL, 512UL, 513UL, 2000UL}) {
    const std::string suffix = std::to_string(count);
    auto integers = std::make_unique<keyspace::Set>();
    auto members = std::make_unique<keyspace::Set>();
    auto list = std::make_unique<keyspace::List>();
    auto hash = std::make_unique<keyspace::Hash>();
    auto scores = std::make_unique<keyspace::SortedSet>();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string text = "element " + std::to_string(i);
      integers->insert(std::to_string(static_cast<long>(i * i * i) - 5000), limits);
      members->insert(text, limits);
      list->push(keyspace::ListEnd::kBack, i % 3 == 0 ? std::to_string(i) : text, limits);
      hash->set(text, std::to_string(i), limits);
      scores->set(text, static_cast<double>(i % 50) / 4, limits);
    }
    add("intset" + suffix, Object::set(std::move(integers)));
    add("set" + suffix, Object::set(std::move(members)));
    add("list" + suffix, Object::list(std::move(list)));
    add("hash" + suffix, Object::hash(std::move(hash)));
    add("zset" + suffix, Object::sorted_set(std::move(scores)));
  }

  auto wide = std::make_unique<keyspace::Set>();
  for (const char* member : {"-9223372036854775808", "9223372036854775807", "0"}) {
    wide->insert(member, limits);
  }
  add("intset64", Object::set(std::move(wide)));
  auto long_fields = std::make_unique<keyspace::Hash>();
  long_fields->set("field", repeated, limits);
  long_fields->set(binary, "", limits);
  add("hash of long values", Object::hash(std::move(long_fields)));
  auto long_elements = std::make_unique<keyspace::List>();
  for (const std::string& text : texts) {
    long_elements->push(keyspace::ListEnd::kBack, text, limits);
  }
  add("list of everything", Object::list(std::move(long_elements)));
  for (const bool large : {false, true}) {
    auto scores = std::make_unique<keyspace::SortedSet>();
    int n = 0;
    for (const double score :
         {0.0, -0.0, 1.0, -1.0, 1.5, 3.14159265358979, 1e300, -1e300, 1e-300, 0.1, 1.0 / 3,
          9007199254740993.0, 1e17, std::numeric_limits<double>::infinity(),
          -std::numeric_limits<double>::infinity()}) {
      scores->set((large ? std::string(100, 'm') : "m") + std::to_string(n++), score, limits);
    }
    add(large ? "zset of long members" : "zset of odd scores",
        Object::sorted_set(std::move(scores)));
  }
  return values;
}

// All values in several databases, some with expiry: in the far future, or over at `past_ms`.
inline void fill_with_all_values(keyspace::Keyspace& keyspace, std::int64_t future_ms) {
  int n = 0;
  for (NamedValue& named : all_values(keyspace.limits)) {
    keyspace::Database& database = keyspace.database(n % 3 == 2 ? 9 : 0);
    keyspace::KeyEntry& entry = database.insert(named.name, std::move(named.value));
    if (n % 2 == 1) {
      database.set_expire(entry, future_ms + n);
    }
    ++n;
  }
}

}  // namespace engine::rdb
