#include "harness/oracle/resp/context.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "harness/oracle/resp/model_impl.h"

namespace crashpoint::oracle {

Reply ok() {
  return target::RespValue{.kind = target::RespValue::Kind::kSimple, .text = "OK"};
}
Reply integer(std::int64_t value) {
  return target::RespValue{.kind = target::RespValue::Kind::kInteger, .integer = value};
}
Reply bulk(std::string text) {
  return target::RespValue{.kind = target::RespValue::Kind::kBulk, .text = std::move(text)};
}
Reply null() {
  return target::RespValue{.kind = target::RespValue::Kind::kNull};
}
Reply null_array() {
  return target::RespValue{.kind = target::RespValue::Kind::kNullArray};
}
Reply array(std::vector<target::RespValue> items) {
  return target::RespValue{.kind = target::RespValue::Kind::kArray, .items = std::move(items)};
}
Reply bulk_array(std::vector<std::string> items) {
  std::vector<target::RespValue> values;
  values.reserve(items.size());
  for (std::string& item : items) {
    values.push_back(std::move(*bulk(std::move(item))));
  }
  return array(std::move(values));
}

bool Context::is(std::size_t at, std::string_view word) const {
  return at < count() && same_word(call_.arguments[at], word);
}

std::int64_t Context::integer_at(std::size_t at) const {
  const std::optional<std::int64_t> value = parse_integer(call_.arguments[at]);
  if (!value) {
    throw Failure{};
  }
  return *value;
}

double Context::score_at(std::size_t at) const {
  const std::optional<double> value = parse_score(call_.arguments[at]);
  if (!value) {
    throw Failure{};
  }
  return *value;
}

KeyId Context::key_in(std::uint32_t database, const std::string& name) {
  return model_.id_of({database, name});
}

bool Context::is_unknown(KeyId id) const {
  return model_.slots[id].unknown;
}

const TrackedValue* Context::find_any(KeyId id) {
  const Model::Slot& slot = model_.current(id);
  if (slot.unknown) {
    throw Undetermined{};
  }
  return slot.value ? &*slot.value : nullptr;
}

bool Context::exists(KeyId id) {
  return find_any(id) != nullptr;
}

const std::optional<TimeWindow>& Context::deadline(KeyId id) {
  if (model_.current(id).unknown) {
    throw Undetermined{};
  }
  return model_.slots[id].deadline;
}

TrackedValue& Context::change(KeyId id) {
  return *model_.touch(id).value;
}

void Context::put(KeyId id, TrackedValue value) {
  Model::Slot& slot = model_.touch(id);
  model_.clear(slot);
  slot.value = std::move(value);
}

void Context::replace_string(KeyId id, std::string text) {
  (void)find_any(id);
  model_.touch(id).value = TrackedString(std::move(text));
}

void Context::erase(KeyId id) {
  model_.clear(model_.touch(id));
}

void Context::set_deadline(KeyId id, TimeWindow deadline) {
  model_.touch(id).deadline = deadline;
  ++model_.deadlines_set;
}

void Context::clear_deadline(KeyId id) {
  model_.touch(id).deadline.reset();
}

std::vector<std::uint32_t> Context::databases() const {
  std::set<std::uint32_t> found;
  for (const Model::Slot& slot : model_.slots) {
    found.insert(slot.key.database);
  }
  return {found.begin(), found.end()};
}

std::vector<KeyId> Context::keys_in(std::uint32_t database) const {
  std::vector<KeyId> keys;
  for (KeyId id = 0; id < model_.slots.size(); ++id) {
    const Model::Slot& slot = model_.slots[id];
    if (slot.key.database == database && (slot.value || slot.unknown)) {
      keys.push_back(id);
    }
  }
  return keys;
}

void Context::swap_databases(std::uint32_t one, std::uint32_t other) {
  std::vector<std::pair<KeyId, Model::Slot>> moved;
  for (const auto& [from, to] : {std::pair{one, other}, std::pair{other, one}}) {
    for (const KeyId id : keys_in(from)) {
      moved.emplace_back(key_in(to, model_.slots[id].key.name), model_.touch(id));
    }
  }
  for (const std::uint32_t database : {one, other}) {
    for (const KeyId id : keys_in(database)) {
      erase(id);
    }
  }
  for (auto& [id, from] : moved) {
    Model::Slot& slot = model_.touch(id);
    slot.value = std::move(from.value);
    slot.deadline = from.deadline;
    slot.unknown = from.unknown;
    slot.plausible = from.plausible;
  }
}

void Context::remember_dump(const std::string& payload, KeyId id) {
  if (const TrackedValue* value = find_any(id)) {
    model_.dumps.insert_or_assign(payload, *value);
  }
}

const TrackedValue* Context::recall_dump(const std::string& payload) const {
  const auto found = model_.dumps.find(payload);
  return found == model_.dumps.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  // Canonical decimals alone: no leading zero, plus, blank or "-0".
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.starts_with('0') && text != "0") {
    return std::nullopt;
  }
  return value;
}

std::optional<double> parse_score(const std::string& text) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    return std::nullopt;
  }
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || std::isnan(value)) {
    return std::nullopt;
  }
  const bool out_of_range = errno == ERANGE && (std::abs(value) == HUGE_VAL || value == 0);
  return out_of_range ? std::nullopt : std::optional(value);
}

std::string format_score(double score) {
  if (std::isinf(score)) {
    return score > 0 ? "inf" : "-inf";
  }
  char text[40];
  const int size = std::snprintf(text, sizeof text, "%.17g", score);
  return {text, static_cast<std::size_t>(size)};
}

namespace {

long double float_of(const std::string& text) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    throw Failure{};
  }
  char* end = nullptr;
  const long double value = std::strtold(text.c_str(), &end);
  if (end != text.c_str() + text.size() || std::isnan(value)) {
    throw Failure{};
  }
  return value;
}

}  // namespace

std::string add_floats(const std::string& one, const std::string& other) {
  const long double sum = float_of(one) + float_of(other);
  if (!std::isfinite(sum)) {
    throw Failure{};
  }
  // 17 digits behind the point, without trailing zeros.
  std::array<char, 5200> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.17Lf", sum);
  std::string result(text.data(), static_cast<std::size_t>(size));
  if (result.find('.') != std::string::npos) {
    result.erase(result.find_last_not_of('0') + 1);
    if (result.ends_with('.')) {
      result.pop_back();
    }
  }
  return result == "-0" ? "0" : result;
}

bool nearly_equal(const std::string& one, const std::string& other) {
  try {
    const long double a = float_of(one);
    const long double b = float_of(other);
    return std::abs(a - b) <= 1e-12L * std::max({std::abs(a), std::abs(b), 1.0L});
  } catch (const Failure&) {
    return false;
  }
}

bool same_word(std::string_view one, std::string_view other) {
  return one.size() == other.size() && ::strncasecmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace crashpoint::oracle
