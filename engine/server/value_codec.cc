#include "engine/server/value_codec.h"

#include "engine/rdb/dump_payload.h"

namespace engine::server {

std::string RdbValueCodec::dump(const keyspace::Object& value) const {
  return rdb::dump_value(value);
}

Result<keyspace::Object> RdbValueCodec::restore(std::string_view payload,
                                                const keyspace::EncodingLimits& limits) const {
  return rdb::restore_value(payload, limits, !skip_checksum_);
}

}  // namespace engine::server
