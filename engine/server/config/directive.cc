#include "engine/server/config/directive.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "engine/base/text.h"

namespace engine::server {
namespace {

using Kind = Directive::Kind;
using Words = std::span<const std::string>;

std::vector<std::string> split_blanks(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    if (blank > 0) {
      words.emplace_back(text.substr(0, blank));
    }
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return words;
}

std::string join(Words words) {
  return fmt::format("{}", fmt::join(words, " "));
}

// `save ""`: one empty word means none.
Words without_empty_word(Words words) {
  return words.size() == 1 && words[0].empty() ? Words{} : words;
}

Result<std::string> in_bounds(const Directive& directive, std::string_view word) {
  if (const auto number = parse_int64(word)) {
    const bool above = *number >= 0 && static_cast<std::uint64_t>(*number) > directive.max;
    if (*number < directive.min || above) {
      return fail(fmt::format("argument must be between {} and {} inclusive", directive.min,
                              directive.max));
    }
    return std::string(word);
  }
  return fail("argument couldn't be parsed into an integer");
}

Result<std::string> parse_yes_no(std::string_view word) {
  if (!equals_ignoring_case(word, "yes") && !equals_ignoring_case(word, "no")) {
    return fail("argument must be 'yes' or 'no'");
  }
  return to_lower(word);
}

Result<std::string> parse_memory(const Directive& directive, std::string_view word) {
  const auto bytes = parse_memory_size(word);
  if (!bytes) {
    return fail("argument must be a memory value");
  }
  if (*bytes > directive.max ||
      (directive.min > 0 && *bytes < static_cast<std::uint64_t>(directive.min))) {
    return fail(
        fmt::format("argument must be between {} and {} inclusive", directive.min, directive.max));
  }
  return std::to_string(*bytes);
}

Result<std::string> parse_memory_or_percent(std::string_view word) {
  if (word.ends_with('%')) {
    const auto percent = parse_int64(word.substr(0, word.size() - 1));
    if (!percent || *percent < 0) {
      return fail("argument must be a memory or percent value");
    }
    if (*percent > 100) {
      return fail("percentage argument must be less or equal to 100");
    }
    return std::string(word);
  }
  const auto bytes = parse_memory_size(word);
  if (!bytes) {
    return fail("argument must be a memory or percent value");
  }
  return std::to_string(*bytes);
}

Result<std::string> parse_octal(std::string_view word) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), mode, 8);
  if (error != std::errc{} || end != word.data() + word.size()) {
    return fail("argument couldn't be parsed as an octal number");
  }
  if (mode > 0777) {
    return fail("argument must be between 0 and 777 inclusive");
  }
  return fmt::format("{:o}", mode);
}

Result<std::string> parse_choices(const Directive& directive, Words words) {
  const std::vector<std::string> allowed = split_blanks(directive.choices);
  std::vector<std::string> chosen;
  for (const std::string& word : words) {
    const std::string lower = to_lower(word);
    if (std::find(allowed.begin(), allowed.end(), lower) == allowed.end()) {
      return fail(
          fmt::format("argument(s) must be one of the following: {}", fmt::join(allowed, ", ")));
    }
    chosen.push_back(lower);
  }
  return join(chosen);
}

Result<std::string> parse_save(Words words, std::string_view current) {
  words = without_empty_word(words);
  if (words.size() % 2 != 0) {
    return fail("Invalid save parameters");
  }
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const auto seconds = parse_int64(words[i]);
    const auto changes = parse_int64(words[i + 1]);
    if (!seconds || !changes || *seconds < 1 || *changes < 0) {
      return fail("Invalid save parameters");
    }
  }
  if (words.empty() || current.empty()) {
    return join(words);
  }
  return std::string(current) + " " + join(words);
}

constexpr std::array<std::string_view, 3> kClientClasses = {"normal", "slave", "pubsub"};

