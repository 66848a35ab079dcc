#include "engine/persistence/recovery_server.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/line_reader.h"
#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/persistence/persistence.h"

namespace engine::persistence {
namespace {

constexpr std::string_view kEmptyState = "*0\r\n";

// RESP replies, appended to a string.
class Reply {
 public:
  void number(std::int64_t value) { text_ += fmt::format(":{}\r\n", value); }
  void array(std::size_t size) { text_ += fmt::format("*{}\r\n", size); }
  void status(std::string_view word) { text_ += fmt::format("+{}\r\n", word); }
  void bulk(std::string_view bytes) {
    text_ += fmt::format("${}\r\n", bytes.size());
    text_ += bytes;
    text_ += "\r\n";
  }
  std::string& text() { return text_; }

 private:
  std::string text_;
};

class CollectedLog final : public Log {
 public:
  void write(LogLevel /*level*/, std::string_view message) override {
    text += message;
    text += '\n';
  }
  std::string text;
};

// As the commands reply that read a whole value; recovery_server.h has the table.
void put_value(Reply& reply, const keyspace::Object& value) {
  const auto bulk = [&reply](std::string_view part) { reply.bulk(part); };
  switch (value.type()) {
    case keyspace::Type::kString:
      return bulk(value.text().text());
    case keyspace::Type::kList:
      reply.array(value.list().size());
      return value.list().for_each(bulk);
    case keyspace::Type::kSet:
      reply.array(value.set().size());
      return value.set().for_each(bulk);
    case keyspace::Type::kHash:
      reply.array(2 * value.hash().size());
      return value.hash().for_each([&](std::string_view field, std::string_view content) {
        bulk(field);
        bulk(content);
      });
    case keyspace::Type::kSortedSet:
      reply.array(2 * value.sorted_set().size());
      return value.sorted_set().for_each([&](std::string_view member, double score) {
        bulk(member);
        bulk(format_double(score));
      });
  }
}

void put_state(Reply& reply, const keyspace::Keyspace& keyspace) {
  reply.array(keyspace.size());
  for (int db = 0; db < keyspace.count(); ++db) {
    keyspace.database(db).for_each(
        [&](std::string_view key, const keyspace::Object& value, std::int64_t expire_ms) {
          reply.array(5);
          reply.number(db);
          reply.bulk(key);
          reply.status(keyspace::type_name(value.type()));
          reply.number(expire_ms);
          put_value(reply, value);
        });
  }
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return fail(fmt::format("write the answer: {}", error_text(errno)), errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// In the child, which writes the answer itself if it gets that far.
[[noreturn]] void recover_one(Settings settings, int databases, const MakeTarget& make_target,
                              const std::string& directory, int out_fd) {
  const SystemClock clock;
  const std::int64_t begin_us = clock.monotonic_us();
  settings.directory = directory;
  keyspace::Keyspace keyspace(databases);
  const std::unique_ptr<aof::ReplayTarget> target = make_target(keyspace);
  CollectedLog log;
  LatencyMonitor latency(clock);
  Persistence persistence(std::move(settings), keyspace, *target, clock, log, latency, {});
  const bool recovered = persistence.recover().has_value();
  const std::int64_t took_us = clock.monotonic_us() - begin_us;
  Reply reply;
  reply.array(4);
  reply.number(recovered ? 0 : 1);
  if (recovered) {
    put_state(reply, keyspace);
  } else {
    reply.text() += kEmptyState;
  }
  reply.bulk(log.text);
  reply.number(took_us);
  // The exit status says whether an answer has been written; the end of the process is that of a
  // kill: nothing is flushed, synced or removed.
  ::_exit(write_all(out_fd, reply.text()) ? 0 : 1);
}

Status answer_for_dead_child(int status, int out_fd) {
  Reply reply;
  reply.array(4);
  reply.number(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 1);
  reply.text() += kEmptyState;
  reply.bulk("");
  reply.number(0);
  return write_all(out_fd, reply.text());
}

Status serve_one(const Settings& settings, int databases, const MakeTarget& make_target,
                 const std::string& directory, int out_fd) {
  const pid_t child = ::fork();
  if (child < 0) {
    return fail(fmt::format("fork: {}", error_text(errno)), errno);
  }
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    recover_one(settings, databases, make_target, directory, out_fd);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      return fail(fmt::format("waitpid: {}", error_text(errno)), errno);
    }
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return {};
  }
  return answer_for_dead_child(status, out_fd);
}

}  // namespace

Status serve_recoveries(const Settings& settings, int databases, const MakeTarget& make_target,
                        int in_fd, int out_fd) {
  LineReader requests(in_fd);
  for (;;) {
    const Result<std::optional<std::string>> directory = requests.next();
    if (!directory) {
      return tl::unexpected(directory.error());
    }
    if (!*directory) {
      return {};
    }
    if (Status served = serve_one(settings, databases, make_target, **directory, out_fd); !served) {
      return served;
    }
  }
}

}  // namespace engine::persistence
