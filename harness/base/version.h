#pragma once

#include <string_view>

namespace crashpoint {

// Of crashpoint itself, "0.1.0": the project version of the build.
std::string_view version();

}  // namespace crashpoint