// Groups of four words, each for one class; the classes that are not named keep their limits.
Result<std::string> parse_buffer_limits(Words words, std::string_view current) {
  if (words.empty() || words.size() % 4 != 0) {
    return fail("Wrong number of arguments in buffer limit configuration.");
  }
  std::vector<std::string> limits = split_blanks(current);
  for (std::size_t i = 0; i < words.size(); i += 4) {
    std::string name = to_lower(words[i]);
    if (name == "replica") {
      name = "slave";
    }
    const auto known = std::find(kClientClasses.begin(), kClientClasses.end(), name);
    if (known == kClientClasses.end()) {
      return fail("Invalid client class specified in buffer limit configuration.");
    }
    const auto hard = parse_memory_size(words[i + 1]);
    const auto soft = parse_memory_size(words[i + 2]);
    const auto soft_seconds = parse_int64(words[i + 3]);
    if (!hard || !soft || !soft_seconds || *soft_seconds < 0) {
      return fail("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    const auto at = static_cast<std::size_t>(known - kClientClasses.begin()) * 4;
    limits[at + 1] = std::to_string(*hard);
    limits[at + 2] = std::to_string(*soft);
    limits[at + 3] = std::to_string(*soft_seconds);
  }
  return join(limits);
}

Result<std::string> parse_oom_scores(Words words) {
  if (words.size() != 3) {
    return fail("wrong number of arguments");
  }
  std::int64_t previous = -2000;
  for (const std::string& word : words) {
    const auto score = parse_int64(word);
    if (!score || *score < -2000 || *score > 2000) {
      return fail("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    }
    if (*score < previous) {
      return fail("Invalid oom-score-adj-values, elements must be in ascending order.");
    }
    previous = *score;
  }
  return join(words);
}

// Letters in the order in which redis-server lists them; 'A' stands for the first ten.
Result<std::string> parse_events(std::string_view letters) {
  constexpr std::string_view kAll = "g$lshzxetd";
  constexpr std::string_view kOthers = "nKEm";
  std::string set;
  for (const char letter : letters) {
    if (letter != 'A' && kAll.find(letter) == std::string_view::npos &&
        kOthers.find(letter) == std::string_view::npos) {
      return fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    set += letter == 'A' ? std::string(kAll) : std::string(1, letter);
  }
  const auto chosen_of = [&set](std::string_view list) {
    std::string chosen;
    std::copy_if(list.begin(), list.end(), std::back_inserter(chosen),
                 [&set](char letter) { return set.find(letter) != std::string::npos; });
    return chosen;
  };
  const std::string classes = chosen_of(kAll);
  return (classes == kAll ? "A" : classes) + chosen_of(kOthers);
}

Result<std::string> parse_percentiles(Words words) {
  std::vector<std::string> percentiles;
  for (const std::string& word : without_empty_word(words)) {
    const auto value = parse_double(word);
    if (!value) {
      return fail("Invalid latency-tracking-info-percentiles parameters");
    }
    if (*value < 0 || *value > 100) {
      return fail("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    }
    percentiles.push_back(fmt::format("{:.10g}", *value));
  }
  return join(percentiles);
}

Result<std::string> parse_by_kind(const Directive& directive, Words words,
                                  std::string_view current) {
  switch (directive.kind) {
    case Kind::kYesNo:
      return parse_yes_no(words[0]);
    case Kind::kInteger:
      return in_bounds(directive, words[0]);
    case Kind::kMemory:
      return parse_memory(directive, words[0]);
    case Kind::kMemoryOrPercent:
      return parse_memory_or_percent(words[0]);
    case Kind::kOctal:
      return parse_octal(words[0]);
    case Kind::kChoice:
    case Kind::kChoices:
      return parse_choices(directive, words);
    case Kind::kText:
      return words[0];
    case Kind::kWords:
      return join(without_empty_word(words));
    case Kind::kSave:
      return parse_save(words, current);
    case Kind::kBufferLimits:
      return parse_buffer_limits(words, current);
    case Kind::kOomScores:
      return parse_oom_scores(words);
    case Kind::kEvents:
      return parse_events(words[0]);
    case Kind::kPercentiles:
      return parse_percentiles(words);
  }
  ENGINE_CHECK(false);
}

std::string with_unit(std::string_view bytes_text) {
  const std::uint64_t bytes = parse_memory_size(bytes_text).value_or(0);
  constexpr std::array<std::pair<std::string_view, unsigned>, 3> kUnits = {
      {{"gb", 30}, {"mb", 20}, {"kb", 10}}};
  for (const auto& [unit, shift] : kUnits) {
    if (bytes != 0 && bytes % (std::uint64_t{1} << shift) == 0) {
      return std::to_string(bytes >> shift) + std::string(unit);
    }
  }
  return std::to_string(bytes);
}

std::vector<std::string> buffer_limit_lines(std::string_view value) {
  const std::vector<std::string> words = split_blanks(value);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i + 3 < words.size(); i += 4) {
    lines.push_back(fmt::format("client-output-buffer-limit {} {} {} {}",
                                words[i] == "slave" ? "replica" : words[i], with_unit(words[i + 1]),
                                with_unit(words[i + 2]), words[i + 3]));
  }
  return lines;
}

std::vector<std::string> save_lines(std::string_view value) {
  const std::vector<std::string> words = split_blanks(value);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    lines.push_back(fmt::format("save {} {}", words[i], words[i + 1]));
  }
  return lines.empty() ? std::vector<std::string>{"save \"\""} : lines;
}

}  // namespace

bool Directive::takes_several_words() const {
  switch (kind) {
    case Kind::kChoices:
    case Kind::kWords:
    case Kind::kSave:
    case Kind::kBufferLimits:
    case Kind::kOomScores:
    case Kind::kPercentiles:
      return true;
    case Kind::kYesNo:
    case Kind::kInteger:
    case Kind::kMemory:
    case Kind::kMemoryOrPercent:
    case Kind::kOctal:
    case Kind::kChoice:
    case Kind::kText:
    case Kind::kEvents:
      return false;
  }
  ENGINE_CHECK(false);
}

Result<std::string> parse_value(const Directive& directive, Words words, std::string_view current) {
  const bool takes_none = directive.kind == Kind::kSave;  // no snapshots
  if ((words.empty() && !takes_none) || (words.size() > 1 && !directive.takes_several_words())) {
    return fail("wrong number of arguments");
  }
  Result<std::string> value = parse_by_kind(directive, words, current);
  if (value && directive.check != nullptr) {
    if (std::string why = directive.check(*value); !why.empty()) {
      return fail(std::move(why));
    }
  }
  return value;
}

// Where a value has several parts redis.conf has a line for each.
std::vector<std::string> file_lines(const Directive& directive, std::string_view value) {
  const auto line = [&directive](std::string_view words) {
    return std::vector<std::string>{fmt::format("{} {}", directive.name, words)};
  };
  switch (directive.kind) {
    case Kind::kSave:
      return save_lines(value);
    case Kind::kBufferLimits:
      return buffer_limit_lines(value);
    case Kind::kMemory:
      return line(with_unit(value));
    case Kind::kText:
    case Kind::kEvents:
      return line(quote(value));
    case Kind::kYesNo:
    case Kind::kInteger:
    case Kind::kMemoryOrPercent:
    case Kind::kOctal:
    case Kind::kChoice:
    case Kind::kChoices:
    case Kind::kWords:
    case Kind::kOomScores:
    case Kind::kPercentiles:
      return line(value.empty() ? "\"\"" : value);
  }
  ENGINE_CHECK(false);
}

}  // namespace engine::server
