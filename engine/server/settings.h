// What the directives mean for the parts of the engine: the values of a Config as their settings.
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

// Leaves alone what is no directive (DEBUG SET-ACTIVE-EXPIRE).
void set_command_settings(const Config& config, commands::Settings& settings);

// Puts values within what the engine can do: hz is 1 .. 500.
void normalize(Config& config);

}  // namespace engine::server
