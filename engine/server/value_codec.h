// DUMP and RESTORE payloads for the commands, written and read by rdb/.
#pragma once

#include "engine/commands/services/value_codec.h"

namespace engine::server {

class RdbValueCodec final : public commands::ValueCodec {
 public:
  std::string dump(const keyspace::Object& value) const override;
  Result<keyspace::Object> restore(std::string_view payload,
                                   const keyspace::EncodingLimits& limits) const override;

  // DEBUG SET-SKIP-CHECKSUM-VALIDATION.
  void set_skip_checksum(bool skip) { skip_checksum_ = skip; }

 private:
  bool skip_checksum_ = false;
};

}  // namespace engine::server
