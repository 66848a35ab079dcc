// Checks a scenario file against scenario.schema.json. Internal to scenario/.
#pragma once

#include <string>
#include <vector>

#include "harness/scenario/json/document.h"

namespace crashpoint::scenario {

// The schema, parsed once. Threads: any.
[[nodiscard]] const Json& schema();

// Adds a problem for each error, with its line, what was found, what is allowed, and the most similar
// name. valijson decides what is valid; the messages are made here, because a validator's messages
// explain the schema rather than the file.
void check_schema(const Document& document, std::vector<Problem>& problems);

// Follows "$ref"s.
[[nodiscard]] const Json& resolve(const Json& node);

}  // namespace crashpoint::scenario
