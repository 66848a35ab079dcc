// Who supervises the server (the directive `supervised`), and what it is told.
//
// systemd: datagrams to the socket that NOTIFY_SOCKET names, as sd_notify(3) specifies them. Upstart (expect stop): the
// process stops itself once, when it starts.
#pragma once

#include <string_view>

#include "engine/base/log.h"

namespace engine::server {

enum class Supervisor { kNone, kSystemd, kUpstart };

// What `directive` ("no", "auto", "systemd", "upstart") and the environment say. Logs a warning where the
// environment lacks what the directive asks for. Before there is a second thread.
Supervisor find_supervisor(std::string_view directive, Log& log);

// `state` is lines of sd_notify(3): "READY=1". A failure is logged.
void tell_systemd(std::string_view state, Log& log);

}  // namespace engine::server
