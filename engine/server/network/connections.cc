#include "engine/server/network/connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/base/text.h"
#include "engine/resp/reply_writer.h"

namespace engine::server {
namespace {

constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr std::string_view kProtectedMode =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user. In this mode connections are only accepted from the loopback "
    "interface. To accept this one either set a password ('requirepass'), or, if nobody else can "
    "reach this port, switch the mode off ('protected-mode no').\r\n";

// Idle clients give back buffers beyond this.
constexpr std::size_t kBufferKeepBytes = 16 << 10;
// What one recv() may add to a request whose beginning has arrived.
constexpr std::size_t kInputGrowthBytes = 64 << 10;

void enable_keepalive(int fd, std::int64_t interval_s) {
  const int on = 1;
  const int idle = static_cast<int>(interval_s);
  const int between = std::max(idle / 3, 1);
  const int probes = 3;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof(between));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

// The client is not served: it gets the reason, if its socket takes that, and is closed.
void refuse(int fd, std::string_view why) {
  static_cast<void>(::send(fd, why.data(), why.size(), MSG_NOSIGNAL));
  static_cast<void>(::close(fd));
}

// A browser that was made to send a form here (cross-protocol scripting).
bool is_http(std::string_view command) {
  return (command.size() == 4 && equals_ignoring_case(command, "post")) ||
         (command.size() == 5 && equals_ignoring_case(command, "host:"));
}

std::string describe(const commands::Session& session) {
  return fmt::format("id={} addr={} laddr={} fd={} name={} qbuf={} obl={}", session.id,
                     session.address, session.local_address, session.fd, session.name,
                     session.query_buffer_bytes, session.output.size());
}

}  // namespace

Connections::Connections(commands::Executor& executor, Poller& poller, const Clock& clock, Log& log)
    : executor_(executor),
      poller_(poller),
      clock_(clock),
      log_(log),
      read_buffer_(new char[kReadBytes]) {
  begin_turn();
}

Connections::~Connections() {
  for (const auto& connection : by_fd_) {
    if (connection) {
      executor_.forget(connection->session);
    }
  }
}

void Connections::begin_turn() {
  now_ms_ = clock_.monotonic_us() / 1000;
}

// A refused client gets the reason; it is not counted as a connection.
void Connections::accept(Accepted accepted) {
  if (count_ >= settings.clients_max) {
    ++statistics.rejected;
    refuse(accepted.fd, kTooManyClients);
    return;
  }
  if (settings.protected_mode && !settings.password_set && !accepted.is_loopback) {
    ++statistics.rejected;
    refuse(accepted.fd, kProtectedMode);
    return;
  }
  auto connection = std::make_unique<Connection>(*this, next_id_++, accepted.fd);
  connection->is_local = accepted.is_loopback;
  commands::Session& session = connection->session;
  session.address = std::move(accepted.address);
  session.local_address = std::move(accepted.local_address);
  session.created_ms = now_ms_;
  session.last_interaction_ms = now_ms_;
  session.authenticated = !settings.password_set;
  if (!accepted.is_unix && settings.tcp_keepalive_s > 0) {
    enable_keepalive(accepted.fd, settings.tcp_keepalive_s);
  }
  if (Status added = poller_.add(accepted.fd, EPOLLIN, *connection); !added) {
    log_.warning("Error registering fd event for the new client: {}", added.error().message);
    return;
  }
  const auto index = static_cast<std::size_t>(accepted.fd);
  if (by_fd_.size() <= index) {
    by_fd_.resize(index + 1);
  }
  ENGINE_CHECK(!by_fd_[index], index);
  by_fd_[index] = std::move(connection);
  ++count_;
  ++statistics.accepted;
}

void Connections::on_readable(Connection& connection) {
  commands::Session& session = connection.session;
  if (session.closing || session.close_after_reply) {
    // What it still sends is ignored; without this its end would go unnoticed.
    if (::recv(session.fd, read_buffer_.get(), kReadBytes, 0) == 0) {
      session.closing = true;
      mark_changed(connection);
    }
    return;
  }
  resp::ReplyBuffer& input = connection.input;
  const bool fresh = input.empty();
  char* to = read_buffer_.get();
  std::size_t room = kReadBytes;
  if (!fresh) {
    room = std::max(kInputGrowthBytes, std::min(connection.parser.missing_bytes(), input.size()));
    to = input.grow(room);
  }
  const ssize_t received = ::recv(session.fd, to, room, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (received <= 0) {
    session.closing = true;
    mark_changed(connection);
    return;
  }
  const auto count = static_cast<std::size_t>(received);
  ++statistics.reads;
  statistics.input_bytes += count;
  session.last_interaction_ms = now_ms_;
  if (fresh) {
    const std::size_t used = execute(connection, {to, count});
    input.append({to + used, count - used});
  } else {
    input.commit(count);
    execute_input(connection);
  }
  session.query_buffer_bytes = input.size();
  session.query_buffer_free = input.capacity() - input.size();
  if (input.size() > settings.query_buffer_bytes_max) {
    log_.warning("Closing client that reached max query buffer length: {}", describe(session));
    session.closing = true;
    mark_changed(connection);
  }
}

void Connections::on_writable(Connection& connection) {
  connection.waits_for_room = false;
  poller_.change(connection.session.fd, EPOLLIN, connection);
  mark_changed(connection);
}

void Connections::execute_input(Connection& connection) {
  connection.input.consume(execute(connection, connection.input.view()));
}

// Executes complete commands until the client must wait, is paused, or is to be closed. What is
// left stays in its input: run_changed() comes back to it.
std::size_t Connections::execute(Connection& connection, std::string_view bytes) {
  commands::Session& session = connection.session;
  resp::RequestLimits limits;
  limits.bulk_bytes_max = settings.bulk_bytes_max;
  std::size_t used = 0;
  while (used < bytes.size() && !halted_ && !session.blocked() && !session.closing &&
         !session.close_after_reply) {
    limits.authenticated = session.authenticated;
    const auto outcome = connection.parser.parse(bytes.substr(used), limits);
    if (outcome == resp::RequestParser::Outcome::kIncomplete) {
      break;
    }
    if (outcome == resp::RequestParser::Outcome::kError) {
      log_.verbose("Protocol error ({}) from client: {}", connection.parser.error(),
                   describe(session));
      resp::ReplyWriter(session.output, session.protocol).error(connection.parser.error());
      session.close_after_reply = true;
      used = bytes.size();
      break;
    }
    const auto argv = connection.parser.argv();
    if (!argv.empty()) {
      if (is_http(argv[0])) {
        refuse_http(connection);
        used = bytes.size();
        break;
      }
      if (is_paused_for(connection, argv[0])) {
        break;
      }
      ENGINE_CHECK(current_ == nullptr, session.id);
      current_ = &connection;
      executor_.execute(session, argv);
      current_ = nullptr;
      enforce_output_limit(connection);
    }
    used += connection.parser.consumed();
    ENGINE_CHECK(used <= bytes.size(), used, bytes.size(), session.id);
  }
  if (!session.output.empty() || session.closing || session.close_after_reply) {
    mark_changed(connection);
  }
  return used;
}

void Connections::refuse_http(Connection& connection) {
  constexpr std::int64_t kWarningPeriodMs = 60'000;
  if (now_ms_ >= next_http_warning_ms_) {
    next_http_warning_ms_ = now_ms_ + kWarningPeriodMs;
    log_.warning(
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: "
        "commands to Redis. This is likely due to an attacker attempting to use Cross Protocol "
        "Scripting to compromise your Redis instance. Connection from {} aborted.",
        describe(connection.session));
  }
  connection.session.closing = true;
}

bool Connections::is_paused_for(const Connection& connection, std::string_view command_name) const {
  if (!is_paused()) {
    return false;
  }
  return pause_all_ || executor_.may_write(command_name) ||
         (connection.session.in_transaction && equals_ignoring_case(command_name, "exec"));
}

void Connections::run_changed() {
  for (std::size_t i = 0; i < changed_.size(); ++i) {  // grows while clients wake each other
    Connection& connection = *changed_[i];
    if (!connection.input.empty()) {
      execute_input(connection);
    }
  }
}

void Connections::send_replies() {
  for (Connection* connection : changed_) {
    connection->in_changed_list = false;
    const commands::Session& session = connection->session;
    if (!session.output.empty() && !session.closing && !connection->waits_for_room &&
        !connection->is_held) {
      send(*connection);
    }
    if (session.closing || (session.close_after_reply && session.output.empty())) {
      close(*connection);
    }
  }
  changed_.clear();
}

void Connections::hold_unlogged_replies() {
  for (const auto& connection : by_fd_) {
    if (connection && !connection->session.output.empty()) {
      connection->is_held = true;
    }
  }
}

void Connections::release_replies() {
  for (const auto& connection : by_fd_) {
    if (connection && connection->is_held) {
      connection->is_held = false;
      mark_changed(*connection);
    }
  }
}

void Connections::send(Connection& connection) {
  commands::Session& session = connection.session;
  const ssize_t sent =
      ::send(session.fd, session.output.data(), session.output.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    log_.verbose("Error writing to client: {}", error_text(errno));
    session.closing = true;
    return;
  }
  if (sent > 0) {
    const auto count = static_cast<std::size_t>(sent);
    ++statistics.writes;
    statistics.output_bytes += count;
    session.output.consume(count);
    session.last_interaction_ms = now_ms_;
  }
  if (!session.output.empty()) {
    connection.waits_for_room = true;
    poller_.change(session.fd, EPOLLIN | EPOLLOUT, connection);
  }
}

void Connections::close(Connection& connection) {
  ENGINE_CHECK(count_ > 0 && &connection != current_, count_, connection.session.id);
  executor_.forget(connection.session);
  poller_.remove(connection.session.fd);
  --count_;
  by_fd_[static_cast<std::size_t>(connection.session.fd)].reset();
}

void Connections::changed(commands::Session& session) {
  const auto index = static_cast<std::size_t>(session.fd);
  ENGINE_CHECK(index < by_fd_.size() && by_fd_[index], session.fd, session.id);
  Connection& connection = *by_fd_[index];
  enforce_output_limit(connection);
  mark_changed(connection);
}

void Connections::mark_changed(Connection& connection) {
  if (!connection.in_changed_list) {
    connection.in_changed_list = true;
    changed_.push_back(&connection);
  }
}

const OutputLimit& Connections::output_limit(const Connection& connection) const {
  return connection.session.subscribed() ? settings.pubsub : settings.normal;
}

// A client that does not read what it is sent must not cost the others their memory.
void Connections::enforce_output_limit(Connection& connection) {
  commands::Session& session = connection.session;
  const OutputLimit& limit = output_limit(connection);
  const std::size_t size = session.output.size();
  if (limit.soft_bytes == 0 || size <= limit.soft_bytes) {
    connection.over_soft_limit_since_ms = -1;
  } else if (connection.over_soft_limit_since_ms < 0) {
    connection.over_soft_limit_since_ms = now_ms_;
  }
  const bool over_hard = limit.hard_bytes != 0 && size > limit.hard_bytes;
  const bool over_soft = connection.over_soft_limit_since_ms >= 0 &&
                         now_ms_ - connection.over_soft_limit_since_ms > 1000 * limit.soft_seconds;
  if ((over_hard || over_soft) && !session.closing) {
    log_.warning("Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
                 describe(session));
    session.closing = true;
    session.output.clear();
    session.output.shrink(0);
  }
}

void Connections::cron() {
  if (paused_until_ms_ >= 0 && paused_until_ms_ <= now_ms_) {
    unpause();
  }
  for (const auto& connection : by_fd_) {
    if (!connection) {
      continue;
    }
    commands::Session& session = connection->session;
    enforce_output_limit(*connection);
    const std::int64_t idle_ms = now_ms_ - session.last_interaction_ms;
    if (settings.idle_timeout_s > 0 && idle_ms > 1000 * settings.idle_timeout_s &&
        !session.blocked() && !session.subscribed()) {
      log_.verbose("Closing idle client");
      session.closing = true;
    }
    if (idle_ms > 2000) {
      connection->input.shrink(kBufferKeepBytes);
      session.output.shrink(kBufferKeepBytes);
    }
    if (session.closing) {
      mark_changed(*connection);
    }
  }
}

void Connections::for_each_session(const std::function<void(commands::Session&)>& fn) {
  for (const auto& connection : by_fd_) {
    if (connection) {
      fn(connection->session);
    }
  }
}

void Connections::pause(std::int64_t until_monotonic_ms, bool all) {
  // As Redis: a pause is never shortened or weakened by another.
  pause_all_ = all || (paused_until_ms_ > now_ms_ && pause_all_);
  paused_until_ms_ = std::max(paused_until_ms_, until_monotonic_ms);
}

void Connections::unpause() {
  paused_until_ms_ = -1;
  pause_all_ = false;
  for (const auto& connection : by_fd_) {
    if (connection && !connection->input.empty()) {
      mark_changed(*connection);
    }
  }
}

std::int64_t Connections::pause_left_ms() const {
  return paused_until_ms_ < 0 ? -1 : std::max<std::int64_t>(paused_until_ms_ - now_ms_, 0);
}

Connections::BufferFigures Connections::buffer_figures() const {
  BufferFigures figures;
  for (const auto& connection : by_fd_) {
    if (connection) {
      const std::size_t input = connection->input.capacity();
      const std::size_t output = connection->session.output.capacity();
      figures.total_bytes += input + output;
      figures.input_bytes_max = std::max(figures.input_bytes_max, input);
      figures.output_bytes_max = std::max(figures.output_bytes_max, output);
    }
  }
  return figures;
}

}  // namespace engine::server
