// Sorted sets: unions, intersections, differences, and their store forms. Plain sets take part with
// score 1.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::SortedSet;
using keyspace::Type;

enum class Operation { kUnion, kIntersection, kDifference };
enum class Aggregate { kSum, kMin, kMax };

// A set or sorted set among the inputs; may be missing.
struct Input {
  const Object* object = nullptr;
  double weight = 1;

  std::size_t size() const { return object == nullptr ? 0 : object->size(); }
  std::optional<double> score(std::string_view member) const {
    if (object == nullptr) {
      return std::nullopt;
    }
    if (object->type() == Type::kSet) {
      return object->set().contains(member) ? std::optional(1.0) : std::nullopt;
    }
    return object->sorted_set().score(member);
  }
  template <typename Fn>  // fn(member, score)
  void for_each(Fn fn) const {
    if (object == nullptr) {
      return;
    }
    if (object->type() == Type::kSet) {
      object->set().for_each([&fn](std::string_view member) { fn(member, 1.0); });
    } else {
      object->sorted_set().for_each(fn);
    }
  }
  double weighted(double score) const {
    const double value = weight * score;
    return std::isnan(value) ? 0 : value;  // 0 times infinity
  }
};

struct Request {
  std::vector<Input> inputs;
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  std::size_t limit = 0;  // ZINTERCARD; 0: none
};

double combine(Aggregate aggregate, double a, double b) {
  switch (aggregate) {
    case Aggregate::kSum: {
      const double sum = a + b;
      return std::isnan(sum) ? 0 : sum;  // infinity and its negative
    }
    case Aggregate::kMin:
      return std::min(a, b);
    case Aggregate::kMax:
      return std::max(a, b);
  }
  return a;
}

// Reads the number of keys at `count_index` and the keys; `next` becomes the index after them.
bool parse_inputs(Context& c, std::size_t count_index, Request& request, std::size_t& next) {
  const auto count = c.integer(count_index);
  if (!count) {
    return false;
  }
  if (*count < 1) {
    c.error("ERR at least 1 input key is needed for '" + full_name(c.spec) + "' command");
    return false;
  }
  if (static_cast<std::uint64_t>(*count) > c.argv.size() - count_index - 1) {
    c.error(errors::kSyntax);
    return false;
  }
  next = count_index + 1 + static_cast<std::size_t>(*count);
  for (std::size_t i = count_index + 1; i < next; ++i) {
    KeyEntry* entry = c.find_to_read(c.argv[i]);
    if (entry != nullptr && entry->object.type() != Type::kSet &&
        c.wrong_type(entry, Type::kSortedSet)) {
      return false;
    }
    request.inputs.push_back({entry == nullptr ? nullptr : &entry->object, 1});
  }
  return true;
}

bool parse_weights(Context& c, std::size_t first, Request& request) {
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    const auto weight = c.number(first + i, "ERR weight value is not a float");
    if (!weight) {
      return false;
    }
    request.inputs[i].weight = *weight;
  }
  return true;
}

