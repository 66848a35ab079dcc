// The values of a Config as settings of the parts of the engine.
#pragma once

#include "engine/commands/services/settings.h"
#include "engine/keyspace/encoding_limits.h"
#include "engine/persistence/settings.h"
#include "engine/server/config/config.h"
#include "engine/server/network/connections.h"

namespace engine::server {

persistence::Settings persistence_settings(const Config& config);
ConnectionSettings connection_settings(const Config& config);
keyspace::EncodingLimits encoding_limits(const Config& config);

// Leaves unchanged what no directive sets (DEBUG SET-ACTIVE-EXPIRE).
void set_command_settings(const Config& config, commands::Settings& settings);

// Clamps values to what the engine supports: hz is 1 .. 500.
void normalize(Config& config);

}  // namespace engine::server
