// Commands, values and moments in words, for verdicts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

// "SET str:0.3 0.0.17.abcdefgh... (512 bytes)"
[[nodiscard]] std::string describe_command(const workload::Arguments& arguments);

// "client 2 #57 RPUSH list:2.0 x"
[[nodiscard]] std::string describe_operation(const workload::Operation& operation);

// "db 3 key" or "key"; escaped.
[[nodiscard]] std::string describe_key(const target::Key& key);

[[nodiscard]] std::string describe_value(const target::Value& value);

struct Described {
  std::string expected;
  std::string found;
};
// Two entries that differ, each with what tells it from the other: of large collections only that.
// Empty stands for absent.
[[nodiscard]] Described describe_difference(const std::optional<target::Entry>& expected,
                                            const std::optional<target::Entry>& found);

}  // namespace crashpoint::oracle