bool parse_options(Context& c, std::size_t next, Operation operation, bool is_store,
                   Request& request) {
  const std::size_t inputs = request.inputs.size();
  for (; next < c.argv.size(); ++next) {
    const std::size_t left = c.argv.size() - next - 1;
    if (operation != Operation::kDifference && left >= inputs && c.is_word(next, "WEIGHTS")) {
      if (!parse_weights(c, next + 1, request)) {
        return false;
      }
      next += inputs;
    } else if (operation != Operation::kDifference && left >= 1 && c.is_word(next, "AGGREGATE")) {
      ++next;
      if (c.is_word(next, "SUM")) {
        request.aggregate = Aggregate::kSum;
      } else if (c.is_word(next, "MIN")) {
        request.aggregate = Aggregate::kMin;
      } else if (c.is_word(next, "MAX")) {
        request.aggregate = Aggregate::kMax;
      } else {
        c.error(errors::kSyntax);
        return false;
      }
    } else if (!is_store && c.is_word(next, "WITHSCORES")) {
      request.with_scores = true;
    } else {
      c.error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

// fn(member, score) -> bool for each common member, until it returns false. An input may come
// twice.
template <typename Fn>
void for_each_common(const Request& request, Fn fn) {
  std::vector<Input> inputs = request.inputs;
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const Input& a, const Input& b) { return a.size() < b.size(); });
  bool more = true;
  inputs.front().for_each([&](std::string_view member, double score) {
    double total = inputs.front().weighted(score);
    for (std::size_t i = 1; more && i < inputs.size(); ++i) {
      const std::optional<double> other = inputs[i].score(member);
      if (!other) {
        return;
      }
      total = combine(request.aggregate, total, inputs[i].weighted(*other));
    }
    more = more && fn(member, total);
  });
}

std::unique_ptr<SortedSet> compute(Context& c, Operation operation, const Request& request) {
  auto result = std::make_unique<SortedSet>();
  result->convert_to_tree();
  switch (operation) {
    case Operation::kUnion:
      for (const Input& input : request.inputs) {
        input.for_each([&](std::string_view member, double score) {
          double total = input.weighted(score);
          if (const std::optional<double> held = result->score(member)) {
            total = combine(request.aggregate, *held, total);
            result->erase(member);  // or the sign of a zero would stay
          }
          result->set(member, total, c.limits());
        });
      }
      break;
    case Operation::kIntersection:
      for_each_common(request, [&](std::string_view member, double score) {
        result->set(member, score, c.limits());
        return true;
      });
      break;
    case Operation::kDifference:
      request.inputs.front().for_each([&](std::string_view member, double score) {
        if (std::none_of(
                request.inputs.begin() + 1, request.inputs.end(),
                [member](const Input& input) { return input.score(member).has_value(); })) {
          result->set(member, score, c.limits());
        }
      });
      break;
  }
  return result;
}

void reply_computed(Context& c, Operation operation) {
  Request request;
  std::size_t next = 0;
  if (!parse_inputs(c, 1, request, next) || !parse_options(c, next, operation, false, request)) {
    return;
  }
  const std::unique_ptr<SortedSet> result = compute(c, operation, request);
  const bool as_pairs = request.with_scores && c.reply.resp3();
  c.reply.array(request.with_scores && !as_pairs ? 2 * result->size() : result->size());
  result->for_each([&](std::string_view member, double score) {
    if (as_pairs) {
      c.reply.array(2);
    }
    c.reply.bulk(member);
    if (request.with_scores) {
      c.reply.number(score);
    }
  });
}

void store_computed(Context& c, Operation operation, std::string_view event) {
  Request request;
  std::size_t next = 0;
  if (!parse_inputs(c, 2, request, next) || !parse_options(c, next, operation, true, request)) {
    return;
  }
  std::unique_ptr<SortedSet> result = compute(c, operation, request);
  result->convert_to_listpack_if_small(c.limits());
  const std::size_t size = result->size();
  c.store(c.argv[1],
          size == 0 ? std::nullopt : std::optional(Object::sorted_set(std::move(result))),
          {kSortedSetEvent, event});
  c.reply.integer(static_cast<std::int64_t>(size));
}

}  // namespace

void zunion_command(Context& c) {
  reply_computed(c, Operation::kUnion);
}
void zinter_command(Context& c) {
  reply_computed(c, Operation::kIntersection);
}
void zdiff_command(Context& c) {
  reply_computed(c, Operation::kDifference);
}
void zunionstore_command(Context& c) {
  store_computed(c, Operation::kUnion, "zunionstore");
}
void zinterstore_command(Context& c) {
  store_computed(c, Operation::kIntersection, "zinterstore");
}
void zdiffstore_command(Context& c) {
  store_computed(c, Operation::kDifference, "zdiffstore");
}

void zintercard_command(Context& c) {
  Request request;
  std::size_t next = 0;
  if (!parse_inputs(c, 1, request, next)) {
    return;
  }
  for (; next < c.argv.size(); next += 2) {
    if (!c.is_word(next, "LIMIT") || next + 1 == c.argv.size()) {
      return c.error(errors::kSyntax);
    }
    const auto limit = c.integer_in(next + 1, 0, std::numeric_limits<std::int64_t>::max(),
                                    "ERR LIMIT can't be negative");
    if (!limit) {
      return;
    }
    request.limit = static_cast<std::size_t>(*limit);
  }
  std::size_t count = 0;
  for_each_common(request, [&](std::string_view, double) { return ++count != request.limit; });
  c.reply.integer(static_cast<std::int64_t>(count));
}

}  // namespace engine::commands
