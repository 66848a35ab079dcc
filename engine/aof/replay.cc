#include "engine/aof/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/aof/annotation.h"
#include "engine/aof/aof_format.h"
#include "engine/aof/command_reader.h"
#include "engine/base/debug_delay.h"
#include "engine/base/text.h"

namespace engine::aof {
namespace {

constexpr std::uint64_t kProgressCommands = 1024;

// What the loader knows of the annotations read so far.
struct Session {
  std::optional<Nonce> nonce;             // of the last #SYNCED line
  std::uint64_t begin = 0;                // of the first line with that nonce
  std::map<Nonce, std::uint64_t> begins;  // the same of every session so far
  std::uint64_t synced_bytes = 0;         // durable for certain: the furthest #SYNCED line so far
  // The last thing read was a step under a checksum or a #SYNCED line: what follows was written by
  // an engine that puts a checksum before every step. After a bare command (redis-server's, or
  // written under aof-checksum no) nothing is known about what follows.
  bool checked = false;
};

std::string shown(std::string_view name) {
  return std::string(name.substr(0, 128));
}

void note(WithoutEffect& those, std::string_view name, std::uint64_t offset) {
  if (++those.count == 1) {
    those.first = fmt::format("'{}' at byte {}", shown(name), offset);
  }
}

class Replay {
 public:
  Replay(const io::File& file, const ReplayOptions& options, std::uint64_t file_size,
         ReplayTarget& target)
      : file_(file),
        options_(options),
        target_(target),
        reader_(file, options.offset, file_size),
        delay_(options.command_delay_us),
        good_end_(options.offset) {
    result_.file_size = file_size;
  }

  Result<ReplayResult> run();

 private:
  // Each returns the result to end with, or nothing to continue.
  using End = std::optional<Result<ReplayResult>>;
  End on_annotation(const Item& item);
  End on_command(const Item& item);
  // `offset`: where the command begins in the file.
  Status execute(std::span<const std::string_view> argv, std::uint64_t offset);
  Status select(std::string_view db, std::uint64_t offset);
  Status refuse_command(std::string_view what, std::string_view name, std::uint64_t offset) const;

  Result<ReplayResult> at_end();
  Result<ReplayResult> unexpected_end();
  Result<ReplayResult> damaged(std::uint64_t offset, std::string_view what);
  Result<ReplayResult> cut(std::string reason);
  // An error if what follows good_end_ had been durable, so that it must not be cut off.
  Status check_never_synced(std::uint64_t offset, std::string_view what) const;
  // How far any #SYNCED line from `offset` on says the file was durable.
  Result<std::uint64_t> synced_according_to_rest(std::uint64_t offset) const;
  // Whether the line at `offset` was written elsewhere in a session so far, and is still there too.
  bool is_copy(const SyncedLine& line, std::string_view text, std::uint64_t offset) const;

  tl::unexpected<Error> refuse(std::string message) const { return fail(std::move(message)); }

