#include "engine/commands/dispatch/monitor.h"

#include <fmt/format.h>

#include <string>

#include "engine/base/text.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/redaction.h"
#include "engine/commands/services/server_control.h"

namespace engine::commands {

void Monitors::add(Session& session) {
  if (!session.monitoring) {
    session.monitoring = true;
    sessions_.push_back(&session);
  }
}

void Monitors::remove(Session& session) {
  if (session.monitoring) {
    session.monitoring = false;
    std::erase(sessions_, &session);
  }
}

void Monitors::show(const Context& context) {
  if (context.spec.has(kSkipMonitor | kAdmin)) {
    return;
  }
  std::string line =
      fmt::format("{}.{:06} [{} {}]", context.now_ms() / 1000, context.now_ms() % 1000 * 1000,
                  context.db_index(), context.session.address);
  for (const std::string_view argument : redacted(context.spec, context.argv)) {
    line += " " + quote(argument);
  }
  for (Session* session : sessions_) {
    resp::ReplyWriter(session->output, session->protocol).simple(line);
    server_.session_changed(*session);
  }
}

}  // namespace engine::commands
