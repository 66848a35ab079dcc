#include "harness/oracle/resp/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "harness/base/text.h"

namespace crashpoint::oracle {
namespace {

constexpr std::size_t kArgumentsShown = 8;
constexpr std::size_t kItemsShown = 8;
constexpr std::size_t kBytesShown = 40;

std::string quoted(const std::string& text) {
  return '"' + shorten(text, kBytesShown) + '"';
}

std::string score_text(double score) {
  return fmt::format("{}", score);
}

// The parts of a collection, each as people read it, in a fixed order.
std::vector<std::string> parts_of(const target::Value& value) {
  std::vector<std::string> parts;
  if (const auto* list = std::get_if<target::List>(&value)) {
    for (std::size_t at = 0; at < list->size(); ++at) {
      parts.push_back(fmt::format("[{}]={}", at, quoted((*list)[at])));
    }
  } else if (const auto* set = std::get_if<target::Set>(&value)) {
    for (const std::string& member : *set) {
      parts.push_back(quoted(member));
    }
  } else if (const auto* hash = std::get_if<target::Hash>(&value)) {
    for (const auto& [field, text] : *hash) {
      parts.push_back(quoted(field) + "=" + quoted(text));
    }
  } else if (const auto* sorted = std::get_if<target::SortedSet>(&value)) {
    for (const auto& [member, score] : *sorted) {
      parts.push_back(quoted(member) + "=" + score_text(score));
    }
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  const std::size_t shown = std::min(parts.size(), kItemsShown);
  std::string text = fmt::format(
      "{}", fmt::join(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < parts.size()) {
    text += fmt::format(", and {} more", with_commas(parts.size() - shown));
  }
  return text;
}

std::string deadline_text(const std::optional<std::int64_t>& expire_at_ms) {
  return expire_at_ms ? fmt::format(", expires at {} ms", *expire_at_ms) : ", without a deadline";
}

}  // namespace

std::string describe_command(const workload::Arguments& arguments) {
  std::string text;
  for (std::size_t at = 0; at < arguments.size() && at < kArgumentsShown; ++at) {
    if (at > 0) {
      text += ' ';
    }
    text += arguments[at].empty() ? "\"\"" : shorten(arguments[at], kBytesShown);
  }
  if (arguments.size() > kArgumentsShown) {
    text += fmt::format(" ... ({} arguments)", arguments.size());
  }
  return text;
}

std::string describe_operation(const workload::Operation& operation) {
  return fmt::format("client {} #{} {}", operation.client, operation.index,
                     describe_command(operation.arguments));
}

std::string describe_key(const target::Key& key) {
  const std::string name = shorten(key.name);
  return key.database == 0 ? name : fmt::format("db {} {}", key.database, name);
}

std::string describe_value(const target::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return quoted(*text);
  }
  if (const auto* opaque = std::get_if<target::Opaque>(&value)) {
    return fmt::format("{} of {} bytes", opaque->type, opaque->dump.size());
  }
  const std::vector<std::string> parts = parts_of(value);
  return fmt::format("{} of {}: {}", target::type_name(value), with_commas(parts.size()),
                     joined(parts));
}

Described describe_difference(const std::optional<target::Entry>& expected,
                              const std::optional<target::Entry>& found) {
  const auto whole = [](const std::optional<target::Entry>& entry) {
    return entry ? describe_value(entry->value) : std::string("absent");
  };
  Described text{.expected = whole(expected), .found = whole(found)};
  if (!expected || !found) {
    return text;
  }
  if (expected->value == found->value) {
    text.expected += deadline_text(expected->expire_at_ms);
    text.found += deadline_text(found->expire_at_ms);
    return text;
  }
  if (text.expected == text.found) {
    // They differ past what is shown.
    const std::string* one = std::get_if<std::string>(&expected->value);
    const std::string* other = std::get_if<std::string>(&found->value);
    if (one != nullptr && other != nullptr) {
      const auto at = std::ranges::mismatch(*one, *other).in1 - one->begin();
      text.found += fmt::format(", another byte at {}", at);
    }
  }
  const std::vector<std::string> wanted = parts_of(expected->value);
  const std::vector<std::string> got = parts_of(found->value);
  if (expected->value.index() != found->value.index() ||
      std::max(wanted.size(), got.size()) <= kItemsShown) {
    return text;
  }
  // Of large ones, only what the other side lacks.
  const auto lacking = [](std::vector<std::string> own, std::vector<std::string> other) {
    std::ranges::sort(own);
    std::ranges::sort(other);
    std::vector<std::string> only;
    std::ranges::set_difference(own, other, std::back_inserter(only));
    return only;
  };
  const auto with = [&](const target::Value& value, const std::vector<std::string>& all,
                        const std::vector<std::string>& only) {
    std::string result = fmt::format("{} of {}", target::type_name(value), with_commas(all.size()));
    return only.empty() ? result : result + ", with " + joined(only);
  };
  text.expected = with(expected->value, wanted, lacking(wanted, got));
  text.found = with(found->value, got, lacking(got, wanted));
  return text;
}

}  // namespace crashpoint::oracle
