#include "engine/commands/families/random_choice.h"

#include "engine/commands/dispatch/arguments.h"

namespace engine::commands {

std::optional<RandomChoice> parse_random_choice(Context& c, std::string_view with_values_word) {
  RandomChoice choice;
  if (c.argv.size() == 2) {
    return choice;
  }
  choice.count = c.integer(2);
  if (!choice.count) {
    return std::nullopt;
  }
  if (*choice.count < -kInt64Max) {
    c.error(
        "ERR value is out of range, value must between -9223372036854775807 and "
        "9223372036854775807");
    return std::nullopt;
  }
  if (c.argv.size() > 3) {
    choice.with_values = !with_values_word.empty() && c.is_word(3, with_values_word);
    if (c.argv.size() > 4 || !choice.with_values) {
      c.error(errors::kSyntax);
      return std::nullopt;
    }
    if (*choice.count < -kInt64Max / 2 || *choice.count > kInt64Max / 2) {
      c.error(errors::kOutOfRange);
      return std::nullopt;
    }
  }
  return choice;
}

}  // namespace engine::commands
