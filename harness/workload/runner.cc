#include "harness/workload/runner.h"

#include <fmt/format.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/target/resp_client.h"
#include "harness/workload/generator.h"

namespace crashpoint::workload {
namespace {

using target::RespValue;

constexpr std::int64_t kStopPollMs = 100;
constexpr std::int64_t kInfoPollMs = 10;
// How long after the first lost connection the others may still deliver what was on its way.
constexpr std::int64_t kGraceMs = 1000;

bool is_command(const Arguments& arguments, const char* name) {
  return !arguments.empty() && ::strcasecmp(arguments.front().c_str(), name) == 0;
}

bool is_argument(const Arguments& arguments, std::size_t at, const char* text) {
  return arguments.size() > at && ::strcasecmp(arguments[at].c_str(), text) == 0;
}

// The lines of INFO persistence.
using Info = std::map<std::string, std::string, std::less<>>;

Info parse_info(const std::string& text) {
  Info info;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("\r\n", at), text.size());
    const std::size_t colon = text.find(':', at);
    if (colon < end) {
      info[text.substr(at, colon - at)] = text.substr(colon + 1, end - colon - 1);
    }
    at = end + 2;
  }
  return info;
}

// The background job that an admin command starts. One that starts none waits for whatever is at work.
enum class Job : std::uint8_t { kNone, kSnapshot, kRewrite, kShutdown };

Job job_of(const Arguments& command) {
  if (is_command(command, "BGSAVE")) {
    return Job::kSnapshot;
  }
  if (is_command(command, "BGREWRITEAOF")) {
    return Job::kRewrite;
  }
  if (is_command(command, "SHUTDOWN")) {
    return Job::kShutdown;
  }
  if (is_command(command, "CONFIG") && is_argument(command, 1, "SET")) {
    for (std::size_t at = 2; at + 1 < command.size(); at += 2) {
      if (is_argument(command, at, "appendonly") && is_argument(command, at + 1, "yes")) {
        return Job::kRewrite;
      }
    }
  }
  return Job::kNone;
}

// The database each operation ran in, from the SELECTs before it. Those without a reply count as
// done: whatever follows them ran after them, if at all.
void assign_databases(std::span<Operation> operations) {
  std::uint32_t database = 0;
  std::uint32_t before_transaction = 0;
  for (Operation& operation : operations) {
    operation.database = database;
    const bool failed = operation.reply && operation.reply->is_error();
    if (failed) {
      continue;
    }
    if (is_command(operation.arguments, "SELECT") && operation.arguments.size() == 2) {
      database =
          static_cast<std::uint32_t>(std::strtoul(operation.arguments[1].c_str(), nullptr, 10));
    } else if (is_command(operation.arguments, "MULTI")) {
      before_transaction = database;
    } else if (is_command(operation.arguments, "DISCARD")) {
      database = before_transaction;
    } else if (is_command(operation.arguments, "RESET")) {
      database = 0;
    }
  }
}

// Why a run ends early; caught in run().
struct Ended {
  End end;
  std::string detail;
};

