#include "engine/aof/step_encoder.h"

#include "engine/aof/aof_format.h"
#include "engine/base/check.h"
#include "engine/base/text.h"

namespace engine::aof {

void append_command(std::string& to, std::span<const std::string_view> argv) {
  to += '*';
  to += Digits(std::uint64_t{argv.size()}).view();
  to += "\r\n";
  for (const std::string_view argument : argv) {
    to += '$';
    to += Digits(std::uint64_t{argument.size()}).view();
    to += "\r\n";
    to += argument;
    to += "\r\n";
  }
}

void StepEncoder::restart() {
  selected_db_ = -1;
  timestamp_s_ = -1;
}

void StepEncoder::select(std::string& to, int db) {
  if (db != selected_db_) {
    selected_db_ = db;
    const Digits digits(std::int64_t{db});
    const std::string_view argv[] = {"SELECT", digits.view()};
    append_command(to, argv);
  }
}

void StepEncoder::append(std::string& to, std::span<const keyspace::Effect> step,
                         const std::optional<Place>& place, std::optional<std::int64_t> now_s) {
  // The checksum line comes first and needs the bytes, so they go to a scratch buffer.
  std::string& bytes = place ? scratch_ : to;
  if (place) {
    scratch_.clear();
  }
  if (now_s && *now_s != timestamp_s_) {
    timestamp_s_ = *now_s;
    bytes += kTimestampPrefix;
    bytes += Digits(*now_s).view();
    bytes += "\r\n";
  }
  if (step.size() > 1) {
    select(bytes, step.front().db);  // where redis-server has it
    bytes += "*1\r\n$5\r\nMULTI\r\n";
  }
  for (const keyspace::Effect& effect : step) {
    ENGINE_CHECK(effect.db >= 0 && !effect.argv.empty(), effect.db, effect.argv.size());
    select(bytes, effect.db);
    append_command(bytes, effect.argv);
  }
  if (step.size() > 1) {
    bytes += "*1\r\n$4\r\nEXEC\r\n";
  }
  if (place) {
    append_checksum(to, *place, scratch_);
    to += "\r\n";
    to += scratch_;
  }
}

}  // namespace engine::aof
