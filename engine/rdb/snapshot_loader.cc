#include "engine/rdb/snapshot_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/debug_delay.h"
#include "engine/base/text.h"
#include "engine/rdb/decode.h"
#include "engine/rdb/input.h"
#include "engine/rdb/rdb_format.h"

namespace engine::rdb {
namespace {

constexpr int kChecksumSinceVersion = 5;
constexpr int kEmptyKeysLogged = 10;
// The file says how many keys follow: memory is reserved for them, but for no more than the file
// can hold.
constexpr std::uint64_t kReservedKeyBytesMin = 8;

// Keys are inserted this many after they were read, so that their place in the table has come into
// the cache by then.
constexpr std::size_t kKeysBehind = 16;

struct PendingKey {
  std::string key;
  std::uint64_t hash = 0;
  std::optional<keyspace::Object> value;
  std::int64_t expire_ms = keyspace::kNoExpiry;
};

class Loader {
 public:
  Loader(Input& input, keyspace::Keyspace& keyspace, const LoadOptions& options, Log& log)
      : input_(input),
        keyspace_(keyspace),
        options_(options),
        log_(log),
        delay_(options.key_delay_us),
        reservable_keys_(input.left() / kReservedKeyBytesMin) {}

  LoadResult run();
  LoadProgress progress(std::uint64_t offset) const {
    return {offset, used_memory_bytes_, result_.keys_loaded, result_.keys_expired};
  }

 private:
  void header();
  void aux();
  void select();
  void resize();
  void key(std::uint8_t type);
  void insert_oldest();
  void insert_all();
  void set_last_use(keyspace::Object& value);
  void checksum();