class Runner {
 public:
  Runner(const Plan& plan, const target::Endpoint& endpoint, const Hooks& hooks)
      : plan_(plan), endpoint_(endpoint), hooks_(hooks), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) {
      throw EnvironmentError("epoll_create1 failed");
    }
  }
  ~Runner() { ::close(epoll_); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Run run();

 private:
  // A connection and the commands it has been given.
  struct Peer {
    std::uint32_t number = 0;
    target::Connection connection;
    std::vector<Operation> operations;
    std::size_t answered = 0;  // of `operations`
    bool open = true;
    bool awaits_writable = false;
  };

  Peer& peer(std::uint32_t number);
  void carry_out(const Commands& step);
  void carry_out(const Generate& step);
  void carry_out(const Admin& step);
  void carry_out_once(const Admin& step);
  void carry_out(const Pause& step);
  void await_service(Run& result);

  void queue(Peer& peer, Arguments arguments);
  void send(Peer& peer);
  // Handles what the sockets have, waiting at most until `deadline_ns`.
  void pump(std::int64_t deadline_ns);
  void take_replies(Peer& peer);
  void await_answers(Peer& peer);
  void check_progress() const;
  void lose(std::string how);
  [[noreturn]] void end_after_loss();
  Info info();
  void await_job(Job job, const Info& before, const Operation& command);
  void add_snapshot(const Operation& operation);
  History finish();

  const Plan& plan_;
  const target::Endpoint& endpoint_;
  const Hooks& hooks_;
  int epoll_;
  std::map<std::uint32_t, std::unique_ptr<Peer>> peers_;
  std::unique_ptr<target::Client> observer_;  // asks INFO; no part of the history
  std::uint32_t step_ = 0;
  std::uint64_t acked_ = 0;
  std::int64_t progress_ns_ = 0;  // when something was last answered, or nothing was due
  std::string loss_;              // which connection was lost first, and how
  std::int64_t loss_ns_ = 0;
  History history_;
  // When the BGSAVE of that index (all are the admin client's) was seen to be over; 0: it failed.
  std::map<std::uint64_t, std::int64_t> saved_ns_;
};

Runner::Peer& Runner::peer(std::uint32_t number) {
  std::unique_ptr<Peer>& slot = peers_[number];
  if (slot == nullptr) {
    try {
      slot = std::make_unique<Peer>(
          Peer{.number = number, .connection = target::Connection(endpoint_), .operations = {}});
    } catch (const target::ConnectionLost& lost) {
      peers_.erase(number);
      lose(fmt::format("client {}: {}", number, lost.what()));
      end_after_loss();
    }
    epoll_event event{.events = EPOLLIN, .data = {.ptr = slot.get()}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, slot->connection.fd(), &event);
  }
  return *slot;
}

void Runner::queue(Peer& peer, Arguments arguments) {
  peer.connection.queue(arguments);
  Operation& operation = peer.operations.emplace_back();
  operation.client = peer.number;
  operation.index = peer.operations.size() - 1;
  operation.step = step_;
  operation.arguments = std::move(arguments);
}

void Runner::send(Peer& peer) {
  const std::int64_t now = now_ns();
  for (auto operation = peer.operations.rbegin();
       operation != peer.operations.rend() && operation->sent_ns == 0; ++operation) {
    operation->sent_ns = now;
  }
  bool all_sent = true;
  try {
    all_sent = peer.connection.flush();
  } catch (const target::ConnectionLost& lost) {
    // What it answered before it went can still be read; pump() finds the end after that.
    lose(fmt::format("client {}: {}", peer.number, lost.what()));
  }
  if (all_sent == peer.awaits_writable) {
    peer.awaits_writable = !all_sent;
    epoll_event event{.events = EPOLLIN | (all_sent ? 0U : EPOLLOUT), .data = {.ptr = &peer}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, peer.connection.fd(), &event);
  }
}

void Runner::take_replies(Peer& peer) {
  const std::int64_t now = now_ns();
  while (std::optional<RespValue> reply = peer.connection.next_reply()) {
    if (peer.answered == peer.operations.size()) {
      throw target::ProtocolError(fmt::format("client {}: a reply to no command", peer.number));
    }
    Operation& operation = peer.operations[peer.answered++];
    operation.reply = std::move(*reply);
    operation.acked_ns = operation.read_ns = now;
    progress_ns_ = now;
    ++acked_;
    if (hooks_.acked) {
      hooks_.acked(acked_);
    }
  }
}

