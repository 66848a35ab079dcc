// Explains in words where a value violates a schema. Internal to scenario/.
#pragma once

#include <functional>
#include <string>

#include "harness/scenario/json/document.h"

namespace crashpoint::scenario {

struct Mismatch {
  std::string pointer;
  bool at_key = false;  // the key at `pointer` is wrong, not its value
  std::string text;     // "found 7; allowed: a whole number from 1 to 5"
};

// Calls `report` for each value that `schema` does not allow. Supports the part of JSON Schema draft 7
// that scenario.schema.json uses.
void explain(const Json& schema, const Json& value, const std::function<void(Mismatch)>& report);

// What `schema` allows, in words: "a whole number from 1 to 5".
[[nodiscard]] std::string allowed_by(const Json& unresolved);

}  // namespace crashpoint::scenario
