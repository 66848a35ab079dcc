// The release of Redis whose behaviour this engine has; what clients are told.
#pragma once

#include <string_view>

namespace engine::commands {

inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace engine::commands