void Runner::pump(std::int64_t deadline_ns) {
  std::array<epoll_event, 64> events{};
  const std::int64_t wait_ms =
      std::clamp<std::int64_t>((deadline_ns - now_ns() + 999'999) / 1'000'000, 0, kStopPollMs);
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(wait_ms));
  for (int at = 0; at < count; ++at) {
    Peer& peer = *static_cast<Peer*>(events[static_cast<std::size_t>(at)].data.ptr);
    if ((events[static_cast<std::size_t>(at)].events & EPOLLOUT) != 0) {
      send(peer);
    }
    const bool open = peer.connection.receive();
    take_replies(peer);
    if (!open) {
      peer.open = false;
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, peer.connection.fd(), nullptr);
      lose(fmt::format("client {}: closed by the server", peer.number));
    }
  }
  if (hooks_.stop && hooks_.stop()) {
    throw Ended{.end = End::kStopped, .detail = {}};
  }
}

void Runner::check_progress() const {
  if (now_ns() - progress_ns_ > plan_.stall_ms * 1'000'000) {
    throw Ended{.end = End::kStalled,
                .detail = fmt::format("step {}: no reply for {} ms", step_, plan_.stall_ms)};
  }
}

void Runner::lose(std::string how) {
  if (!loss_.empty()) {
    return;
  }
  loss_ = std::move(how);
  loss_ns_ = now_ns();
}

// Nothing more is sent; what is on its way is read.
void Runner::end_after_loss() {
  const std::int64_t deadline = now_ns() + kGraceMs * 1'000'000;
  const auto any_open = [&] {
    return std::ranges::any_of(peers_, [](const auto& entry) { return entry.second->open; });
  };
  while (any_open() && now_ns() < deadline) {
    pump(deadline);
  }
  throw Ended{.end = any_open() ? End::kConnectionLost : End::kTargetGone,
              .detail = fmt::format("step {}: {}", step_, loss_)};
}

void Runner::await_answers(Peer& peer) {
  progress_ns_ = now_ns();
  while (peer.answered < peer.operations.size()) {
    if (!loss_.empty()) {
      end_after_loss();
    }
    pump(std::numeric_limits<std::int64_t>::max());
    check_progress();
  }
}

void Runner::carry_out(const Commands& step) {
  Peer& sender = peer(step.client);
  for (std::size_t at = 0; at < step.commands.size();) {
    const std::size_t end = std::min(at + std::max(step.pipeline, 1U), step.commands.size());
    for (; at < end; ++at) {
      queue(sender, step.commands[at]);
    }
    send(sender);
    await_answers(sender);
  }
}

void Runner::carry_out(const Generate& step) {
  Generator generator(step, plan_.seed, step_);
  std::vector<Peer*> busy;
  for (std::uint32_t client = 0; client < step.clients; ++client) {
    busy.push_back(&peer(client));
  }
  for (Peer* each : busy) {
    // Selected for this step alone: the next one counts on database 0 again.
    if (step.database != 0) {
      queue(*each, {"SELECT", std::to_string(step.database)});
    }
  }
  progress_ns_ = now_ns();
  while (!busy.empty()) {
    if (!loss_.empty()) {
      end_after_loss();
    }
    std::erase_if(busy, [&](Peer* each) {
      if (each->answered < each->operations.size() && each->operations.back().sent_ns != 0) {
        return false;  // its batch is under way
      }
      for (std::uint32_t command = 0; command < step.pipeline; ++command) {
        std::vector<Arguments> next = generator.next(each->number);
        if (next.empty()) {
          break;
        }
        for (Arguments& arguments : next) {
          queue(*each, std::move(arguments));
        }
      }
      if (each->answered == each->operations.size()) {
        return true;
      }
      send(*each);
      return false;
    });
    if (busy.empty()) {
      break;
    }
    pump(std::numeric_limits<std::int64_t>::max());
    check_progress();
  }
  if (step.database != 0) {
    for (std::uint32_t client = 0; client < step.clients; ++client) {
      queue(peer(client), {"SELECT", "0"});
      send(peer(client));
      await_answers(peer(client));
    }
  }
}

void Runner::carry_out(const Admin& step) {
  for (std::uint64_t i = 0; i < step.repeat; ++i) {
    carry_out_once(step);
  }
}

