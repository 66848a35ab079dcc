// What a command of the reference model works with: its arguments, the keys, and ways to say what
// its reply is. Used by the command families only.
//
// A handler first checks, then changes: once it has thrown Failure, nothing may have changed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/oracle/resp/model.h"
#include "harness/oracle/resp/tracked_value.h"
#include "harness/target/resp_value.h"

namespace crashpoint::oracle {

// The reply is an error. Only its code counts ("ERR", "WRONGTYPE"), texts differ between servers.
struct Failure {
  std::string_view code = "ERR";
};

// The effect rests on something the model cannot know. The keys the command writes become unknown.
struct Undetermined {
  Plausible plausible = {};  // what the one key it writes may then hold
};
template <typename Allows>
[[nodiscard]] Undetermined undetermined_but(Allows allows) {
  return {.plausible =
              std::make_shared<const std::function<bool(const target::Entry*)>>(std::move(allows))};
}

// What a handler returns; empty where the meaning leaves the reply open.
using Reply = std::optional<target::RespValue>;

[[nodiscard]] Reply ok();
[[nodiscard]] Reply integer(std::int64_t value);
[[nodiscard]] Reply bulk(std::string text);
[[nodiscard]] Reply null();
[[nodiscard]] Reply null_array();
[[nodiscard]] Reply array(std::vector<target::RespValue> items);
[[nodiscard]] Reply bulk_array(std::vector<std::string> items);

class Context {
 public:
  Context(Model& model, const Call& call) : model_(*model.impl_), call_(call) {}

  [[nodiscard]] std::size_t count() const { return call_.arguments.size(); }
  [[nodiscard]] const std::string& operator[](std::size_t at) const { return call_.arguments[at]; }
  // Case does not matter; false past the end.
  [[nodiscard]] bool is(std::size_t at, std::string_view word) const;
  // Throw Failure unless the argument is a number as Redis reads one.
  [[nodiscard]] std::int64_t integer_at(std::size_t at) const;
  [[nodiscard]] double score_at(std::size_t at) const;
  [[nodiscard]] std::span<const std::string> from(std::size_t at) const {
    return call_.arguments.subspan(at);
  }
  [[nodiscard]] std::uint32_t database() const { return call_.database; }
  [[nodiscard]] const target::RespValue* reply() const { return call_.reply; }
  [[nodiscard]] const TimeWindow& when() const { return call_.when; }
  // `ms` from when the command ran.
  [[nodiscard]] TimeWindow after(std::int64_t ms) const {
    return {.from_ms = call_.when.from_ms + ms, .to_ms = call_.when.to_ms + ms};
  }

  [[nodiscard]] KeyId key(std::size_t at) { return key_in(call_.database, call_.arguments[at]); }
  [[nodiscard]] KeyId key_in(std::uint32_t database, const std::string& name);

  [[nodiscard]] bool is_unknown(KeyId id) const;
  // All throw Undetermined where the key is unknown.
  [[nodiscard]] bool exists(KeyId id);
  // nullptr: absent. Throws Failure{"WRONGTYPE"} on another type.
  template <typename T>
  [[nodiscard]] const T* find(KeyId id) {
    const TrackedValue* value = find_any(id);
    if (value == nullptr) {
      return nullptr;
    }
    if (!std::holds_alternative<T>(*value)) {
      throw Failure{"WRONGTYPE"};
    }
    return &std::get<T>(*value);
  }
  [[nodiscard]] const TrackedValue* find_any(KeyId id);
  [[nodiscard]] const std::optional<TimeWindow>& deadline(KeyId id);

  // For a change in place: made empty where absent; one left empty is removed.
  template <typename T>
  [[nodiscard]] T& edit(KeyId id) {
    if (find<T>(id) == nullptr) {
      put(id, T());
    }
    return std::get<T>(change(id));
  }
  // Overwrites whatever was there, unknown or not, deadline included.
  void put(KeyId id, TrackedValue value);
  void put_string(KeyId id, std::string text) { put(id, TrackedString(std::move(text))); }
  // The same, and the key keeps its deadline.
  void replace_string(KeyId id, std::string text);
  void erase(KeyId id);
  void set_deadline(KeyId id, TimeWindow deadline);
  void clear_deadline(KeyId id);

  [[nodiscard]] std::vector<std::uint32_t> databases() const;
  // Every key that is there, unknown ones included.
  [[nodiscard]] std::vector<KeyId> keys_in(std::uint32_t database) const;
  void swap_databases(std::uint32_t one, std::uint32_t other);

  // What DUMP showed, for RESTORE.
  void remember_dump(const std::string& payload, KeyId id);
  [[nodiscard]] const TrackedValue* recall_dump(const std::string& payload) const;

 private:
  [[nodiscard]] TrackedValue& change(KeyId id);

  Model::Impl& model_;
  const Call& call_;
};

// Numbers as Redis reads and writes them.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
[[nodiscard]] std::optional<double> parse_score(const std::string& text);  // inf, never NaN
[[nodiscard]] std::string format_score(double score);
// Their sum as INCRBYFLOAT writes it. Throws Failure when one is no number or the sum is not finite.
[[nodiscard]] std::string add_floats(const std::string& one, const std::string& other);
// Whether both are numbers and equal but for rounding.
[[nodiscard]] bool nearly_equal(const std::string& one, const std::string& other);
[[nodiscard]] bool same_word(std::string_view one, std::string_view other);  // whatever the case

}  // namespace crashpoint::oracle
