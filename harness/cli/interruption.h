// Signals that end a command early: it cleans up, and keeps and reports what it has found.
#pragma once

namespace crashpoint::cli {

// From now on SIGINT, SIGTERM, SIGQUIT, SIGHUP (unless it is ignored, as under nohup) and SIGPIPE (a
// reader of our output that is gone) end no process but are remembered.
void catch_interruptions();

// Whether one of them came.
[[nodiscard]] bool is_interrupted();

}  // namespace crashpoint::cli
