// The RDB form of single values, for DUMP and RESTORE: implemented by rdb/, given to the Executor.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/keyspace/object.h"

namespace engine::commands {

class ValueCodec {
 public:
  virtual ~ValueCodec() = default;
  // Type byte, value, 2 bytes of RDB version, 8 bytes of CRC-64: the reply to DUMP.
  virtual std::string dump(const keyspace::Object& value) const = 0;
  // The reverse. The message of an error is the whole reply: "ERR DUMP payload version or checksum
  // are wrong" or "ERR Bad data format".
  virtual Result<keyspace::Object> restore(std::string_view payload,
                                           const keyspace::EncodingLimits& limits) const = 0;
};

}  // namespace engine::commands
