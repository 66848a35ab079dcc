// Holds a scenario file against scenario.schema.json. Internal to scenario/.
#pragma once

#include <string>
#include <vector>

#include "harness/scenario/document.h"

namespace crashpoint::scenario {

// The schema, parsed once. Threads: any.
[[nodiscard]] const Json& schema();

// Adds a problem for each mistake, at its line: what was found, what is allowed, and the name that
// was meant. valijson is the judge of what is valid; the words are ours, because a validator's are
// about the schema and a reader wants to hear about his file.
void check_schema(const Document& document, std::vector<Problem>& problems);

// Follows "$ref"s to the schema that says something.
[[nodiscard]] const Json& resolve(const Json& node);

}  // namespace crashpoint::scenario