  Input& input_;
  keyspace::Keyspace& keyspace_;
  const LoadOptions& options_;
  Log& log_;
  DebugDelay delay_;
  int version_ = 0;
  int db_ = 0;
  std::uint64_t used_memory_bytes_ = 0;
  // Attributes of the next key.
  std::int64_t expire_ms_ = keyspace::kNoExpiry;
  std::optional<std::uint64_t> idle_s_;
  std::optional<std::uint8_t> frequency_;
  std::uint64_t reservable_keys_;
  // A ring, of database db_: keys read_ - inserted_ are waiting.
  std::array<PendingKey, kKeysBehind> pending_;
  std::size_t read_ = 0;
  std::size_t inserted_ = 0;
  LoadResult result_;
};

void Loader::header() {
  const std::string_view header = input_.bytes(kHeaderBytes);
  if (!input_.ok()) {
    return;
  }
  if (!header.starts_with(kMagic)) {
    return input_.fail("Wrong signature trying to load DB from file");
  }
  const std::string_view digits = header.substr(kMagic.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version_);
  if (error != std::errc() || end != digits.data() + digits.size() || version_ < 1 ||
      version_ > kVersion) {
    input_.fail(fmt::format("Can't handle RDB format version {}", digits));
  }
}

void Loader::aux() {
  const std::string key(input_.string());
  const std::string_view value = input_.string();
  if (!input_.ok()) {
    return;
  }
  if (key.starts_with('%')) {
    log_.notice("RDB '{}': {}", key, value);
  } else if (key == "redis-ver") {
    log_.notice("Loading RDB produced by version {}", value);
  } else if (key == "ctime") {
    const std::int64_t age_s = options_.now_ms / 1000 - parse_int64(value).value_or(0);
    log_.notice("RDB age {} seconds", std::max<std::int64_t>(age_s, 0));
  } else if (key == "used-mem") {
    used_memory_bytes_ = static_cast<std::uint64_t>(parse_int64(value).value_or(0));
    log_.notice("RDB memory usage when created {:.2f} Mb",
                static_cast<double>(used_memory_bytes_) / (1024 * 1024));
  } else if (key == "aof-base" && value == "1") {
    log_.notice("RDB is base AOF");
  }
}

void Loader::select() {
  const std::uint64_t db = input_.length();
  if (input_.ok() && db >= static_cast<std::uint64_t>(keyspace_.count())) {
    return input_.fail(
        fmt::format("FATAL: Data file was created with a Redis server configured to "
                    "handle more than {} databases. Exiting",
                    keyspace_.count()));
  }
  db_ = static_cast<int>(db);
}

void Loader::set_last_use(keyspace::Object& value) {
  const std::int64_t now_s = options_.now_ms / 1000;
  const std::uint64_t idle_s = std::exchange(idle_s_, std::nullopt).value_or(0);
  const std::uint8_t frequency =
      std::exchange(frequency_, std::nullopt).value_or(kFrequencyOfNewKey);
  if (options_.eviction_hint == EvictionHint::kFrequency) {
    set_frequency(value, frequency, now_s);
  } else {
    set_idle(value, options_.eviction_hint == EvictionHint::kIdle ? idle_s : 0, now_s);
  }
}

void Loader::resize() {
  const std::uint64_t keys = std::min(input_.length(), reservable_keys_);
  static_cast<void>(input_.length());  // how many expire
  if (input_.ok()) {
    reservable_keys_ -= keys;
    keyspace_.database(db_).reserve(keys);
  }
}

void Loader::key(std::uint8_t type) {
  if (read_ - inserted_ == kKeysBehind) {
    insert_oldest();
  }
  // A key that is skipped below leaves its place in the ring to the next one.
  PendingKey& pending = pending_[read_ % kKeysBehind];
  pending.expire_ms = std::exchange(expire_ms_, keyspace::kNoExpiry);
  pending.key = input_.string();
  if (!input_.ok()) {
    return;
  }
  pending.value = get_value(input_, type, keyspace_.limits);
  if (!input_.ok()) {
    return;
  }
  if (!pending.value) {
    if (result_.empty_keys_skipped++ < kEmptyKeysLogged) {
      log_.notice("rdbLoadObject skipping empty key: {}", pending.key);
    }
    return;
  }
  set_last_use(*pending.value);
  if (pending.expire_ms != keyspace::kNoExpiry && pending.expire_ms < options_.now_ms &&
      !options_.keep_expired) {
    ++result_.keys_expired;
    return;
  }
  const keyspace::Database& database = keyspace_.database(db_);
  pending.hash = keyspace::hash_of(pending.key);
  database.fetch_segment(pending.hash);
  if (read_ - inserted_ >= kKeysBehind / 2) {
    database.fetch_slot(pending_[(read_ - kKeysBehind / 2) % kKeysBehind].hash);
  }
  ++read_;
  delay_.pause();
}

void Loader::insert_oldest() {
  ENGINE_CHECK(inserted_ < read_ && read_ - inserted_ <= kKeysBehind, inserted_, read_);
  PendingKey& pending = pending_[inserted_++ % kKeysBehind];
  keyspace::Database& database = keyspace_.database(db_);
  keyspace::KeyEntry* const entry =
      options_.overwrite
          ? &database.put(pending.key, std::move(*pending.value))
          : database.insert_new(pending.key, pending.hash, std::move(*pending.value));
  if (entry == nullptr) {
    return input_.fail(fmt::format("RDB has duplicated key '{}' in DB {}", pending.key, db_));
  }
  if (pending.expire_ms != keyspace::kNoExpiry) {
    database.set_expire(*entry, pending.expire_ms);
  }
  ++result_.keys_loaded;
}

void Loader::insert_all() {
  while (input_.ok() && inserted_ < read_) {
    insert_oldest();
  }
}

void Loader::checksum() {
  if (version_ < kChecksumSinceVersion) {
    return;
  }
  const std::uint64_t computed = input_.crc();
  const auto stored = input_.little_endian<std::uint64_t>();
  if (!input_.ok() || !options_.verify_checksum) {
    return;
  }
  if (stored == 0) {
    log_.notice("RDB file was saved with checksum disabled: no check performed.");
  } else if (stored != computed) {
    input_.fail(fmt::format(
        "RDB CRC error: Wrong RDB checksum expected: ({:x}) but got ({:x}). Aborting now.",
        computed, stored));
  }
}

LoadResult Loader::run() {
  header();
  while (input_.ok()) {
    const std::uint8_t opcode = input_.byte();
    if (!input_.ok()) {
      break;
    }
    switch (opcode) {
      case kEof:  // commands may follow, after the preamble of an AOF
        insert_all();
        checksum();
        result_.end_offset = input_.offset();
        return result_;
      case kExpireSeconds:
        expire_ms_ = std::int64_t{input_.little_endian<std::int32_t>()} * 1000;
        break;
      case kExpireMs:
        expire_ms_ = input_.little_endian<std::int64_t>();
        break;
      case kFrequency:
        frequency_ = input_.byte();
        break;
      case kIdle:
        idle_s_ = input_.length();
        break;
      case kSelectDb:
        insert_all();
        select();
        break;
      case kResizeDb:
        resize();
        break;
      case kAux:
        aux();
        break;
      case kFunction:
      case kFunction2:
        input_.fail("it holds Lua functions, which this engine cannot run");
        break;
      case kModuleAux:
        input_.fail("it holds data of a module, and this engine has no modules");
        break;
      default:
        key(opcode);
        break;
    }
  }
  return result_;
}

}  // namespace

Result<LoadResult> load_snapshot(const io::File& file, keyspace::Keyspace& keyspace,
                                 const LoadOptions& options, Log& log) {
  const Result<std::uint64_t> size = file.size();
  if (!size) {
    return tl::unexpected(size.error());
  }
  Input input(file, *size, options.verify_checksum);
  Loader loader(input, keyspace, options, log);
  if (options.progress) {
    input.on_progress(options.progress_interval_bytes,
                      [&](std::uint64_t offset) { options.progress(loader.progress(offset)); });
  }
  const LoadResult result = loader.run();
  if (!input.ok()) {
    return tl::unexpected(input.error());
  }
  if (result.empty_keys_skipped > 0) {
    log.notice("Done loading RDB, keys loaded: {}, keys expired: {}, empty keys skipped: {}.",
               result.keys_loaded, result.keys_expired, result.empty_keys_skipped);
  } else {
    log.notice("Done loading RDB, keys loaded: {}, keys expired: {}.", result.keys_loaded,
               result.keys_expired);
  }
  return result;
}

}  // namespace engine::rdb
