// What the engine calls itself, and the release of Redis whose behaviour and files it has.
#pragma once

#include <string_view>

namespace engine {

inline constexpr std::string_view kEngineVersion = "0.1.0";
// Clients read it in INFO and HELLO, loaders in a snapshot's field redis-ver.
inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace engine