void Runner::carry_out_once(const Admin& step) {
  Peer& sender = peer(Admin::kClient);
  const Job job = job_of(step.command);
  const bool waits = step.wait == Admin::Wait::kDone;
  const Info before = waits && job == Job::kSnapshot ? info() : Info{};
  queue(sender, step.command);
  send(sender);
  if (job == Job::kShutdown) {
    progress_ns_ = now_ns();
    while (sender.answered < sender.operations.size() && loss_.empty()) {
      pump(std::numeric_limits<std::int64_t>::max());
      check_progress();
    }
    if (loss_.empty()) {
      return;  // refused, with a reply
    }
    try {
      end_after_loss();
    } catch (const Ended& ended) {
      if (ended.end == End::kTargetGone && step_ + 1 == plan_.steps.size()) {
        throw Ended{.end = End::kCompleted, .detail = {}};
      }
      throw;
    }
  }
  await_answers(sender);
  if (waits && !sender.operations.back().reply->is_error()) {
    await_job(job, before, sender.operations.back());
  }
}

void Runner::carry_out(const Pause& step) {
  const std::int64_t deadline = now_ns() + step.ms * 1'000'000;
  while (now_ns() < deadline) {
    pump(deadline);
    if (!loss_.empty()) {
      end_after_loss();
    }
  }
}

// Until a write is accepted. What an operator would do is done: where failed snapshots are why none is,
// another one is asked for.
void Runner::await_service(Run& result) {
  Peer& probe = peer(Plan::kProbeClient);
  const auto reply_to = [&](Arguments command) -> const RespValue& {
    queue(probe, std::move(command));
    send(probe);
    await_answers(probe);
    return *probe.operations.back().reply;
  };
  const std::int64_t began_ns = now_ns();
  const std::int64_t end_ns = began_ns + plan_.resumes_within_ms * 1'000'000;
  for (std::uint64_t number = 1;; ++number) {
    const std::string error = [&] {
      const RespValue& reply = reply_to({"SET", "crashpoint:resumed", std::to_string(number)});
      return reply.is_error() ? reply.text : std::string();
    }();
    if (error.empty()) {
      result.resumed_after_ms = (now_ns() - began_ns) / 1'000'000;
      reply_to({"DEL", "crashpoint:resumed"});
      return;
    }
    if (error.find("unknown command") != std::string::npos || error.starts_with("OOM ")) {
      return;  // that is no matter of the fault
    }
    if (now_ns() >= end_ns) {
      result.refused_still = error;
      return;
    }
    if (error.starts_with("MISCONF") && error.find("RDB snapshot") != std::string::npos) {
      carry_out(Admin{.command = {"BGSAVE"}, .wait = Admin::Wait::kDone});
    }
    carry_out(Pause{.ms = kInfoPollMs});
  }
}

Info Runner::info() {
  try {
    if (observer_ == nullptr) {
      observer_ = std::make_unique<target::Client>(endpoint_, plan_.stall_ms, hooks_.stop);
    }
    return parse_info(observer_->call({"INFO", "persistence"}).text);
  } catch (const target::ConnectionLost& lost) {
    lose(fmt::format("INFO: {}", lost.what()));
    end_after_loss();
  } catch (const EnvironmentError& error) {
    if (hooks_.stop && hooks_.stop()) {
      throw Ended{.end = End::kStopped, .detail = {}};
    }
    throw Ended{.end = End::kStalled,
                .detail = fmt::format("step {}: INFO: {}", step_, error.what())};
  }
}

