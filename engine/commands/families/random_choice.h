// SRANDMEMBER, HRANDFIELD and ZRANDMEMBER: one element, `count` distinct ones, or -count with
// repetition.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"

namespace engine::commands {

struct RandomChoice {
  std::optional<std::int64_t> count;  // none: a single element
  bool with_values = false;
};

// From [count [with_values_word]] after the key; an empty word: there is no such option. Replies
// the error.
std::optional<RandomChoice> parse_random_choice(Context& c, std::string_view with_values_word);

// Replies the choice among `size` elements. for_each(take) calls take(element, value) for all of
// them, one(take) for a random one; reply_value(value) writes a value.
template <typename ForEach, typename One, typename ReplyValue>
void reply_random_choice(Context& c, const RandomChoice& choice, std::size_t size,
                         const ForEach& for_each, const One& one, const ReplyValue& reply_value) {
  if (!choice.count) {
    if (size == 0) {
      return c.reply.null();
    }
    return one([&c](std::string_view element, const auto&) { c.reply.bulk(element); });
  }
  const bool repeat = *choice.count < 0;
  std::size_t count = static_cast<std::size_t>(repeat ? -*choice.count : *choice.count);
  if (size == 0 || !repeat) {
    count = std::min(count, size);
  }
  const bool as_pairs = choice.with_values && c.reply.resp3();
  c.reply.array(choice.with_values && !as_pairs ? 2 * count : count);
  const auto reply = [&](std::string_view element, const auto& value) {
    if (as_pairs) {
      c.reply.array(2);
    }
    c.reply.bulk(element);
    if (choice.with_values) {
      reply_value(value);
    }
  };
  if (repeat) {
    for (; count > 0; --count) {
      one(reply);
    }
  } else if (count == size) {
    if (size > 0) {
      for_each(reply);
    }
  } else if (count * 3 < size) {
    std::unordered_set<std::string> chosen;
    while (chosen.size() < count) {
      one([&](std::string_view element, const auto& value) {
        if (chosen.emplace(element).second) {
          reply(element, value);
        }
      });
    }
  } else {
    // Selection sampling (Knuth's algorithm S): each element with the chance it still needs.
    std::size_t left = size;
    for_each([&](std::string_view element, const auto& value) {
      if (count > 0 && c.state.random.below(left) < count) {
        reply(element, value);
        --count;
      }
      --left;
    });
  }
}

}  // namespace engine::commands
