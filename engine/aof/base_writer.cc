#include "engine/aof/base_writer.h"

#include <string>
#include <string_view>
#include <vector>

#include "engine/aof/annotation.h"
#include "engine/aof/aof_format.h"
#include "engine/aof/step_encoder.h"
#include "engine/base/debug_delay.h"
#include "engine/base/random.h"
#include "engine/base/text.h"

namespace engine::aof {
namespace {

constexpr std::size_t kItemsPerCommand = 64;  // redis-server's AOF_REWRITE_ITEMS_PER_CMD
constexpr std::size_t kChunkBytes = std::size_t{16} << 10;  // commands under one checksum
constexpr std::uint64_t kWriteBackBytes = std::uint64_t{4} << 20;

// The commands on their way to the file, in chunks with a checksum each.
class Output {
 public:
  Output(io::File& file, const BaseOptions& options)
      : file_(file), write_back_(options.write_back) {
    if (options.checksum) {
      nonce_ = make_nonce(Random::from_entropy().next());
      append_synced_line(bytes_, {0, {*nonce_, 0}});
    }
    if (options.timestamp_s) {
      chunk_ += kTimestampPrefix;
      chunk_ += Digits(*options.timestamp_s).view();
      chunk_ += "\r\n";
    }
  }

  void command(std::span<const std::string_view> argv) { append_command(chunk_, argv); }
  // Between commands.
  void flush_if_large() {
    if (chunk_.size() >= kChunkBytes) {
      static_cast<void>(flush());  // the error stays in status_
    }
  }
  Status flush() {
    if (!status_) {
      return status_;
    }
    if (nonce_ && !chunk_.empty()) {
      append_checksum(bytes_, {*nonce_, written_ + bytes_.size()}, chunk_);
      bytes_ += "\r\n";
    }
    bytes_ += chunk_;
    chunk_.clear();
    status_ = file_.write_all(bytes_);
    written_ += bytes_.size();
    bytes_.clear();
    if (write_back_ && written_ - written_back_ >= kWriteBackBytes) {
      file_.start_writeback(written_back_, written_ - written_back_);
      written_back_ = written_;
    }
    return status_;
  }
  bool failed() const { return !status_.has_value(); }

 private:
  io::File& file_;
  const bool write_back_;
  std::optional<Nonce> nonce_;
  std::string chunk_;
  std::string bytes_;
  std::uint64_t written_ = 0;
  std::uint64_t written_back_ = 0;
  Status status_;
};

// Collects the elements of a collection into commands of at most kItemsPerCommand of them.
class ItemCommand {
 public:
  ItemCommand(Output& out, std::string_view name, std::string_view key)
      : out_(out), name_(name), key_(key) {}
  ~ItemCommand() { send(); }
  ItemCommand(const ItemCommand&) = delete;
  ItemCommand& operator=(const ItemCommand&) = delete;

  // The strings of one element.
  template <typename... Parts>
  void add(Parts... parts) {
    (parts_.emplace_back(parts), ...);
    if (++items_ == kItemsPerCommand) {
      send();
    }
  }

 private:
  void send() {
    if (items_ == 0) {
      return;
    }
    std::vector<std::string_view> argv = {name_, key_};
    argv.insert(argv.end(), parts_.begin(), parts_.end());
    out_.command(argv);
    out_.flush_if_large();
    parts_.clear();
    items_ = 0;
  }

  Output& out_;
  std::string_view name_;
  std::string_view key_;
  std::vector<std::string> parts_;
  std::size_t items_ = 0;
};

// The commands that build the value from nothing.
void put_value(Output& out, std::string_view key, const keyspace::Object& value) {
  switch (value.type()) {
    case keyspace::Type::kString: {
      const keyspace::Element text = value.text();
      const std::string_view argv[] = {"SET", key, text.text()};
      out.command(argv);
      return;
    }
    case keyspace::Type::kList: {
      ItemCommand command(out, "RPUSH", key);
      value.list().for_each([&](std::string_view element) { command.add(element); });
      return;
    }
    case keyspace::Type::kSet: {
      ItemCommand command(out, "SADD", key);
      value.set().for_each([&](std::string_view member) { command.add(member); });
      return;
    }
    case keyspace::Type::kSortedSet: {
      ItemCommand command(out, "ZADD", key);
      value.sorted_set().for_each([&](std::string_view member, double score) {
        command.add(format_double(score), member);
      });
      return;
    }
    case keyspace::Type::kHash: {
      ItemCommand command(out, "HMSET", key);
      value.hash().for_each(
          [&](std::string_view field, std::string_view content) { command.add(field, content); });
      return;
    }
  }
}

}  // namespace

Status write_base(io::File& file, const keyspace::Keyspace& keyspace, const BaseOptions& options) {
  Output out(file, options);
  DebugDelay delay(options.key_delay_us);
  std::uint64_t keys_written = 0;
  for (int index = 0; index < keyspace.count(); ++index) {
    const keyspace::Database& database = keyspace.database(index);
    if (database.size() == 0) {
      continue;
    }
    const Digits db(std::int64_t{index});
    const std::string_view select[] = {"SELECT", db.view()};
    out.command(select);
    database.for_each(
        [&](std::string_view key, const keyspace::Object& value, std::int64_t expire_ms) {
          if (out.failed()) {
            return;
          }
          put_value(out, key, value);
          if (expire_ms != keyspace::kNoExpiry) {
            const Digits at(expire_ms);
            const std::string_view argv[] = {"PEXPIREAT", key, at.view()};
            out.command(argv);
          }
          out.flush_if_large();
          delay.pause();
          ++keys_written;
          if (options.progress) {
            options.progress(keys_written);
          }
        });
  }
  // A base without some keys would lose them: the old files go when it is installed.
  ENGINE_CHECK(out.failed() || keys_written == keyspace.size(), keys_written, keyspace.size());
  return out.flush();
}

}  // namespace engine::aof