void Runner::await_job(Job job, const Info& before, const Operation& command) {
  const auto field = [](const Info& info, std::string_view name) -> std::string {
    const auto found = info.find(name);
    return found == info.end() ? "" : found->second;
  };
  const std::int64_t end_ns = now_ns() + plan_.stall_ms * 1'000'000;
  for (;;) {
    const Info now = info();
    if (now_ns() > end_ns) {
      throw Ended{.end = End::kStalled,
                  .detail = fmt::format("step {}: the background job has not ended after {} ms",
                                        step_, plan_.stall_ms)};
    }
    const bool rewrites =
        field(now, "aof_rewrite_in_progress") == "1" || field(now, "aof_rewrite_scheduled") == "1";
    const bool saves_now = field(now, "rdb_bgsave_in_progress") == "1";
    if (job == Job::kRewrite || job == Job::kNone) {
      if (!rewrites && (job == Job::kRewrite || !saves_now)) {
        return;
      }
    } else if (!saves_now) {
      // One that was only scheduled has not begun: neither the count nor the status has moved.
      const bool failed = field(now, "rdb_last_bgsave_status") == "err";
      if (failed) {
        saved_ns_[command.index] = 0;
        return;
      }
      const std::string saves = field(now, "rdb_saves");
      if (saves.empty() || saves != field(before, "rdb_saves")) {
        saved_ns_[command.index] = now_ns();
        return;
      }
    }
    const std::int64_t next = now_ns() + kInfoPollMs * 1'000'000;
    while (now_ns() < next) {
      pump(next);
      if (!loss_.empty()) {
        end_after_loss();
      }
    }
  }
}

// The snapshot that `operation` asked for, if it did and was not refused.
void Runner::add_snapshot(const Operation& operation) {
  const bool in_background = is_command(operation.arguments, "BGSAVE");
  const bool asked = in_background || is_command(operation.arguments, "SAVE") ||
                     (is_command(operation.arguments, "SHUTDOWN") &&
                      !is_argument(operation.arguments, 1, "NOSAVE"));
  if (!asked || (operation.reply && operation.reply->is_error())) {
    return;
  }
  Snapshot snapshot{.from_ns = operation.sent_ns,
                    .to_ns = history_.ended_ns,
                    .what = operation.arguments.front()};
  const auto saved = saved_ns_.find(operation.index);
  if (operation.client == Admin::kClient && saved != saved_ns_.end()) {
    if (saved->second == 0) {
      return;
    }
    snapshot.to_ns = snapshot.completed_ns = saved->second;
  } else if (operation.reply && !in_background) {
    snapshot.completed_ns = operation.read_ns;
  }
  // One that was only scheduled is forked at some later time.
  const bool forked =
      operation.reply && operation.reply->text.find("scheduled") == std::string::npos;
  if (forked) {
    snapshot.to_ns = operation.read_ns;
  }
  history_.snapshots.push_back(std::move(snapshot));
}

History Runner::finish() {
  history_.ended_ns = loss_.empty() ? now_ns() : loss_ns_;
  for (auto& [number, peer] : peers_) {
    history_.clients.push_back({.number = number, .connection = peer->connection.name()});
    // What was queued and never handed to the kernel was never sent.
    while (!peer->operations.empty() && peer->operations.back().sent_ns == 0) {
      peer->operations.pop_back();
    }
    assign_databases(peer->operations);
    std::ranges::move(peer->operations, std::back_inserter(history_.operations));
  }
  for (const Operation& operation : history_.operations) {
    add_snapshot(operation);
  }
  std::ranges::sort(history_.snapshots, {}, &Snapshot::from_ns);
  return std::move(history_);
}

Run Runner::run() {
  history_.began_ns = now_ns();
  history_.began_unix_ms = unix_now_ms();
  Run result;
  try {
    for (step_ = 0; step_ < plan_.steps.size(); ++step_) {
      if (hooks_.step_began) {
        hooks_.step_began(step_);
      }
      std::visit([&](const auto& action) { carry_out(action); }, plan_.steps[step_].action);
    }
    if (plan_.resumes_within_ms > 0) {
      await_service(result);
    }
  } catch (const Ended& ended) {
    result.end = ended.end;
    result.detail = ended.detail;
  } catch (const target::ProtocolError& error) {
    result.end = End::kUnreadable;
    result.detail = fmt::format("step {}: {}", step_, error.what());
  }
  result.history = finish();
  return result;
}

}  // namespace

Run run(const Plan& plan, const target::Endpoint& endpoint, const Hooks& hooks) {
  return Runner(plan, endpoint, hooks).run();
}

}  // namespace crashpoint::workload
