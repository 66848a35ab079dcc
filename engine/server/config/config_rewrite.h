// CONFIG REWRITE: updates a redis.conf to the current values and keeps everything else in it,
// comments included.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/server/config/config.h"

namespace engine::server {

// The new text of the file. A directive stays on its line; one that has left its
// default and is not in the file is added at the end. `all`: add also those at their default.
std::string rewritten_config(std::string_view text, const Config& config, bool all = false);

// Rewrites the file at `path` by a temp file, fsync and rename, so that a crash leaves the old or
// the new one.
Status rewrite_config_file(const std::string& path, const Config& config, bool all = false);

}  // namespace engine::server
