// The axis of a matrix that has each call of a target's life as a value. Internal to scenario/.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/json/document.h"
#include "harness/scenario/load/load.h"

namespace crashpoint::scenario {

struct EachCall {
  std::string pointer;  // of the place of a fault: "/faults/0/at"
  CallsWanted wanted;
  std::optional<std::size_t> sample;  // of the calls
  Position position;
};

// The value of the axis in names, before the calls are known.
inline constexpr const char* kEachCall = "each-call";

// That of a matrix which satisfies the schema; errors are added to `problems`.
[[nodiscard]] std::optional<EachCall> find_each_call(const Document& document,
                                                     std::vector<Problem>& problems);

// What stands for the calls before they are known: one for each kind.
[[nodiscard]] std::vector<Call> kinds_of(const EachCall& each);

// Whether call `i` of `count` belongs to the sample: "sample" many, including the first and the last.
[[nodiscard]] bool is_in_sample(std::size_t i, std::size_t count, std::size_t wanted);

// The place of a fault, and its part of the name of a case.
[[nodiscard]] Json place_of(const Call& call);
[[nodiscard]] std::string label_of(const Call& call);

// `document` without the faults of the list that the axis is about.
[[nodiscard]] Document without_faults(Document document, const EachCall& each);

}  // namespace crashpoint::scenario
