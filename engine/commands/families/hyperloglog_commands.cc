// HyperLogLogs: PFADD, PFCOUNT, PFMERGE, and what looks into them.
#include <cmath>
#include <string>
#include <string_view>

#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/keyspace/hyperloglog.h"

namespace engine::commands {
namespace {

using keyspace::HyperLogLog;
using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::Type;

constexpr std::string_view kNotOne = "WRONGTYPE Key is not a valid HyperLogLog string value.";
constexpr std::string_view kCorrupted = "INVALIDOBJ Corrupted HLL object detected";

// Replies the error when the key holds another type.
bool is_no_hyperloglog(Context& c, const KeyEntry* entry) {
  if (c.wrong_type(entry, Type::kString)) {
    return true;
  }
  if (entry == nullptr || HyperLogLog::is_one(entry->object)) {
    return false;
  }
  c.error(kNotOne);
  return true;
}

// The registers of all that the arguments from `first` on name. False: the error has been replied.
bool merge_all(Context& c, HyperLogLog::Registers& registers, bool& has_dense) {
  for (const std::string_view key : c.argv.subspan(1)) {
    KeyEntry* entry = c.find_to_read(key);
    if (is_no_hyperloglog(c, entry)) {
      return false;
    }
    if (entry == nullptr) {
      continue;
    }
    has_dense |= HyperLogLog::is_dense(entry->object);
    if (!HyperLogLog::merge(entry->object, registers)) {
      c.error(kCorrupted);
      return false;
    }
  }
  return true;
}

void count_one(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (is_no_hyperloglog(c, entry)) {
    return;
  }
  if (entry == nullptr) {
    return c.reply.integer(0);
  }
  HyperLogLog hyperloglog(entry->object);
  std::optional<std::uint64_t> estimate = hyperloglog.kept_estimate();
  if (!estimate) {
    estimate = hyperloglog.renew_estimate();
    if (!estimate) {
      return c.error(kCorrupted);
    }
    c.modified(c.argv[1], kNoEvent);  // so it is logged, although a command that reads
  }
  c.reply.integer(static_cast<std::int64_t>(*estimate));
}

void reply_registers(Context& c, const Object& value) {
  HyperLogLog::Registers registers{};
  if (!HyperLogLog::merge(value, registers)) {
    return c.error(kCorrupted);
  }
  c.reply.array(registers.size());
  for (const std::uint8_t each : registers) {
    c.reply.integer(each);
  }
}

// Adds the same elements to a sparse and to a dense one: their estimates must agree, and be near
// the true count.
std::string found_by_self_test() {
  constexpr std::uint64_t kElements = 100'000;
  constexpr std::uint64_t kElementsWhileSparse = 1000;
  constexpr std::size_t kNoLimit = 1 << 20;
  const double error_max = 6 * 1.04 / std::sqrt(HyperLogLog::kRegisters);
  Object values[] = {HyperLogLog::create(), HyperLogLog::create()};
  HyperLogLog sparse(values[0]);
  HyperLogLog dense(values[1]);
  if (!dense.to_dense()) {
    return "TESTFAILED an empty one is corrupted";
  }
  std::uint64_t checkpoint = 1;
  for (std::uint64_t i = 1; i <= kElements; ++i) {
    const std::string element = std::to_string(i * 0x9e3779b97f4a7c15);
    dense.add(element, kNoLimit);
    if (i <= kElementsWhileSparse) {
      sparse.add(element, kNoLimit);
    }
    if (i != checkpoint) {
      continue;
    }
    checkpoint *= 10;
    const auto estimate = dense.renew_estimate();
    if (i <= kElementsWhileSparse && estimate != sparse.renew_estimate()) {
      return "TESTFAILED dense and sparse disagree after " + std::to_string(i) + " elements";
    }
    const double off = std::abs(static_cast<double>(*estimate) - static_cast<double>(i));
    if (off > std::ceil(error_max * static_cast<double>(i))) {
      return "TESTFAILED Too big error. card:" + std::to_string(i) +
             " estimate:" + std::to_string(*estimate);
    }
  }
  return "";
}

}  // namespace

void pfadd_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (is_no_hyperloglog(c, entry)) {
    return;
  }
  std::uint64_t changes = 0;
  if (entry == nullptr) {
    entry = &c.insert(c.argv[1], HyperLogLog::create());
    ++changes;
  }
  HyperLogLog hyperloglog(entry->object);
  bool corrupted = false;
  for (std::size_t i = 2; i < c.argv.size() && !corrupted; ++i) {
    const auto added = hyperloglog.add(c.argv[i], c.state.settings.hll_sparse_max_bytes);
    changes += added == HyperLogLog::Added::kChanged ? 1 : 0;
    corrupted = added == HyperLogLog::Added::kCorrupted;
  }
  if (changes > 0) {
    hyperloglog.outdate_estimate();
    c.modified(c.argv[1], {kStringEvent, "pfadd"}, changes);
  }
  if (corrupted) {
    return c.error(kCorrupted);
  }
  c.reply.integer(changes > 0 ? 1 : 0);
}

void pfcount_command(Context& c) {
  if (c.argv.size() == 2) {
    return count_one(c);
  }
  HyperLogLog::Registers registers{};
  bool has_dense = false;
  if (merge_all(c, registers, has_dense)) {
    c.reply.integer(static_cast<std::int64_t>(HyperLogLog::estimate(registers)));
  }
}

void pfmerge_command(Context& c) {
  HyperLogLog::Registers registers{};
  bool has_dense = false;
  if (!merge_all(c, registers, has_dense)) {
    return;
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (entry == nullptr) {
    entry = &c.insert(c.argv[1], HyperLogLog::create());
  }
  HyperLogLog destination(entry->object);
  if (has_dense && !destination.to_dense()) {
    return c.error(kCorrupted);
  }
  for (std::size_t i = 0; i < registers.size(); ++i) {
    if (registers[i] > 0) {
      destination.raise(i, registers[i], c.state.settings.hll_sparse_max_bytes);
    }
  }
  destination.outdate_estimate();
  c.modified(c.argv[1], {kStringEvent, "pfadd"});
  c.reply.ok();
}

void pfdebug_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[2]);
  if (entry == nullptr) {
    return c.error("ERR The specified key does not exist");
  }
  if (is_no_hyperloglog(c, entry)) {
    return;
  }
  HyperLogLog hyperloglog(entry->object);
  const bool is_sparse = !HyperLogLog::is_dense(entry->object);
  const bool wants_registers = c.is_word(1, "GETREG");
  if (wants_registers || c.is_word(1, "TODENSE")) {
    if (!hyperloglog.to_dense()) {
      return c.error(kCorrupted);
    }
    c.add_changes(is_sparse ? 1 : 0);
    return wants_registers ? reply_registers(c, entry->object) : c.reply.integer(is_sparse ? 1 : 0);
  }
  if (c.is_word(1, "DECODE")) {
    return is_sparse ? c.reply.bulk(hyperloglog.runs_text())
                     : c.error("ERR HLL encoding is not sparse");
  }
  if (c.is_word(1, "ENCODING")) {
    return c.reply.simple(is_sparse ? "sparse" : "dense");
  }
  c.error("ERR Unknown PFDEBUG subcommand '" + std::string(c.argv[1]) + "'");
}

void pfselftest_command(Context& c) {
  const std::string found = found_by_self_test();
  return found.empty() ? c.reply.ok() : c.error(found);
}

}  // namespace engine::commands
