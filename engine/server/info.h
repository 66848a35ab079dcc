// The text of INFO: redis-server 7.0's sections, fields and order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/commands/dispatch/executor.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/persistence.h"
#include "engine/server/config/config.h"
#include "engine/server/network/connections.h"
#include "engine/server/rate.h"

namespace engine::server {

// What the server keeps for INFO alone.
struct ServerFigures {
  std::string run_id;  // 40 hex digits, another at every start
  std::string replication_id;
  std::string executable;     // absolute path
  std::string config_file;    // absolute path, or empty
  std::int64_t start_ms = 0;  // monotonic
  std::size_t startup_memory_bytes = 0;
  std::size_t peak_memory_bytes = 0;
  std::size_t buffer_bytes = 0;  // of clients, at the last sample
  std::size_t resident_bytes = 0;
  Rate commands;
  Rate input;
  Rate output;
};

struct InfoSources {
  const Clock& clock;
  const Config& config;
  const ServerFigures& figures;
  const Connections& connections;
  const keyspace::Keyspace& keyspace;
  const persistence::Persistence& persistence;
  commands::Executor& executor;
};

// No section: the default ones. "default", "all", "everything" or names, in any case of letters; an
// unknown name gives no text.
std::string info_text(const InfoSources& sources, std::span<const std::string_view> sections);

// 40 hex digits from the kernel's entropy.
std::string random_id();

// The data set and the buffers of clients.
std::size_t used_memory_bytes(const ServerFigures& figures);

// Resident set of this process now; 0 if the kernel does not say.
std::size_t resident_bytes();

}  // namespace engine::server
