// What the engine calls itself.
#pragma once

#include <string_view>

namespace engine::server {

inline constexpr std::string_view kEngineVersion = "0.1.0";
// The server whose protocol, files and figures the engine keeps to; clients read it in INFO.
inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace engine::server
