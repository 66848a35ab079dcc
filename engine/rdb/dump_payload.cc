#include "engine/rdb/dump_payload.h"

#include <cstdint>
#include <optional>

#include "engine/base/bytes.h"
#include "engine/base/crc64.h"
#include "engine/rdb/decode.h"
#include "engine/rdb/encode.h"
#include "engine/rdb/input.h"
#include "engine/rdb/output.h"
#include "engine/rdb/rdb_format.h"

namespace engine::rdb {

std::string dump_value(const keyspace::Object& value) {
  Output out;
  out.put_byte(value_type(value));
  put_value(out, value, true);
  std::string payload = out.bytes();
  char version[2];
  store_le(version, std::uint16_t{kVersion});
  payload.append(version, sizeof(version));
  char crc[kChecksumBytes];
  store_le(crc, crc64(0, payload));
  payload.append(crc, sizeof(crc));
  return payload;
}

Result<keyspace::Object> restore_value(std::string_view payload,
                                       const keyspace::EncodingLimits& limits, bool verify) {
  if (payload.size() < kDumpFooterBytes) {
    return fail("ERR DUMP payload version or checksum are wrong");
  }
  const std::string_view footer = payload.substr(payload.size() - kDumpFooterBytes);
  const std::string_view summed = payload.substr(0, payload.size() - kChecksumBytes);
  if (load_le<std::uint16_t>(footer.data()) > kVersion ||
      (verify && load_le<std::uint64_t>(footer.data() + 2) != crc64(0, summed))) {
    return fail("ERR DUMP payload version or checksum are wrong");
  }
  Input input(payload.substr(0, payload.size() - kDumpFooterBytes));
  const std::uint8_t type = input.byte();
  std::optional<keyspace::Object> value = get_value(input, type, limits);
  if (!value || input.left() != 0) {
    return fail("ERR Bad data format");
  }
  return std::move(*value);
}

}  // namespace engine::rdb