  const io::File& file_;
  const ReplayOptions& options_;
  ReplayTarget& target_;
  CommandReader reader_;
  Session session_;
  DebugDelay delay_;
  ReplayResult result_;
  std::uint64_t good_end_;      // everything before it has been executed, whole steps
  std::uint64_t step_end_ = 0;  // of the step whose checksum was verified
  int db_ = 0;
  bool in_transaction_ = false;
  struct Queued {
    std::uint64_t offset;
    std::vector<std::string> argv;
  };
  std::vector<Queued> transaction_;
};

Result<ReplayResult> Replay::run() {
  for (;;) {
    const Result<Item> item = reader_.next();
    if (!item) {
      return tl::unexpected(item.error());
    }
    End end;
    switch (item->kind) {
      case Item::Kind::kEnd:
        return at_end();
      case Item::Kind::kCut:
        return unexpected_end();
      case Item::Kind::kBadFormat:
        return damaged(item->begin, "neither a command nor an annotation");
      case Item::Kind::kAnnotation:
        end = on_annotation(*item);
        break;
      case Item::Kind::kCommand:
        end = on_command(*item);
        break;
    }
    if (end) {
      return *end;
    }
  }
}

Replay::End Replay::on_annotation(const Item& item) {
  const std::uint64_t begin = item.begin;
  const std::uint64_t end = item.end;
  if (options_.checksum && item.line.starts_with(kSyncedPrefix)) {
    const std::optional<SyncedLine> line = parse_synced_line(item.line);
    if (!line || line->distance > begin) {
      return damaged(begin, "a damaged #SYNCED line");
    }
    // A nonce that was in force before this session is no new one: that line is a stale copy.
    if (session_.begins.try_emplace(line->place.nonce, begin).second) {
      session_.nonce = line->place.nonce;
      session_.begin = begin;
    } else if (session_.nonce != line->place.nonce) {
      return damaged(begin, "a #SYNCED line of an earlier session");
    }
    if (line->place.position != begin - session_.begin) {
      return damaged(begin, "a #SYNCED line that was written at another place");
    }
    session_.synced_bytes = std::max(session_.synced_bytes, begin - line->distance);
    session_.checked = true;
  } else if (options_.checksum && item.line.starts_with(kChecksumPrefix)) {
    const std::optional<ChecksumLine> line = parse_checksum_line(item.line);
    if (!line || !session_.nonce) {
      return damaged(begin, "a damaged #CRC line");
    }
    const std::string check(line->check);  // the next read moves the window
    const Result<std::string_view> step = reader_.peek(line->size);
    if (!step) {
      return Result<ReplayResult>(tl::unexpected(step.error()));
    }
    if (step->size() < line->size) {
      return unexpected_end();
    }
    const Place place{*session_.nonce, begin - session_.begin};
    if (!step_matches(ChecksumLine{line->size, check}, place, *step)) {
      return damaged(begin, "checksum mismatch");
    }
    session_.checked = true;
    step_end_ = end + step->size();
    return std::nullopt;  // good_end_ moves when the step has been executed
  } else if (end > step_end_ && !item.line.starts_with(kTimestampPrefix) && session_.checked) {
    return damaged(begin, "an unknown annotation");
  }
  if (!in_transaction_ && end > step_end_) {
    good_end_ = end;
  }
  return std::nullopt;
}

// A transaction is executed at its EXEC: one that is cut off leaves nothing.
Replay::End Replay::on_command(const Item& item) {
  const std::string_view name = item.argv[0];
  if (item.end > step_end_) {
    session_.checked = false;
  }
  Status status;
  if (equals_ignoring_case(name, "multi")) {
    in_transaction_ = true;
  } else if (equals_ignoring_case(name, "exec")) {
    in_transaction_ = false;
    for (const Queued& command : transaction_) {
      const std::vector<std::string_view> argv(command.argv.begin(), command.argv.end());
      if (status = execute(argv, command.offset); !status) {
        break;
      }
    }
    transaction_.clear();
  } else if (in_transaction_) {
    transaction_.push_back({item.begin, {item.argv.begin(), item.argv.end()}});
  } else {
    status = execute(item.argv, item.begin);
  }
  if (!status) {
    return Result<ReplayResult>(tl::unexpected(status.error()));
  }
  ENGINE_CHECK(good_end_ < item.end && item.end <= result_.file_size, good_end_, item.end,
               result_.file_size);
  if (!in_transaction_ && item.end >= step_end_) {
    good_end_ = item.end;
  }
  return std::nullopt;
}

Status Replay::execute(std::span<const std::string_view> argv, std::uint64_t offset) {
  using keyspace::Replayed;
  if (equals_ignoring_case(argv[0], "select")) {
    return select(argv.size() == 2 ? argv[1] : "", offset);
  }
  ENGINE_CHECK(db_ >= 0 && db_ < options_.databases, db_, options_.databases);
  switch (target_.replay(db_, argv)) {
    case Replayed::kDone:
      break;
    case Replayed::kRefused:
      note(result_.refused, argv[0], offset);
      break;
    case Replayed::kNoChange:
      note(result_.skipped, argv[0], offset);
      break;
    case Replayed::kUnknown:
      return refuse_command("Unknown command", argv[0], offset);
    case Replayed::kWrongArguments:
      return refuse_command("Wrong number of arguments of the command", argv[0], offset);
    case Replayed::kEndsServer:
      return refuse_command("A command that ends the server,", argv[0], offset);
    case Replayed::kConfigures:
      return refuse_command("A command that changes the server's configuration,", argv[0], offset);
  }
  delay_.pause();
  if (++result_.commands % kProgressCommands == 0 && options_.progress) {
    options_.progress(good_end_);
  }
  return {};
}

Status Replay::refuse_command(std::string_view what, std::string_view name,
                              std::uint64_t offset) const {
  return refuse(fmt::format(
      "{} '{}' reading the append only file {} at byte {}. Nothing was changed. This engine did "
      "not "
      "write it: make a backup of the file, then correct or remove the command, or cut the file "
      "there, which loses the {} bytes after it: truncate -s {} {}",
      what, shown(name), file_.path(), offset, result_.file_size - good_end_, good_end_,
      file_.path()));
}

Status Replay::select(std::string_view db, std::uint64_t offset) {
  const std::optional<std::int64_t> index = parse_int64(db);
  if (!index || *index < 0 || *index >= options_.databases) {
    return refuse(
        fmt::format("The append only file {} selects database '{}' at byte {}, but there "
                    "are {} ('databases' in the configuration)",
                    file_.path(), db, offset, options_.databases));
  }
  db_ = static_cast<int>(*index);
  return {};
}

Result<ReplayResult> Replay::at_end() {
  if (in_transaction_) {
    return unexpected_end();
  }
  result_.valid_size = result_.file_size;
  result_.checked = session_.checked;
  return result_;
}

Result<ReplayResult> Replay::cut(std::string reason) {
  ENGINE_CHECK(options_.offset <= good_end_ && good_end_ <= result_.file_size, options_.offset,
               good_end_, result_.file_size);
  result_.valid_size = good_end_;
  result_.checked = session_.checked;
  result_.cut_reason = std::move(reason);
  return result_;
}

Result<ReplayResult> Replay::unexpected_end() {
  if (!options_.last) {
    return refuse(
        fmt::format("Fatal error: the truncated file is not the last file ({}, complete up "
                    "to byte {} of {})",
                    file_.path(), good_end_, result_.file_size));
  }
  const std::string_view what =
      in_transaction_ ? "it ends inside a transaction" : "it ends inside a command";
  if (const Status torn = check_never_synced(good_end_, what); !torn) {
    return tl::unexpected(torn.error());
  }
  if (!options_.truncated_ok) {
    return refuse(fmt::format(
        "Unexpected end of file reading the append only file {}. You can: 1) Make a backup of your "
        "AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can "
        "set "
        "the 'aof-load-truncated' configuration option to yes and restart the server.",
        file_.path()));
  }
  return cut(std::string(what));
}

Result<ReplayResult> Replay::damaged(std::uint64_t offset, std::string_view what) {
  if (!session_.checked) {
    return refuse(
        fmt::format("Bad file format reading the append only file {} at byte {} of {}: {}; make a "
                    "backup of your "
                    "AOF file, then use ./redis-check-aof --fix <filename.manifest>",
                    file_.path(), offset, result_.file_size, what));
  }
  if (const Status torn = check_never_synced(offset, what); !torn) {
    return tl::unexpected(torn.error());
  }
  if (!options_.truncated_ok) {
    return unexpected_end();
  }
  return cut(fmt::format("{} at byte {}, in a part that was never synced", what, offset));
}

// Every file but the last was durable before anything rested on the next one.
Status Replay::check_never_synced(std::uint64_t offset, std::string_view what) const {
  if (!options_.checksum) {
    return {};
  }
  const Result<std::uint64_t> synced = synced_according_to_rest(good_end_);
  if (!synced) {
    return tl::unexpected(synced.error());
  }
  if (options_.last && std::max(*synced, session_.synced_bytes) <= good_end_) {
    return {};
  }
  return refuse(fmt::format(
      "The append only file {} is damaged at byte {} of {} ({}), and that part had been synced to "
      "disk: this is not the torn end of a crash. Nothing was changed. Restore the file from a "
      "backup, or make a copy and cut it there, which loses the {} bytes after it: truncate -s {} "
      "{}",
      file_.path(), offset, result_.file_size, what, result_.file_size - good_end_, good_end_,
      file_.path()));
}

Result<std::uint64_t> Replay::synced_according_to_rest(std::uint64_t offset) const {
  constexpr std::size_t kWindowBytes = std::size_t{1} << 20;
  std::string window(std::min<std::uint64_t>(kWindowBytes, result_.file_size - offset), '\0');
  std::uint64_t furthest = 0;
  while (offset < result_.file_size) {
    const Result<std::size_t> got = file_.read_at(offset, window);
    if (!got) {
      return tl::unexpected(got.error());
    }
    const std::string_view bytes = std::string_view(window).substr(0, *got);
    for (std::size_t at = bytes.find(kSyncedPrefix); at != std::string_view::npos;
         at = bytes.find(kSyncedPrefix, at + 1)) {
      std::string_view text = bytes.substr(at, kAnnotationBytesMax);
      text = text.substr(0, text.find('\r'));
      const std::optional<SyncedLine> line = parse_synced_line(text);
      if (line && line->distance <= offset + at && !is_copy(*line, text, offset + at)) {
        furthest = std::max(furthest, offset + at - line->distance);
      }
    }
    if (bytes.size() < kWindowBytes) {
      break;
    }
    offset += kWindowBytes - kAnnotationBytesMax;  // a line may span two windows
  }
  return furthest;
}

// Stale blocks, and values that clients stored, can hold copies of #SYNCED lines: they say nothing
// about the place where they are found. Lines that were moved (by an editor) say it as before.
bool Replay::is_copy(const SyncedLine& line, std::string_view text, std::uint64_t offset) const {
  const auto session = session_.begins.find(line.place.nonce);
  if (session == session_.begins.end()) {
    return false;
  }
  const std::uint64_t written_at = session->second + line.place.position;
  if (written_at == offset) {
    return false;
  }
  std::string original(text.size(), '\0');
  const Result<std::size_t> got = file_.read_at(written_at, original);
  return got && *got == text.size() && original == text;
}

}  // namespace

Result<ReplayResult> replay_file(const io::File& file, const ReplayOptions& options,
                                 ReplayTarget& target) {
  const Result<std::uint64_t> size = file.size();
  if (!size) {
    return tl::unexpected(size.error());
  }
  return Replay(file, options, *size, target).run();
}

}  // namespace engine::aof
