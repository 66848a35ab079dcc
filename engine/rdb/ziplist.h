// The compact encodings of Redis before 7.0, which old RDB files hold: read only.
#pragma once

#include <functional>
#include <string_view>

#include "engine/keyspace/element.h"

namespace engine::rdb {

// ziplist: u32 bytes, u32 offset of the last entry, u16 count (65535: unknown), entries, FF. An
// entry is <size of the previous one: 1 byte, or FE and u32> <encoding> <data>. Calls `fn` for each
// element; false if the blob is malformed, possibly after some calls.
bool for_each_in_ziplist(std::string_view blob,
                         const std::function<void(const keyspace::Element&)>& fn);

// zipmap: u8 count (254: unknown), {size, field, size, free u8, value}, FF; a size is 1 byte, or FE
// and u32. As above.
bool for_each_in_zipmap(
    std::string_view blob,
    const std::function<void(std::string_view field, std::string_view value)>& fn);

}  // namespace engine::rdb
