// Checks of a state that need no history.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/base/text.h"
#include "harness/oracle/resp/describe.h"
#include "harness/oracle/resp/judge.h"
#include "harness/oracle/resp/model_impl.h"

namespace crashpoint::oracle {
namespace {

class Differences {
 public:
  explicit Differences(Verdict& verdict) : verdict_(verdict) {}

  void add(const target::Key& key, std::string expected, std::string found) {
    verdict_.outcome = Outcome::kViolation;
    ++verdict_.difference_count;
    if (verdict_.differences.size() == Verdict::kShown) {
      return;
    }
    verdict_.differences.push_back({.database = key.database,
                                    .key = escape(key.name),
                                    .expected = std::move(expected),
                                    .found = std::move(found)});
  }

 private:
  Verdict& verdict_;
};

const target::Entry* find(const target::State& state, const target::Key& key) {
  const auto found = state.entries.find(key);
  return found == state.entries.end() ? nullptr : &found->second;
}

std::string text_of(const target::Entry* entry) {
  return entry == nullptr ? "absent" : describe_value(entry->value);
}

std::string ttl_text(const ExpectedTtl& ttl) {
  if (ttl.none) {
    return "no deadline";
  }
  if (!ttl.min_ms && !ttl.max_ms) {
    return "a deadline";
  }
  return fmt::format("{} to {} ms left", ttl.min_ms.value_or(0),
                     ttl.max_ms ? std::to_string(*ttl.max_ms) : "any");
}

bool ttl_fits(const ExpectedTtl& ttl, const target::Entry& entry, const target::State& state) {
  if (ttl.none || !entry.expire_at_ms) {
    return ttl.none && !entry.expire_at_ms;
  }
  // What was left at some time while the state was read.
  const std::int64_t most = *entry.expire_at_ms - state.observed_from_ms + state.deadline_error_ms;
  const std::int64_t least = *entry.expire_at_ms - state.observed_to_ms - state.deadline_error_ms;
  return (!ttl.min_ms || most >= *ttl.min_ms) && (!ttl.max_ms || least <= *ttl.max_ms);
}

}  // namespace

Verdict judge_expectations(const target::State& recovered, const Expectations& expected) {
  Verdict verdict;
  verdict.check = "expect";
  verdict.promise = "the data is as the scenario lists it";
  Differences differences(verdict);
  for (const auto& [key, value] : expected.values) {
    const target::Entry* entry = find(recovered, key);
    if (entry != nullptr && entry->value == value) {
      continue;
    }
    const Described text = describe_difference(
        target::Entry{.value = value,
                      .expire_at_ms = entry == nullptr ? std::nullopt : entry->expire_at_ms},
        entry == nullptr ? std::nullopt : std::optional(*entry));
    differences.add(key, text.expected, text.found);
  }
  for (const auto& [key, type] : expected.types) {
    const target::Entry* entry = find(recovered, key);
    if (entry == nullptr || target::type_name(entry->value) != type) {
      differences.add(key, "a " + type, text_of(entry));
    }
  }
  for (const target::Key& key : expected.absent) {
    if (const target::Entry* entry = find(recovered, key)) {
      differences.add(key, "absent", text_of(entry));
    }
  }
  for (const auto& [key, ttl] : expected.ttls) {
    const target::Entry* entry = find(recovered, key);
    if (entry != nullptr && ttl_fits(ttl, *entry, recovered)) {
      continue;
    }
    std::string found = "absent";
    if (entry != nullptr) {
      found = entry->expire_at_ms
                  ? fmt::format("{} ms left", *entry->expire_at_ms - recovered.observed_from_ms)
                  : "no deadline";
    }
    differences.add(key, ttl_text(ttl), std::move(found));
  }
  for (const auto& wanted : expected.dbsize) {
    const auto& [database, size] = wanted;
    const auto found =
        static_cast<std::uint64_t>(std::ranges::count_if(recovered.entries, [&](const auto& entry) {
          return entry.first.database == wanted.first;  // clang 14 cannot capture `database`
        }));
    if (found != size) {
      differences.add({.database = database, .name = "(size)"}, counted(size, "key"),
                      counted(found, "key"));
    }
  }
  if (verdict.outcome == Outcome::kViolation) {
    verdict.summary =
        counted(verdict.difference_count, "expectation is", "expectations are") + " not met";
  }
  return verdict;
}

Verdict judge_same(const target::State& expected, const target::State& found, std::string check,
                   std::string promise) {
  Verdict verdict;
  verdict.check = std::move(check);
  verdict.promise = std::move(promise);
  Differences differences(verdict);
  const std::int64_t slack = kClockSlackMs + expected.deadline_error_ms + found.deadline_error_ms;
  const auto may_expire = [&](const target::Entry& entry, const target::State& later) {
    return entry.expire_at_ms && later.observed_to_ms != 0 &&
           *entry.expire_at_ms - slack <= later.observed_to_ms;
  };
  for (const auto& [key, entry] : expected.entries) {
    const target::Entry* other = find(found, key);
    if (other == nullptr && may_expire(entry, found)) {
      continue;
    }
    bool same = other != nullptr && other->value == entry.value &&
                other->expire_at_ms.has_value() == entry.expire_at_ms.has_value();
    if (same && entry.expire_at_ms) {
      same = std::abs(*other->expire_at_ms - *entry.expire_at_ms) <=
             expected.deadline_error_ms + found.deadline_error_ms;
    }
    if (same) {
      continue;
    }
    const Described text =
        describe_difference(entry, other == nullptr ? std::nullopt : std::optional(*other));
    differences.add(key, text.expected, text.found);
  }
  for (const auto& [key, entry] : found.entries) {
    if (!expected.entries.contains(key) && !may_expire(entry, expected)) {
      differences.add(key, "absent", describe_value(entry.value));
    }
  }
  if (verdict.outcome == Outcome::kViolation) {
    verdict.summary = counted(verdict.difference_count, "key differs", "keys differ");
  }
  return verdict;
}

}  // namespace crashpoint::oracle
